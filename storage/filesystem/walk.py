"""List the blobs of one kind, in memory that does not grow with their number."""

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
"""Blobs listed in one call, and held in memory."""


async def walk(
    folder: Path, disk: Disk, clock: Callable[[], float]
) -> AsyncGenerator[BlobActivity, None]:
    """Yield the blobs whose folders are in `folder`, in no order.

    Blobs created or deleted meanwhile may be missing. Other files and folders are skipped.
    """
    entries: list[Iterator[os.DirEntry[str]]] = []
    with ExitStack() as opened:

        def open_folder() -> None:
            # Appended here, not returned: a cancellation would lose the returned value.
            if folder.is_dir():
                entries.append(opened.enter_context(os.scandir(folder)))

        await disk.run(open_folder)
        while entries and (batch := await disk.run(list, islice(entries[0], BATCH))):
            for activity in await disk.run(_describe, folder, batch, clock()):
                yield activity


def last_use(path: Path) -> float | None:
    """Return when the blob at `path` was last used, in Unix seconds; None if there is none."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _describe(folder: Path, entries: list[os.DirEntry[str]], now: float) -> list[BlobActivity]:
    found = []
    for entry in entries:
        key = key_at(folder.name, entry.name)
        used = last_use(folder / entry.name)
        if key is not None and used is not None:
            complete = (folder / entry.name / DATA).exists()
            found.append(BlobActivity(key, max(0.0, now - used), complete, used))
    return found
