"""Puts blobs together to one, without the bytes leaving this machine's kernel where it can."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from shared.blobs.layout import DATA
from shared.runtime.files import write_all
from storage.filesystem.atomic import put_in_place
from storage.filesystem.disk import read_exactly
from storage.filesystem.folder import BlobFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from storage.filesystem.disk import Disk
    from storage.filesystem.meta import Meta

_AT_ONCE = 64 << 20
"""Bytes copied before a cancellation is noticed."""
_PIECE = 1 << 20
_NOT_IN_KERNEL = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}


async def assemble_folder(
    place: Path,
    staging: Path,
    meta: Meta,
    parts: Sequence[tuple[Callable[[], int], int]],
    disk: Disk,
    *,
    fsync: bool,
) -> None:
    """Make the folder of a complete blob at `place`, by way of `staging`, where nothing stands.

    `parts` are what opens each file, and its size in bytes. Raises FileExistsError if there is
    a blob.
    """
    target: list[int] = []
    source: list[int] = []

    def begin() -> None:
        staging.mkdir()
        target.append(os.open(staging / DATA, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644))

    def begin_part(open_part: Callable[[], int]) -> None:
        source.append(open_part())

    try:
        await disk.run(begin)
        offset = 0
        for open_part, size in parts:
            await disk.run(begin_part, open_part)
            for at in range(0, size, _AT_ONCE):
                count = min(_AT_ONCE, size - at)
                await disk.run(_copy, source[0], at, target[0], offset + at, count)
            await disk.close_files(source)
            offset += size
        await disk.run(_finish, target[0], place, staging, meta, fsync)
    except BaseException:
        await disk.run(shutil.rmtree, staging, ignore_errors=True)
        raise
    finally:
        await disk.close_files(source)
        await disk.close_files(target)


def _copy(source: int, at: int, target: int, offset: int, count: int) -> None:
    """Copy; file systems that can share the bytes do so."""
    done = 0
    try:
        while done < count:
            copied = os.copy_file_range(source, target, count - done, at + done, offset + done)
            if not copied:
                break
            done += copied
    except OSError as error:
        if error.errno not in _NOT_IN_KERNEL:
            raise
    while done < count:
        piece = read_exactly(source, min(_PIECE, count - done), at + done)
        write_all(target, piece, offset=offset + done)
        done += len(piece)


def _finish(target: int, place: Path, staging: Path, meta: Meta, fsync: bool) -> None:
    if fsync:
        os.fsync(target)
    folder = BlobFolder(os.open(staging, os.O_RDONLY | os.O_DIRECTORY), meta, fsync=fsync)
    try:
        folder.describe()
    finally:
        folder.close()
    put_in_place(place, staging, fsync=fsync)
