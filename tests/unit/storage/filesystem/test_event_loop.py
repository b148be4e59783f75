"""Slow file operations run in threads and do not block the event loop."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import threading
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.errors import BlobNotFound, StorageUnavailable
from storage.filesystem import assembly
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEY, OTHER = upload_key(UUID(int=1)), upload_key(UUID(int=2))
CONTENT = b"0123456789"


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FilesystemBlobs]:
    async with FilesystemBlobs(tmp_path) as opened:
        yield opened


@pytest.fixture
def in_the_loop(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Slow calls made in the thread of the event loop."""
    done: list[str] = []
    loop_thread = threading.get_ident()
    close, rmtree = os.close, shutil.rmtree

    def close_watched(fd: int) -> None:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        if regular and threading.get_ident() == loop_thread:
            done.append("close")
        close(fd)

    def rmtree_watched(*args: Any, **more: Any) -> None:
        if threading.get_ident() == loop_thread:
            done.append("rmtree")
        rmtree(*args, **more)

    monkeypatch.setattr(os, "close", close_watched)
    monkeypatch.setattr(shutil, "rmtree", rmtree_watched)
    return done


async def create(blobs: FilesystemBlobs, content: bytes = CONTENT) -> None:
    await blobs.create(KEY, len(content))
    await blobs.write(KEY, 0, stream(content))


async def test_closing_the_last_reader_of_a_deleted_blob(
    blobs: FilesystemBlobs, in_the_loop: list[str]
) -> None:
    await create(blobs)
    async with blobs.open(KEY) as pieces:
        await blobs.delete(KEY)
        assert [piece async for piece in pieces] == [CONTENT]
    assert in_the_loop == []


async def test_a_chunk_whose_blob_is_deleted_meanwhile(
    blobs: FilesystemBlobs, in_the_loop: list[str]
) -> None:
    await blobs.create(KEY, 2 << 20)

    async def data() -> AsyncIterator[bytes]:
        yield bytes(1 << 20)
        await blobs.delete(KEY)

    with pytest.raises(BlobNotFound):
        await blobs.write(KEY, 0, data())
    assert in_the_loop == []


async def test_declaring_the_size_later(blobs: FilesystemBlobs, in_the_loop: list[str]) -> None:
    await blobs.create(KEY, None)
    await blobs.write(KEY, 0, stream(CONTENT))
    assert (await blobs.declare_size(KEY, len(CONTENT))).complete
    assert in_the_loop == []


@pytest.mark.parametrize("ending", ["is done", "fails", "is cancelled"])
async def test_assembling_blobs(
    blobs: FilesystemBlobs,
    in_the_loop: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    await create(blobs)
    copy, begun, resume = assembly._copy, threading.Event(), threading.Event()

    def copy_watched(*args: int) -> None:
        copy(*args)
        if ending == "is cancelled":
            begun.set()
            resume.wait(10)
        if ending == "fails":
            raise OSError("the disk is broken")

    monkeypatch.setattr(assembly, "_copy", copy_watched)
    assembling = asyncio.create_task(blobs.assemble(OTHER, [KEY]))
    if ending == "is cancelled":
        await asyncio.to_thread(begun.wait, 10)
        assembling.cancel()
        resume.set()
    errors = {"fails": StorageUnavailable, "is cancelled": asyncio.CancelledError}
    if ending in errors:
        with pytest.raises(errors[ending]):
            await assembling
        assert list((tmp_path / ".new").iterdir()) == []
    else:
        assert (await assembling).complete
    assert in_the_loop == []
