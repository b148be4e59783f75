"""Files: complete writes, atomic replacement, and locks. Everything here blocks.

Imports nothing of one platform at import time, as the client uses it everywhere.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import stat
import sys
import time
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from shared.runtime.positions import write_at

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    Buffer: TypeAlias = bytes | bytearray | memoryview

logger = logging.getLogger(__name__)

_BINARY: int = getattr(os, "O_BINARY", 0)
"""Windows only: write line ends as they are."""
_LOCK_ONE_BYTE = 2
"""`msvcrt.LK_NBLCK`."""
_LOCK_PAUSE = 0.05
"""Seconds between attempts to take a lock."""
_FEW = 4
_SMALL = 1 << 20
"""Files, and bytes of one, that are removed without a thread."""


def write_all(fd: int, *buffers: Buffer, offset: int | None = None) -> None:
    """Write every byte of `buffers` to a descriptor, one buffer after the other.

    They go to `offset` (bytes), which leaves the file position as it is, or else to the file
    position. Continues after partial writes, for instance on an almost full disk. Raises OSError.
    """
    if offset is None:
        for buffer in buffers:
            rest = memoryview(buffer)
            while rest:
                rest = rest[os.write(fd, rest) :]
        return
    written = os.pwritev(fd, buffers, offset) if hasattr(os, "pwritev") else 0
    if written == sum(len(buffer) for buffer in buffers):
        return
    rest = memoryview(b"".join(buffers))[written:]
    offset += written
    while rest:
        written = write_at(fd, rest, offset)
        rest, offset = rest[written:], offset + written


def write_file(path: Path, content: bytes, *, durable: bool, dir_fd: int | None = None) -> None:
    """Create or overwrite a file, at `path` or below the folder open as `dir_fd`.

    With `durable`, its content is on stable storage on return. Its name may not be yet: see
    `sync_folder`.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY
    fd = os.open(path, flags, 0o666, dir_fd=dir_fd)
    try:
        write_all(fd, content)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def replace_file(path: Path, content: bytes, *, durable: bool, dir_fd: int | None = None) -> None:
    """Replace a file atomically: a reader sees either the old content or the new.

    `path` is absolute or below the folder open as `dir_fd`. With `durable`, the new content is on
    stable storage on return: the content is synced before the rename, the folder after it.
    """
    temporary = path.with_name(f".{path.name}.new")
    write_file(temporary, content, durable=durable, dir_fd=dir_fd)
    os.replace(temporary, path, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    if not durable:
        return
    if dir_fd is None:
        sync_folder(path.parent)
    else:
        os.fsync(dir_fd)


def move_file(path: Path, target: Path) -> None:
    """Move a file to `target` atomically and durably; the content of `path` must be durable.

    Copies the file first if `target` is on another file system.
    """
    try:
        path.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = target.with_name(f".{target.name}.new")
        with path.open("rb") as source, temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        temporary.replace(target)
        path.unlink()
    sync_folder(target.parent)


async def remove_folder(folder: Path) -> None:
    """Remove a folder with its content, even if the caller is cancelled. Ignores errors.

    A few small files are removed at once: that takes less time than to ask a thread.
    """
    if not (_emptied_at_once(folder) and _removed(folder)):
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


async def remove_files(*paths: Path) -> None:
    """Remove files, in the same way. Ignores errors."""
    for path in paths:
        with suppress(OSError):
            if path.stat().st_size <= _SMALL:
                path.unlink()
            else:
                await asyncio.shield(asyncio.to_thread(path.unlink))


async def empty_folder(folder: Path) -> bool:
    """Remove what is in a folder, in the same way. Return whether it is an empty folder now."""
    return _emptied_at_once(folder) or await asyncio.shield(asyncio.to_thread(_emptied, folder))


def _emptied_at_once(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            found = list(islice(entries, _FEW + 1))
        if len(found) > _FEW or not all(map(_is_small, found)):
            return False
        for entry in found:
            os.unlink(entry)  # noqa: PTH108 - a path object for each would take as long again
    except OSError:
        return False
    return True


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _emptied(folder: Path) -> bool:
    try:
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError:
        return False
    return True


def _is_small(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat().st_size <= _SMALL


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on stable storage. Does nothing on Windows, which has no way."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def lock_file(path: Path, *, wait: bool = False, create: bool = True) -> int:
    """Lock a file exclusively (flock) and return the descriptor that holds the lock.

    The lock ends when the descriptor is closed in this process and in every child that inherited
    it. With `wait`, waits for another holder; without, raises BlockingIOError if there is one.
    With `create`, creates the file if it is missing; without, raises FileNotFoundError.
    """
    fd = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o666)
    try:
        if sys.platform == "win32":
            _lock_on_windows(fd, wait=wait)
        else:
            import fcntl  # POSIX only

            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(fd)
        raise
    return fd


def _lock_on_windows(fd: int, *, wait: bool) -> None:
    """Lock the first byte of a file. Raises BlockingIOError if another holds it, and not `wait`."""
    import msvcrt

    lock: Any = getattr(msvcrt, "locking")  # noqa: B009 - of Windows, where no type check runs
    while True:
        try:
            os.lseek(fd, 0, os.SEEK_SET)
            lock(fd, _LOCK_ONE_BYTE, 1)
        except OSError as error:
            if not wait:
                raise BlockingIOError(errno.EAGAIN, "another process holds the lock") from error
            time.sleep(_LOCK_PAUSE)
        else:
            return


def make_private(folder: Path) -> None:
    """Let only the owner of a folder enter it, and so reach what is below.

    A folder of another user, and one that is meant for all as `/tmp` is, is left as it is, with a
    warning in the log.
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & 0o077 or sys.platform == "win32":
        return
    try:
        if mode & stat.S_ISVTX:
            raise PermissionError(errno.EPERM, "it is meant for all")
        folder.chmod(mode & ~0o077)
    except OSError as error:
        logger.warning("others can read %s, and its mode cannot be changed: %s", folder, error)
