"""Writes results: the header, then rows, digested on the way."""

from __future__ import annotations

import hashlib
import json
import sys
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

from processor.engines.csv_row import encode_row

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from processor.engines.parquet_file import ParquetFile
    from shared.aggregation.resolve import Query
    from shared.aggregation.spec import Output

    Result: TypeAlias = "ResultFile | ParquetFile"
    """A result while it is being written: it takes rows, is finished, and has size and SHA-256."""

_BUFFER = 1 << 20
_COMPRESSED_AT_ONCE = 1 << 20
"""Bytes that a compressor is given at a time."""
_GZIP = 16 + zlib.MAX_WBITS
"""What zlib calls the format of RFC 1952; it writes neither name nor time into it."""
_ZSTD_LEVEL = 3


class _Compressor(Protocol):
    def compress(self, data: bytes | bytearray, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _compressor(output: Output) -> _Compressor | None:
    if output == "csv.gz":
        return zlib.compressobj(wbits=_GZIP)
    if output == "csv.zst":
        # A frame (RFC 8878) with a checksum, which readers verify.
        options: dict[int, int] = {
            zstd.CompressionParameter.compression_level: _ZSTD_LEVEL,
            zstd.CompressionParameter.checksum_flag: 1,
        }
        return zstd.ZstdCompressor(options=options)
    return None


def begin_result(path: Path, query: Query, memory: int, scratch: int) -> Result:
    """Begin the result of `query` at `path`. Raises OSError.

    It may hold `memory` bytes, and spill `scratch` bytes beside `path`.
    """
    if query.aggregation.output == "parquet":
        # Importing DuckDB takes longer than the exact plan takes for a small file.
        from processor.engines.parquet_file import ParquetFile

        return ParquetFile(path, query, memory, scratch)
    return ResultFile(path.open("wb", buffering=_BUFFER), query)


class ResultFile:
    """A result while it is being written to `file`, from the header on; `finish` ends it."""

    def __init__(self, file: BinaryIO, query: Query) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        output = query.aggregation.output
        self._compressor = _compressor(output)
        self._waiting = bytearray()
        self._encode = _JsonRows(query).encode if output == "jsonl" else encode_row
        self.size = 0
        """Bytes written so far."""
        if output != "jsonl":
            self.write(encode_row([name.encode() for name in query.names]))

    def write_rows(self, rows: Iterable[Sequence[bytes]]) -> None:
        """Append rows. Raises OSError, as when the disk is full."""
        self.write(b"".join(map(self._encode, rows)))

    def write(self, data: bytes | memoryview) -> None:
        """Append rows that are encoded already. Raises OSError."""
        if self._compressor is None:
            self._write(data)
            return
        # Always as much at a time: what comes out may not depend on the pieces that came in.
        self._waiting += data
        while len(self._waiting) >= _COMPRESSED_AT_ONCE:
            self._write(self._compressor.compress(self._waiting[:_COMPRESSED_AT_ONCE]))
            del self._waiting[:_COMPRESSED_AT_ONCE]

    def finish(self) -> None:
        """Append what is left to write. Raises OSError."""
        if self._compressor is not None:
            self._write(self._compressor.compress(self._waiting))
            self._write(self._compressor.flush())
            self._waiting.clear()
        self._file.flush()

    def close(self) -> None:
        """Close the file. Raises OSError if it is not finished and the disk is full."""
        self._file.close()

    def _write(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Lower-case hex digest of what has been written."""
        return self._digest.hexdigest()


class _JsonRows:
    """Rows as JSON objects, one a line. Numbers have as many digits as they need."""

    def __init__(self, query: Query) -> None:
        groups = len(query.group_by)
        self._columns = [
            (json.dumps(name, ensure_ascii=False) + ":", kind in ("number", "integer"), i < groups)
            for i, (name, kind) in enumerate(zip(query.names, query.kinds, strict=True))
        ]

    def encode(self, row: Sequence[bytes]) -> bytes:
        """One line. An aggregate without a value is null; text of a group may be empty."""
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
