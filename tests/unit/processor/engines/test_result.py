"""Compressed results, and the digests of files."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import sys
import zlib
from typing import TYPE_CHECKING

import pytest

from processor.engines.result import compressed, described
from processor.engines.usage import OutOfScratch

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from pathlib import Path

    from shared.csv.dialect import Compression

SIZES = [0, 1, 1 << 20, (3 << 20) + 5]


def rows(size: int) -> bytes:
    return b"".join(b"%d,b,%d\n" % (n, n * 7919 % 1000) for n in range(size // 8 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("compression", ["gzip", "zstd"])
async def test_a_result_is_compressed_to_the_same_bytes_in_every_run(
    tmp_path: Path, compression: Compression, size: int
) -> None:
    data = rows(size)
    found = []
    for name in ("first", "second"):
        path = tmp_path / "result"
        path.write_bytes(data)
        written = await compressed(path, tmp_path / name, compression, 1 << 30)
        assert not path.exists()
        content = written.path.read_bytes()
        assert (written.size, written.sha256) == (
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        found.append(content)

    assert found[0] == found[1]
    plain = gzip.decompress(found[0]) if compression == "gzip" else zstd.decompress(found[0])
    assert plain == data


async def test_gzip_is_that_of_zlib_with_neither_name_nor_time(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_bytes(rows(100_000))

    written = await compressed(path, tmp_path / "gzip", "gzip", 1 << 30)

    compressor = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    expected = compressor.compress(rows(100_000)) + compressor.flush()
    assert written.path.read_bytes() == expected


async def test_a_compressed_result_beyond_the_limit_of_disk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_bytes(rows(1 << 20))

    with pytest.raises(OutOfScratch):
        await compressed(path, tmp_path / "gzip", "gzip", 1000)


async def test_cancelling_stops_the_thread(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with path.open("wb") as file:
        file.truncate(8 << 30)
    running = asyncio.create_task(described(path))
    await asyncio.sleep(0.05)

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(1):
            await running
