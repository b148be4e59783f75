"""Which lines of a file are its table: comments and footers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.csv.dialect import Dialect

    Passed = Literal["comment", "footer", "unfinished"]

FOOTER_LIMIT = 16 << 20
"""The maximum size of a footer that is given by its number of lines, in bytes of text."""


def begin_of_last(text: bytes, lines: int, newline: bytes) -> int:
    """Return where the last `lines` lines of `text` begin; 0 if it does not have more."""
    at = len(text) - text.endswith(newline)
    for _ in range(lines):
        at = text.rfind(newline, 0, at)
        if at < 0:
            return 0
    return at + 1


def line_count(text: bytes, newline: bytes) -> int:
    """Return the number of lines, of which the last one may have no line end."""
    return text.count(newline) + (text != b"" and not text.endswith(newline))


def without_footer(
    blocks: Iterator[bytes], lines: int, newline: bytes, on_footer: Callable[[int], None]
) -> Iterator[bytes]:
    """Yield the text of a file without its last lines, which are held back in memory.

    At the end, `on_footer` is called with the number of lines that were left out, which is smaller
    if the file has fewer. Raises MalformedInput if they have more than `FOOTER_LIMIT` bytes.
    """
    held = b""
    whole = True
    for block in blocks:
        held += block
        begin = begin_of_last(held, lines, newline)
        cut = max(begin, len(held) - FOOTER_LIMIT)
        whole = cut == begin and (whole or begin > 0)
        if cut:
            yield held[:cut]
            held = held[cut:]
    if not whole:
        raise MalformedInput(
            f"the last {lines} lines, which input.skip_footer passes over, have more than "
            f"{FOOTER_LIMIT >> 20} MiB: send fewer, or the text with which the first one begins"
        )
    on_footer(line_count(held, newline))


@dataclass(frozen=True, slots=True)
class LineMarks:
    """The texts that begin lines which are passed over. Lines in quoted text do not count."""

    comment: bytes
    footer: bytes

    @classmethod
    def of(cls, dialect: Dialect) -> LineMarks:
        """Return those of a dialect."""
        return cls(dialect.comment.encode(), dialect.footer_text.encode())

    def __bool__(self) -> bool:
        return bool(self.comment or self.footer)

    def next(self, data: bytes, at: int, newline: bytes) -> int:
        """Return where the first line with a mark, or a part of one, begins from line `at` on.

        Without one, the end of the data.
        """
        if self.at(data, at, final=False):
            return at
        # The end of the data may cut a mark.
        last = data.rfind(newline, at) + 1 or len(data)
        found = last if last < len(data) and self.at(data, last, final=False) else len(data)
        for mark in (self.comment, self.footer):
            if mark:
                found = data.find(newline + mark, at, found + len(mark)) + 1 or found
        return found

    def at(self, data: bytes, at: int, *, final: bool) -> Passed | None:
        """Return what begins at `at`, where a record may begin; None is a record.

        `unfinished`: the end of the data may cut a mark. `final` is whether the file ends there.
        """
        marks: tuple[tuple[bytes, Passed], ...] = (
            (self.footer, "footer"),
            (self.comment, "comment"),
        )
        for mark, kind in marks:
            if mark and data.startswith(mark, at):
                return kind
            if mark and not final and mark.startswith(data[at : at + len(mark)]):
                return "unfinished"
        return None
