"""How the bytes of a blob are divided into the parts of a multipart upload.

S3 takes at most 10,000 parts; all but the last have 5 MiB or more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PARTS = 10_000
LEAST_PART = 5 << 20
"""Bytes."""
STEP = 1000
"""Parts of one size, if the sizes grow: 10,000 parts of 16 MiB at first then have 16 TB."""
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes `start..stop` of a blob as part `number`, which counts from 1."""

    number: int
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class PartSizes:
    """The sizes of all parts but the last. They depend on nothing that changes later."""

    first: int
    growing: bool
    """Whether the size doubles every `STEP` parts, as the size of the whole is not known."""

    @classmethod
    def of(cls, size: int | None, least: int) -> PartSizes:
        """Return the sizes for a blob of `size` bytes, if known, of at least `least` bytes."""
        if size is None:
            return cls(least, growing=True)
        enough = -(-size // MOST_PARTS)
        return cls(max(least, -(-enough // _MIB) * _MIB), growing=False)

    def size_of(self, number: int) -> int:
        """Return the bytes of a part that is not the last one."""
        return self.first << ((number - 1) // STEP) if self.growing else self.first

    def parts(self, end: int, *, whole: bool) -> Iterator[Part]:
        """Yield the parts of the first `end` bytes; with `whole`, they are all, else what fits."""
        number, start = 1, 0
        while start < end:
            stop = start + self.size_of(number)
            if stop > end and not whole:
                return
            yield Part(number, start, min(stop, end))
            number, start = number + 1, stop
