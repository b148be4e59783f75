"""Any schedule of chunks, with the process killed before any write or in the middle of one.

The folder is copied just before a step that changes it: a process killed there would leave this
copy. Storage is then opened on the copy, as after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.filesystem import chunk_writer
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import read
from tests.unit.storage.filesystem.test_schedules import (
    CHUNKS,
    KEY,
    SIZE,
    SOURCE,
    Chunk,
    as_bytes,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.ports import Blobs

STEPS = ("open", "rename", "replace", "ftruncate", "fsync", "fdatasync", "unlink", "utime")
"""Functions of `os`. A kill may also interrupt `pwritev` and `pwrite`, and leave a part."""
MAX_STEPS = 25
KINDS = ("killed", "not killed", "completed", "not completed")
ENOUGH = 10
"""Kills of each kind, more than which the random schedules must have."""
ROUNDS = 4


@dataclass
class Kill:
    """The moments of kills, and the copies of the folder at those moments."""

    folder: Path
    into: Path
    at: int | None
    """The number of steps before the kill; None for a kill before each step, every one of which
    leaves a copy of its own."""
    acknowledged: set[int]
    steps: int = 0
    copies: list[tuple[Path, set[int]]] = field(default_factory=list)
    """The folder that each kill leaves, and the bytes acknowledged before it."""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _copying: bool = False
    """Whether the thread that holds the lock copies the folder: its own calls are no steps."""

    def step(self, do: Any, *args: Any, **more: Any) -> Any:
        with self._lock:
            if not self._copying:
                self._count()
            return do(*args, **more)

    def pwritev(self, fd: int, buffers: Sequence[bytes], offset: int) -> int:
        """Write in two halves, with a possible kill between them."""
        whole = b"".join(buffers)
        with self._lock:
            half = _pwrite(fd, whole[: len(whole) // 2], offset)
            self._count()
            return half + _pwrite(fd, whole[half:], offset + half)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        return self.pwritev(fd, [data], offset)

    def _count(self) -> None:
        if self.at is None or self.steps == self.at:
            copy = self.into.with_name(f"{self.into.name}-{self.steps}")
            # Before the copy: chunks acknowledged while it is made may be missing in it.
            self.copies.append((copy, set(self.acknowledged)))
            self._copying = True
            try:
                shutil.copytree(self.folder, copy)
            finally:
                self._copying = False
        self.steps += 1


_REAL = {name: getattr(os, name) for name in (*STEPS, "pwritev", "pwrite")}
_NO_POWER_CUT: dict[str, Any] = dict.fromkeys(("fsync", "fdatasync"), lambda _fd: None)
"""A kill loses no written bytes, synced or not. Only the order of the steps matters here."""
_pwrite = os.pwrite


@contextmanager
def watched(kill: Kill) -> Iterator[None]:
    """Route every step that changes the folder through `kill`."""

    def before(do: Any) -> Any:
        return lambda *args, **more: kill.step(do, *args, **more)

    replaced = {name: before((_REAL | _NO_POWER_CUT)[name]) for name in STEPS}
    with mock.patch.multiple(os, pwritev=kill.pwritev, pwrite=kill.pwrite, **replaced):
        yield


async def send_and_note(blobs: Blobs, chunk: Chunk, acknowledged: set[int]) -> None:
    await send(blobs, chunk)
    if not chunk.fails:
        acknowledged.update(range(chunk.start, chunk.stop))


async def check_content(blobs: Blobs) -> set[int]:
    """Compare the received bytes with the source, and return their offsets."""
    info = await blobs.info(KEY)
    received = as_bytes(info.received)
    assert info.complete == (len(received) == SIZE)
    assert (blobs.local_path(KEY) is not None) == info.complete
    for held in info.received:
        assert await read(blobs, KEY, held.start, held.stop) == SOURCE[held.start : held.stop]
    return received


GROUPS = st.lists(
    st.tuples(st.lists(CHUNKS, min_size=1, max_size=4), st.integers(0, MAX_STEPS)), max_size=4
)


async def run_with_kills(
    path: Path,
    into: Path,
    at: int | None,
    chunks: list[Chunk],
    acknowledged: set[int],
    *,
    fsync: bool,
) -> list[tuple[Path, set[int]]]:
    """Send chunks concurrently, with a kill before step `at`, or one before each step.

    Returns the folder that each kill leaves, and the bytes that remain in it.
    """
    kill = Kill(path, into, at, acknowledged=set(acknowledged))
    async with FilesystemBlobs(path, fsync=fsync) as blobs:
        with watched(kill):
            await asyncio.gather(
                *(send_and_note(blobs, chunk, kill.acknowledged) for chunk in chunks)
            )
        assert await check_content(blobs) == kill.acknowledged
    left = []
    for copy, before in kill.copies:
        async with FilesystemBlobs(copy, fsync=fsync) as blobs:
            received = await check_content(blobs)
        # All acknowledged bytes, and no byte that was not sent
        assert before <= received <= kill.acknowledged
        left.append((copy, received))
    return left


def test_acknowledged_bytes_survive_a_kill_at_any_write_and_no_others_appear() -> None:
    kills: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None)
    @given(GROUPS, st.integers(7, 20), st.booleans(), st.booleans())
    def check(groups: list[tuple[list[Chunk], int]], piece: int, digest: bool, fsync: bool) -> None:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(run(Path(folder), groups, piece, digest=digest, fsync=fsync))

    async def run(
        root: Path,
        groups: list[tuple[list[Chunk], int]],
        piece: int,
        *,
        digest: bool,
        fsync: bool,
    ) -> None:
        path = root / "first"
        async with FilesystemBlobs(path, fsync=fsync) as blobs:
            sha256 = hashlib.sha256(SOURCE).hexdigest() if digest else None
            await blobs.create(KEY, SIZE, sha256=sha256)
        received: set[int] = set()
        for number, (chunks, at) in enumerate(groups):
            into = root / f"killed-{number}"
            left = await run_with_kills(path, into, at, chunks, received, fsync=fsync)
            if left:
                ((path, received),) = left
            else:
                async with FilesystemBlobs(path, fsync=fsync) as blobs:
                    received = await check_content(blobs)
            kills["killed" if left else "not killed"] += 1
        # Then a kill before each step of the last chunk
        whole = [Chunk(0, SIZE, piece)]
        for copy, remaining in await run_with_kills(
            path, root / "last", None, whole, received, fsync=fsync
        ):
            kills["completed" if len(remaining) == SIZE else "not completed"] += 1
            # Sending the chunk again completes the blob
            async with FilesystemBlobs(copy, fsync=fsync) as blobs:
                await send(blobs, whole[0])
                assert await check_content(blobs) == set(range(SIZE))

    with mock.patch.object(chunk_writer, "BATCH", 8), mock.patch.multiple(os, **_NO_POWER_CUT):
        for _ in range(ROUNDS):
            check()
            if min(kills[kind] for kind in KINDS) > ENOUGH:
                return
    raise AssertionError(f"the schedules have too few kills of some kind: {kills}")
