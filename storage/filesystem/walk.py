"""Goes through the blobs of one kind, however many there are."""

from __future__ import annotations

import os
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobActivity
from shared.blobs.layout import DATA, key_at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from pathlib import Path

    from storage.filesystem.disk import Disk

BATCH = 256
"""Blobs looked at in one go, which is what is held in memory."""


async def walk(
    folder: Path, disk: Disk, clock: Callable[[], float]
) -> AsyncGenerator[BlobActivity, None]:
    """The blobs whose folders are in `folder`, in no order.

    Those that come or go meanwhile may be among them or not. What is no blob's is passed over.
    """
    entries: list[Iterator[os.DirEntry[str]]] = []
    with ExitStack() as opened:

        def begin() -> None:
            # Kept here and not returned: a cancellation would drop what is returned.
            if folder.is_dir():
                entries.append(opened.enter_context(os.scandir(folder)))

        await disk.run(begin)
        while entries and (batch := await disk.run(list, islice(entries[0], BATCH))):
            for activity in await disk.run(_look, folder, batch, clock()):
                yield activity


def idle_seconds(place: Path, now: float) -> float | None:
    """Seconds since the blob at `place` was last in use; None if there is none."""
    try:
        return max(0.0, now - place.stat().st_mtime)
    except FileNotFoundError:
        return None


def _look(folder: Path, entries: list[os.DirEntry[str]], now: float) -> list[BlobActivity]:
    found = []
    for entry in entries:
        key = key_at(folder.name, entry.name)
        idle = idle_seconds(folder / entry.name, now)
        if key is not None and idle is not None:
            complete = (folder / entry.name / DATA).exists()
            found.append(BlobActivity(key, idle, complete))
    return found
