"""The temporary file for chunks whose offset is not known yet."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from gateway.http.spool import PIECE, Spool, open_spool
from shared.errors import StorageFull

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def pieces_of(source: bytes, length: int) -> AsyncIterator[bytes]:
    for start in range(0, len(source), length):
        yield source[start : start + length]


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
@pytest.mark.parametrize("length", [1000, PIECE, 2 * PIECE])
async def test_appended_bytes_can_be_read_again(tmp_path: Path, size: int, length: int) -> None:
    source = (bytes(range(251)) * (size // 251 + 1))[:size]
    async with open_spool(tmp_path) as spool:
        await spool.append(pieces_of(source, length))
        assert spool.size == size
        # Reading twice gives the same bytes. The file has no name, so a crash leaves none behind.
        for _ in range(2):
            back = [piece async for piece in spool.pieces()]
            assert b"".join(back) == source
            assert all(len(piece) <= PIECE for piece in back)
        assert files_in(tmp_path) == []


async def test_a_full_disk_is_reported_as_full() -> None:
    with io.FileIO("/dev/full", "w") as full, pytest.raises(StorageFull):
        await Spool(full).append(pieces_of(b"x" * 10, 10))


async def test_partial_writes_are_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:1000]))
    source = bytes(range(256)) * 40
    with io.FileIO(tmp_path / "spool", "w+") as file:
        spool = Spool(file)
        await spool.append(pieces_of(source, 3000))
        assert b"".join([piece async for piece in spool.pieces()]) == source


async def test_an_error_of_the_source_is_raised(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    async with open_spool(tmp_path) as spool:
        with pytest.raises(ZeroDivisionError):
            await spool.append(broken())
