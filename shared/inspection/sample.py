"""The beginning of a file, as text in UTF-8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.records import BOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SAMPLE = 1 << 20
"""Bytes of a file, decompressed, that decide: the same file is the same to whoever reads it."""

_PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class Sample:
    """The first bytes of a file's text."""

    text: bytes
    """Decompressed and in UTF-8; a byte order mark stays at its beginning."""
    whole: bool
    """Whether that is all of the file's text."""

    @property
    def bom(self) -> bool:
        """Whether the file begins with a byte order mark."""
        return self.text.startswith(BOM)

    @property
    def line_ends(self) -> tuple[str, ...]:
        """Those that there are of `lf`, `crlf` and `cr`, quoted ones too."""
        text = self.text
        crlf = text.count(b"\r\n")
        ends = {"lf": text.count(b"\n") - crlf, "crlf": crlf, "cr": text.count(b"\r") - crlf}
        return tuple(name for name, found in ends.items() if found)

    def blocks(self) -> Iterator[bytes]:
        """The text, for a RecordReader. Raises CutOff at its end if more follows in the file.

        By then the reader has yielded every record that ends in the text, but perhaps for one of
        hundreds of KiB: it looks at what it has before it asks for twice as much. Of a text of more
        than `SAMPLE`, which is there for one long record, it has all at once.
        """
        yield self.text[: len(BOM)]
        piece = _PIECE if len(self.text) <= SAMPLE else len(self.text)
        for at in range(len(BOM), len(self.text), piece):
            yield self.text[at : at + piece]
        if not self.whole:
            raise CutOff


class CutOff(Exception):
    """The sample ends here, and the file does not: what was begun cannot be judged."""


def pieces(data: bytes, *, whole: bool) -> Iterator[bytes]:
    """`data`, and CutOff after it unless it is the whole file."""
    yield data
    if not whole:
        raise CutOff


def first(parts: Iterable[bytes], size: int, *, whole: bool) -> tuple[bytes, bool]:
    """The first `size` bytes of what comes in parts, and whether that is all."""
    found: list[bytes] = []
    held = 0
    try:
        for part in parts:
            found.append(part)
            held += len(part)
            if held >= size:
                return b"".join(found)[:size], False
    except CutOff:
        return b"".join(found), False
    return b"".join(found), whole
