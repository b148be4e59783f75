"""Concatenate blobs; the kernel copies the bytes where the file system allows it."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from shared.blobs.layout import DATA
from shared.runtime.files import write_all
from storage.filesystem.atomic_folders import publish_folder
from storage.filesystem.disk import read_exactly
from storage.filesystem.folder import BlobFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from storage.filesystem.disk import Disk
    from storage.filesystem.meta import Meta

_COPY_STEP = 64 << 20
"""Bytes copied in one call; a cancellation takes effect between calls."""
_PIECE = 1 << 20
_NO_COPY_FILE_RANGE = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}


async def assemble_folder(
    path: Path,
    staging: Path,
    meta: Meta,
    parts: Sequence[tuple[Callable[[], int], int]],
    disk: Disk,
    *,
    fsync: bool,
) -> None:
    """Create the folder of a complete blob at `path` from the bytes of `parts`, atomically.

    Each part is a function that opens a file and returns its descriptor, and the size in bytes.
    `staging` is a path on the same file system where the folder is built. It is synced, with
    `fsync`, before it gets its final name. Raises FileExistsError if there is a blob at `path`.
    """
    target: list[int] = []
    source: list[int] = []

    def create_target() -> None:
        staging.mkdir()
        target.append(os.open(staging / DATA, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644))

    def open_source(open_part: Callable[[], int]) -> None:
        source.append(open_part())

    try:
        await disk.run(create_target)
        offset = 0
        for open_part, size in parts:
            await disk.run(open_source, open_part)
            for at in range(0, size, _COPY_STEP):
                count = min(_COPY_STEP, size - at)
                await disk.run(_copy, source[0], at, target[0], offset + at, count)
            await disk.close_files(source)
            offset += size
        await disk.run(_finish, target[0], path, staging, meta, fsync)
    except BaseException:
        await disk.run(shutil.rmtree, staging, ignore_errors=True)
        raise
    finally:
        await disk.close_files(source)
        await disk.close_files(target)


def _copy(source: int, at: int, target: int, offset: int, count: int) -> None:
    """Copy `count` bytes with copy_file_range(2), which shares extents if the file system can."""
    done = 0
    try:
        while done < count:
            copied = os.copy_file_range(source, target, count - done, at + done, offset + done)
            if not copied:
                break
            done += copied
    except OSError as error:
        if error.errno not in _NO_COPY_FILE_RANGE:
            raise
    while done < count:
        piece = read_exactly(source, min(_PIECE, count - done), at + done)
        write_all(target, piece, offset=offset + done)
        done += len(piece)


def _finish(target: int, path: Path, staging: Path, meta: Meta, fsync: bool) -> None:
    if fsync:
        os.fsync(target)
    folder = BlobFolder(os.open(staging, os.O_RDONLY | os.O_DIRECTORY), meta, fsync=fsync)
    try:
        folder.write_meta()
    finally:
        folder.close()
    publish_folder(path, staging, fsync=fsync)
