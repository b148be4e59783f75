from __future__ import annotations

import bz2
import gzip
import io
import os
import random
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from shared.csv.compression import BLOCK, compression_of, decompress, decompressed_limit
from shared.errors import MalformedInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.csv.dialect import Compression

RANDOM = random.Random(1)
TEXT = b"".join(b"%d,%d\n" % (i, RANDOM.randrange(10**9)) for i in range(20_000))


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, streamed: bool = False
) -> bytes:
    """A ZIP archive. With `streamed`, the lengths follow the members, as in output to a pipe."""
    out = io.BytesIO()
    if streamed:
        out.seekable = lambda: False  # type: ignore[method-assign]
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def _zip(data: bytes) -> bytes:
    return zipped(("plays.csv", data))


COMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "zip": _zip,
}
compressions = pytest.mark.parametrize("compression", COMPRESS)
joinable = pytest.mark.parametrize("compression", ["gzip", "zstd", "bzip2"])


def expand(
    data: bytes, compression: Compression, size: int = 1 << 16, most: int | None = None
) -> bytes:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    blocks = list(decompress(pieces, compression, most))
    assert all(len(block) <= BLOCK for block in blocks)
    return b"".join(blocks)


@compressions
def test_compressed_data_is_decompressed(compression: Compression) -> None:
    for text in (b"", b"a", TEXT, b"\0" * (3 * BLOCK), os.urandom(2 * BLOCK)):
        data = COMPRESS[compression](text)

        assert compression_of(data[:16]) == compression
        assert expand(data, compression) == text
    small = COMPRESS[compression](TEXT[:500])
    for size in (1, 2, 3, 7):
        assert expand(small, compression, size) == TEXT[:500]


def test_data_without_compression_is_passed_on() -> None:
    assert expand(b"a,b\n", "none") == b"a,b\n"
    for text in (b"Song,Date", b"BZh1,BZh2\n", b"PK,a", b""):
        assert compression_of(text) == "none"


@joinable
def test_several_members_are_one_file(compression: Compression) -> None:
    parts = [TEXT[:100], b"", TEXT[100:]]
    data = b"".join(map(COMPRESS[compression], parts))

    assert expand(data, compression) == TEXT
    assert expand(data, compression, 5) == TEXT


@compressions
def test_an_incomplete_file_is_refused(compression: Compression) -> None:
    data = COMPRESS[compression](TEXT[:300])

    for length in range(len(data)):
        with pytest.raises(MalformedInput, match=r"is incomplete|is not a zip archive"):
            expand(data[:length], compression)


@compressions
def test_bytes_after_the_end_are_refused(compression: Compression) -> None:
    data = COMPRESS[compression](TEXT)

    for more in (b"x", b"\0" * 10, b"a,b\n1,2\n"):
        with pytest.raises(MalformedInput, match=r"followed by|is incomplete"):
            expand(data + more, compression)


@compressions
def test_every_damaged_byte_that_matters_is_noticed(
    compression: Compression,
) -> None:
    if compression == "zstd":
        options: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
        data = zstd.compress(TEXT[:300], options=options)
    else:
        data = COMPRESS[compression](TEXT[:300])
    refused = 0
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        try:
            # Names and times do not belong to the text.
            assert expand(damaged, compression) == TEXT[:300]
        except MalformedInput:
            refused += 1
    assert refused > len(data) // 2


@compressions
def test_a_bomb_is_not_expanded(compression: Compression) -> None:
    data = COMPRESS[compression](b"\0" * (20 * BLOCK))
    served = 0

    def blocks() -> Iterator[bytes]:
        nonlocal served
        for block in decompress([data], compression, 2 * BLOCK):
            served += len(block)
            yield block

    with pytest.raises(MalformedInput, match=rf"decompressed file has more than {2 * BLOCK} bytes"):
        list(blocks())
    assert served <= 2 * BLOCK
    assert decompressed_limit(10) == 1 << 30
    assert decompressed_limit(10 << 30, 50) == 500 << 30


