"""Send a part of a file to a socket or a pipe with sendfile(2), in a thread."""

from __future__ import annotations

import errno
import os
import select
import time

from shared.errors import StorageUnavailable

WRITABLE_WAIT = 0.005
"""Seconds for which a thread waits for a full socket. A fast client has drained it by then; a slow
one must not occupy a thread."""
SEND_TIME = 0.025
"""Seconds for which a thread sends to one client that is fast, before it serves other work."""

_COPY_SIZE = 256 << 10
_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
_PEER_GONE = {
    errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.ETIMEDOUT,
    errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN,
}  # fmt: skip


def send_some(socket: int, fd: int, offset: int, count: int) -> int:
    """Send up to `count` (at least 1) bytes of a file at `offset` to a non-blocking socket.

    Returns the number of bytes sent; 0 if the socket stays full for `WRITABLE_WAIT` seconds.
    Raises ConnectionError if the peer has disconnected, StorageUnavailable if the file ends early.
    """
    writable = select.poll()
    writable.register(socket, select.POLLOUT)
    deadline = time.monotonic() + SEND_TIME
    sent = 0
    while sent < count:
        try:
            sent += _send_once(socket, fd, offset + sent, count - sent)
        except (OSError, StorageUnavailable):
            if sent:
                return sent  # the next call raises the error
            raise
        if time.monotonic() > deadline or not writable.poll(WRITABLE_WAIT * 1000):
            break
    return sent


def _send_once(socket: int, fd: int, offset: int, count: int) -> int:
    try:
        sent = _sendfile(socket, fd, offset, count)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno in _PEER_GONE:
            raise ConnectionResetError(error.errno, error.strerror) from error
        raise
    if not sent:
        raise _too_short(offset)
    return sent


def _sendfile(socket: int, fd: int, offset: int, count: int) -> int:
    try:
        return os.sendfile(socket, fd, offset, count)
    except OSError as error:
        if error.errno not in _NO_SENDFILE:
            raise
    # Some file systems do not support sendfile(2).
    piece = os.pread(fd, min(count, _COPY_SIZE), offset)
    return os.write(socket, piece) if piece else 0


def _too_short(size: int) -> StorageUnavailable:
    return StorageUnavailable(f"a data file ends at {size}, bytes are missing")
