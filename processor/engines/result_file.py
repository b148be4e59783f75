"""Write the result of a query in its format, and compute its size and digest.

`_WRITERS` and `_COMPRESSORS` have one line for each row encoding and compression in
`shared.aggregation.formats`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

from processor.engines.csv_row import encode_row
from shared.aggregation.formats import FORMATS
from shared.aggregation.kinds import NUMERIC

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from processor.engines.parquet_file import ParquetFile
    from shared.aggregation.formats import RowEncoding
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Compression

    Result: TypeAlias = "ResultFile | ParquetFile"
    """A result that is being written. `finish` completes it; then it has a size and a SHA-256."""
    Encode: TypeAlias = Callable[[Sequence[bytes]], bytes]
    """Returns the bytes of one row."""

_BUFFER = 1 << 20
_COMPRESSOR_BLOCK = 1 << 20
"""Bytes passed to a compressor at a time."""
_GZIP = 16 + zlib.MAX_WBITS
"""The `wbits` of zlib for the gzip format (RFC 1952), without a file name and a time."""
_ZSTD_LEVEL = 3


class _Compressor(Protocol):
    def compress(self, data: bytes | bytearray, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _gzip_compressor() -> _Compressor:
    return zlib.compressobj(wbits=_GZIP)


def _zstd_compressor() -> _Compressor:
    # A frame (RFC 8878) with a checksum, which readers verify.
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    return zstd.ZstdCompressor(options=options)


_COMPRESSORS: dict[Compression, Callable[[], _Compressor]] = {
    "gzip": _gzip_compressor,
    "zstd": _zstd_compressor,
}


def begin_result(path: Path, query: Query, memory: int, scratch: int) -> Result:
    """Create the result of `query` at `path`.

    It may use `memory` bytes, and spill `scratch` bytes to files beside `path`. Raises OSError.
    """
    return _WRITERS[FORMATS[query.aggregation.output].rows](path, query, memory, scratch)


class ResultFile:
    """A result that is written to `file` row by row.

    `encode` returns the bytes of a row, `header` precedes the first one.
    """

    def __init__(
        self, file: BinaryIO, encode: Encode, header: bytes, compression: Compression
    ) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._compressor = None if compression == "none" else _COMPRESSORS[compression]()
        self._pending = bytearray()
        self._encode = encode
        self.size = 0
        """Bytes written so far."""
        self.write(header)

    def write_rows(self, rows: Iterable[Sequence[bytes]]) -> None:
        """Append rows. Raises OSError, for example on a full disk."""
        self.write(b"".join(map(self._encode, rows)))

    def write(self, data: bytes | memoryview) -> None:
        """Append encoded rows. Raises OSError."""
        if self._compressor is None:
            self._write(data)
            return
        # Fixed blocks, so that the output does not depend on how rows are divided among calls.
        self._pending += data
        while len(self._pending) >= _COMPRESSOR_BLOCK:
            self._write(self._compressor.compress(self._pending[:_COMPRESSOR_BLOCK]))
            del self._pending[:_COMPRESSOR_BLOCK]

    def finish(self) -> None:
        """Write the remaining bytes to the file. Raises OSError."""
        if self._compressor is not None:
            self._write(self._compressor.compress(self._pending))
            self._write(self._compressor.flush())
            self._pending.clear()
        self._file.flush()

    def close(self) -> None:
        """Close the file. Raises OSError if rows are left to write and the disk is full."""
        self._file.close()

    def _write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes written so far, in lower-case hex."""
        return self._digest.hexdigest()


class _JsonRows:
    """Rows as JSON objects, one a line. Numbers have as many digits as they need."""

    def __init__(self, query: Query) -> None:
        groups = len(query.group_by)
        self._columns = [
            (json.dumps(name, ensure_ascii=False) + ":", kind in NUMERIC, i < groups)
            for i, (name, kind) in enumerate(zip(query.names, query.kinds, strict=True))
        ]

    def encode(self, row: Sequence[bytes]) -> bytes:
        """Return a line. An aggregate without a value is null; a group column may be empty."""
        members = [
            name + self._value(field, numeric=numeric, group=group)
            for (name, numeric, group), field in zip(self._columns, row, strict=True)
        ]
        return ("{" + ",".join(members) + "}\n").encode()

    @staticmethod
    def _value(field: bytes, *, numeric: bool, group: bool) -> str:
        if not field and not group:
            return "null"
        return field.decode() if numeric else json.dumps(field.decode(), ensure_ascii=False)


def _csv_writer(path: Path, query: Query, _memory: int, _scratch: int) -> ResultFile:
    header = encode_row([name.encode() for name in query.names])
    return _text_file(path, query, encode_row, header)


def _jsonl_writer(path: Path, query: Query, _memory: int, _scratch: int) -> ResultFile:
    return _text_file(path, query, _JsonRows(query).encode, b"")


def _text_file(path: Path, query: Query, encode: Encode, header: bytes) -> ResultFile:
    compression = FORMATS[query.aggregation.output].compression
    return ResultFile(path.open("wb", buffering=_BUFFER), encode, header, compression)


def _parquet_writer(path: Path, query: Query, memory: int, scratch: int) -> ParquetFile:
    # Imported here: importing DuckDB takes longer than the exact plan takes for a small file.
    from processor.engines.parquet_file import ParquetFile

    return ParquetFile(path, query, memory, scratch)


_WRITERS: dict[RowEncoding, Callable[[Path, Query, int, int], Result]] = {
    "csv": _csv_writer,
    "jsonl": _jsonl_writer,
    "parquet": _parquet_writer,
}