def test_a_frame_that_needs_much_memory_is_refused() -> None:
    options: dict[int, int] = {
        zstd.CompressionParameter.window_log: 28,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    compressor = zstd.ZstdCompressor(options=options)
    data = compressor.compress(b"x" * 1000) + compressor.flush()

    with pytest.raises(MalformedInput, match="memory"):
        expand(data, "zstd")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_archives_of_one_member(method: int) -> None:
    archive = zipped(("folder/", b""), ("folder/plays.csv", TEXT), method=method)

    assert expand(archive, "zip") == TEXT
    assert expand(archive, "zip", 1) == TEXT


def test_zip_archives_that_were_written_to_a_pipe() -> None:
    assert expand(zipped(("a", TEXT), streamed=True), "zip") == TEXT
    assert expand(zipped(("a", b""), streamed=True), "zip") == b""
    stored = bytearray(zipped(("a", TEXT), method=zipfile.ZIP_STORED))
    stored[6] |= 8
    stored[18:26] = bytes(8)
    with pytest.raises(MalformedInput, match="'a' in the zip archive is stored without its length"):
        expand(bytes(stored), "zip")


def test_zip_archives_with_lengths_of_64_bits() -> None:
    for streamed in (False, True):
        out = io.BytesIO()
        if streamed:
            out.seekable = lambda: False  # type: ignore[method-assign]
        with (
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("a", "w", force_zip64=True) as member,
        ):
            member.write(TEXT)
        assert expand(out.getvalue(), "zip") == TEXT
    # An archive that claims very many members is read too.
    data = zipped(("a", TEXT))
    at = data.index(b"PK\x05\x06")
    end_64 = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(44)
    locator = b"PK\x06\x07" + bytes(16)
    assert expand(data[:at] + end_64 + locator + data[at:], "zip") == TEXT


def test_a_directory_that_claims_to_be_large_is_not_held_in_memory() -> None:
    data = zipped(("a", TEXT))
    before = data[: data.index(b"PK\x05\x06")] + b"PK\x06\x06" + (1 << 62).to_bytes(8, "little")
    blocks = (bytes(1 << 20) if at else before for at in range(33))
    tracemalloc.start()
    try:
        with pytest.raises(MalformedInput, match="is incomplete"):
            list(decompress(blocks, "zip"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 8 << 20


def test_files_that_macos_adds_to_a_zip_archive_are_ignored() -> None:
    archive = zipped(("plays.csv", TEXT), ("__MACOSX/._plays.csv", b"\0" * 100), streamed=True)

    assert expand(archive, "zip") == TEXT
    with pytest.raises(MalformedInput, match="is too large"):
        expand(zipped(("__MACOSX/x", bytes(17 << 20)), ("plays.csv", TEXT)), "zip")


def test_other_zip_archives_are_refused_with_a_hint() -> None:
    with pytest.raises(MalformedInput, match=r"several members, 'b' among .*one file at a time"):
        expand(zipped(("a", TEXT), ("b", TEXT)), "zip")
    with pytest.raises(MalformedInput, match=r"such as \.xlsx, and not CSV: save the sheet as CSV"):
        expand(zipped(("[Content_Types].xml", TEXT), ("xl/workbook.xml", TEXT)), "zip")
    with pytest.raises(MalformedInput, match="has no member"):
        expand(zipped(), "zip")
    with pytest.raises(MalformedInput, match="compressed by LZMA: compress it by Deflate"):
        expand(zipped(("a", TEXT), method=zipfile.ZIP_LZMA), "zip")
    encrypted = bytearray(_zip(TEXT))
    encrypted[6] |= 1
    with pytest.raises(MalformedInput, match=r"'plays\.csv' in .* is encrypted"):
        expand(bytes(encrypted), "zip")
    with pytest.raises(MalformedInput, match="is not a zip archive"):
        expand(b"a,b\n1,2\n", "zip")
    hidden = _zip(TEXT)
    hidden = hidden[: hidden.index(b"PK\x01\x02")] + hidden[hidden.index(b"PK\x05\x06") :]
    with pytest.raises(MalformedInput, match="its directory does not list"):
        expand(hidden, "zip")


def test_a_zip_member_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(zipped(("a", TEXT), method=zipfile.ZIP_STORED))
    at = data.index(TEXT)
    data[at] ^= 1
    assert zlib.crc32(bytes(data[at : at + len(TEXT)])) != zlib.crc32(TEXT)
    with pytest.raises(MalformedInput, match="its checksum or length does not match"):
        expand(bytes(data), "zip")


@pytest.mark.parametrize(
    ("program", "compression"), [("gzip", "gzip"), ("zstd", "zstd"), ("bzip2", "bzip2")]
)
def test_the_output_of_common_programs_is_read(
    tmp_path: Path, program: str, compression: Compression
) -> None:
    path = tmp_path / "plays.csv"
    path.write_bytes(TEXT)
    try:
        done = subprocess.run([program, "-c", str(path)], capture_output=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"{program} is not installed here")
    assert expand(done.stdout, compression) == TEXT
