"""Create and remove the folders of blobs, each in one rename that a crash cannot split.

A folder is built under a temporary name and synced there. Its rename to the final name creates the
blob; a rename to the trash deletes it. The parent folder is synced after each rename.
"""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from shared.blobs.layout import DATA
from shared.runtime.files import sync_folder, write_file
from storage.filesystem.folder import BlobFolder
from storage.filesystem.meta import META

if TYPE_CHECKING:
    from pathlib import Path

    from storage.filesystem.log_segment import Record
    from storage.filesystem.meta import Meta


def make_folders(folder: Path, *, fsync: bool) -> None:
    """Create a folder and its missing parents, on stable storage with `fsync`.

    Does nothing if the folder exists. Raises FileExistsError if a file has its name.
    """
    if folder.is_dir():
        return
    make_folders(folder.parent, fsync=fsync)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent, fsync=fsync)


def create_blob_folder(path: Path, staging: Path, meta: Meta, *, fsync: bool) -> None:
    """Create the folder of a new blob at `path`, built at `staging`.

    `staging` must not exist, and must be on the same file system. Raises FileExistsError if there
    is a blob at `path`.
    """
    try:
        staging.mkdir()
        folder = BlobFolder(os.open(staging, os.O_RDONLY | os.O_DIRECTORY), meta, fsync=fsync)
        try:
            folder.initialize()
        finally:
            folder.close()
        publish_folder(path, staging, fsync=fsync)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def build_whole_folder(staging: Path, record: Record, *, fsync: bool) -> float:
    """Build the folder of a complete blob at `staging`, from its record in the creation log.

    Returns the time of completion with the precision of the file system. With `fsync`, the content
    is durable on return. Raises OSError.
    """
    staging.mkdir()
    for name, content in ((META, record.meta), (DATA, record.data)):
        write_file(staging / name, content, durable=fsync)
    times = (record.completed_at, record.completed_at)
    os.utime(staging / DATA, times)
    os.utime(staging, times)  # of the last use
    _sync(staging, fsync=fsync)
    return (staging / DATA).stat().st_mtime


def sync_whole_folder(staging: Path) -> None:
    """Make the content of a folder durable that was built without."""
    for name in (META, DATA):
        fd = os.open(staging / name, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    sync_folder(staging)


def publish_folder(path: Path, staging: Path, *, fsync: bool) -> None:
    """Rename a folder whose content is durable from `staging` to `path`.

    Raises FileExistsError if there is a blob at `path`.
    """
    # Later blobs find the parent and rely on it, so it is durable whatever is asked for this one.
    make_folders(path.parent, fsync=True)
    try:
        staging.rename(path)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(error.errno, error.strerror, str(path)) from error
        raise
    _sync(path.parent, fsync=fsync)


def trash_folder(path: Path, trash: Path, *, fsync: bool) -> bool:
    """Rename the folder at `path` to `trash`; return False if there is none."""
    try:
        path.rename(trash)
    except FileNotFoundError:
        return False
    _sync(path.parent, fsync=fsync)
    return True


def _sync(folder: Path, *, fsync: bool) -> None:
    if fsync:
        sync_folder(folder)
