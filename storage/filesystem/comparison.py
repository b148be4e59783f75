"""Compare bytes that are sent again with those that are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import BytesDiffer
from storage.filesystem.disk import read_exactly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.blobs.byte_ranges import ByteRange
    from storage.filesystem.folder import BlobFolder

STEP = 1 << 20
"""Bytes that are compared at once."""


class Comparison:
    """Reads the received bytes of one generation of a blob. Everything here blocks."""

    def __init__(self, folder: BlobFolder, generation: int) -> None:
        self._folder = folder
        self._generation = generation
        self.fds: list[int] = []
        """The open file, for the caller to close."""

    def check(self, chunk: bytes, start: int, known: Iterable[ByteRange]) -> None:
        """Raise BytesDiffer unless `chunk`, at offset `start`, has the stored bytes in `known`."""
        for part in known:
            for at in range(part.start, part.stop, STEP):
                stop = min(at + STEP, part.stop)
                self._check(chunk[at - start : stop - start], at)

    def check_file(self, fd: int, known: Iterable[ByteRange]) -> None:
        """Raise BytesDiffer unless the file `fd` has the stored bytes in `known`."""
        for part in known:
            for at in range(part.start, part.stop, STEP):
                self._check(read_exactly(fd, min(STEP, part.stop - at), at), at)

    def _check(self, sent: bytes, at: int) -> None:
        stored = read_exactly(self._fd(), len(sent), at)
        if stored != sent:
            raise bytes_differ(at + first_difference(sent, stored))

    def _fd(self) -> int:
        if not self.fds:
            self.fds.append(self._folder.open_data(self._generation))
        return self.fds[0]


def bytes_differ(at: int) -> BytesDiffer:
    """Return the error for bytes that differ at offset `at`."""
    return BytesDiffer(
        f"the byte at offset {at} differs from the one received before, which is kept; send a "
        "different file under another name"
    )


def first_difference(one: bytes, other: bytes) -> int:
    """Return the offset of the first byte in which two texts of one length differ."""
    low, high = 0, len(one)
    while high - low > 1:  # they are equal before `low`, and differ before `high`
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
