"""The sample: the first bytes of a file, as text in UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.records import BOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.csv.problems import OnProblem, Problem

SAMPLE_SIZE = 1 << 20
"""Bytes of the decompressed file that determine its dialect. The number is fixed, so that every
reader of a file detects the same dialect."""

_BLOCK = 64 << 10
_TRIAL_SIZE = 256 << 10
_TRIAL_SYNTAX = 50_000
_SYNTAX = (b",", b";", b"\t", b"|", b"\n", b"\r")


@dataclass(frozen=True, slots=True)
class Sample:
    """The first bytes of a file's text."""

    text: bytes
    """Decompressed and in UTF-8, with the byte order mark if there is one."""
    whole: bool
    """Whether this is all text of the file."""

    @property
    def bom(self) -> bool:
        """Whether the file begins with a byte order mark."""
        return self.text.startswith(BOM)

    @property
    def line_ends(self) -> tuple[str, ...]:
        """The line ends that occur, of `lf`, `crlf` and `cr`, in quoted fields too."""
        text = self.text
        crlf = text.count(b"\r\n")
        ends = {"lf": text.count(b"\n") - crlf, "crlf": crlf, "cr": text.count(b"\r") - crlf}
        return tuple(name for name, found in ends.items() if found)

    @property
    def ends_in_cr(self) -> bool:
        """Whether more lines end in CR alone than in LF or CRLF, in quoted fields too."""
        return self.text.count(b"\r") - self.text.count(b"\r\n") > self.text.count(b"\n")

    def trial(self) -> Sample:
        """Return the beginning that other dialects are tried on: up to 256 KiB.

        It is shorter if it has very many fields, as each costs time with each dialect.
        """
        text = self.text[:_TRIAL_SIZE]
        while sum(map(text.count, _SYNTAX)) > _TRIAL_SYNTAX:
            text = text[: len(text) // 2]
        return Sample(text, self.whole and len(text) == len(self.text))

    def blocks(self) -> Iterator[bytes]:
        """Yield the text for a RecordReader. Raises SampleEnded at its end if the file continues.

        Before that, the reader yields every record that ends in the text, except perhaps one of
        hundreds of KiB: it yields the records in memory before it reads twice as many bytes. A text
        of more than `SAMPLE_SIZE` is needed only for one long record, and is one block.
        """
        yield self.text[: len(BOM)]
        step = _BLOCK if len(self.text) <= SAMPLE_SIZE else len(self.text)
        for at in range(len(BOM), len(self.text), step):
            yield self.text[at : at + step]
        if not self.whole:
            raise SampleEnded


class SampleEnded(Exception):
    """The sample ends before the file does, so an unfinished record cannot be judged."""


def up_to(problems: int) -> OnProblem:
    """Return what ignores bad records, and raises SampleEnded at the last of so many."""
    numbers = iter(range(1, problems))

    def ignore(_problem: Problem) -> None:
        if next(numbers, None) is None:
            raise SampleEnded

    return ignore


def sample_blocks(data: bytes, *, whole: bool) -> Iterator[bytes]:
    """Yield `data`. Raises SampleEnded after it unless it is the whole file."""
    yield data
    if not whole:
        raise SampleEnded


def read_first(blocks: Iterable[bytes], size: int, *, whole: bool) -> tuple[bytes, bool]:
    """Return the first `size` bytes of `blocks`, and whether they are all bytes of the file.

    `whole` is whether `blocks` are the whole file if they end without SampleEnded.
    """
    found: list[bytes] = []
    length = 0
    try:
        for block in blocks:
            found.append(block)
            length += len(block)
            if length >= size:
                return b"".join(found)[:size], False
    except SampleEnded:
        return b"".join(found), False
    return b"".join(found), whole
