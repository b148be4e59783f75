"""How blobs come into being and go, each in one step that a crash cannot halve."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

from shared.runtime.files import sync_folder
from storage.filesystem.folder import BlobFolder

if TYPE_CHECKING:
    from pathlib import Path

    from storage.filesystem.meta import Meta


def make_folder(folder: Path, *, fsync: bool) -> None:
    """Make a folder, and what is missing of those above it, on stable storage; unless it is there.

    Raises FileExistsError if something else is.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent, fsync=fsync)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent, fsync=fsync)


def create_folder(place: Path, staging: Path, meta: Meta, *, fsync: bool) -> None:
    """Make the folder of a new blob at `place`, by way of `staging`, where nothing stands yet.

    Raises FileExistsError if there is one.
    """
    try:
        staging.mkdir()
        folder = BlobFolder(os.open(staging, os.O_RDONLY | os.O_DIRECTORY), meta, fsync=fsync)
        try:
            folder.fill()
        finally:
            folder.close()
        put_in_place(place, staging, fsync=fsync)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def put_in_place(place: Path, staging: Path, *, fsync: bool) -> None:
    """Move a folder that is ready to where it belongs. Raises FileExistsError if one is there."""
    if not place.parent.is_dir():
        place.parent.mkdir(exist_ok=True)
        _sync(place.parent.parent, fsync=fsync)
    try:
        staging.rename(place)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise FileExistsError(error.errno, error.strerror, str(place)) from error
        raise
    _sync(place.parent, fsync=fsync)


def remove_folder(place: Path, trash: Path, *, fsync: bool) -> bool:
    """Move the folder away to `trash` in one step; False if there was none."""
    try:
        place.rename(trash)
    except FileNotFoundError:
        return False
    _sync(place.parent, fsync=fsync)
    return True


def _sync(folder: Path, *, fsync: bool) -> None:
    if fsync:
        sync_folder(folder)
