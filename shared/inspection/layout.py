"""Delimiter, quotes, escape and line ends, found out from a file's first bytes.

What reads under RFC 4180 is that. Only for what does not, other ways of writing are tried,
and the one is taken under which most records have as many fields as the header. That a good
delimiter makes records alike, and their cells clean, is the idea of van den Burg, Nazabal and
Sutton, "Wrangling Messy CSV Files by Detecting Row and Type Patterns" (2019).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.aggregation.cells import read_date, read_number
from shared.csv.dialect import STRICT
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import CutOff, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.csv.dialect import Dialect, Input, LineEnd

DELIMITERS = (",", ";", "\t", "|")
_TRIED = 256 << 10
"""Bytes of text under which other dialects than the strict one are tried."""
_RECORDS = 2000
_SCORED = 2000
"""Cells that are looked at."""
_CONSISTENT = 0.5
"""The share of records that have to be as wide as the header."""
_ONE_OF_FEW = 1 / 50
_SURELY = 1e-9
"""By how much one is better than another, at the least: of equals the first is taken."""


def layout(sample: Sample, strict: Dialect, given: Input) -> Dialect:
    """How a sample is written that `strict` describes, but for what was not given."""
    fit = _fit(sample, strict, limit=None)
    if fit.whole and fit.width > 1:
        return strict
    tried = Sample(sample.text[:_TRIED], sample.whole and len(sample.text) <= _TRIED)
    # Some bad records make no other file of it.
    keep_delimiter = given.delimiter is not None or strict.sep_line or fit.score > 0
    delimiters = (strict.delimiter,) if keep_delimiter else DELIMITERS
    line_end = given.line_end or _line_end(tried.text)
    best, best_fit = strict, _fit(tried, strict, limit=_RECORDS)
    for delimiter in delimiters:
        candidate = replace(strict, delimiter=delimiter, line_end=line_end)
        quoted, its_fit = _quoted(tried, candidate, given)
        if its_fit.score > best_fit.score + _SURELY:
            best, best_fit = quoted, its_fit
    if best_fit is _NO_FIT and not tried.whole and not keep_delimiter:
        return replace(strict, delimiter=_most(sample.text), line_end=line_end)
    return best


def _most(text: bytes) -> str:
    """The delimiter that there is most of, in a header that does not end within the text."""
    return max(DELIMITERS, key=lambda delimiter: text.count(delimiter.encode()))


def _line_end(text: bytes) -> LineEnd:
    """What ends more lines: LF, with CR before it or not, or CR alone."""
    lf = text.count(b"\n")
    return "cr" if text.count(b"\r") - text.count(b"\r\n") > lf else "lf"


def _quoted(sample: Sample, dialect: Dialect, given: Input) -> tuple[Dialect, _Fit]:
    """The dialect with the quote and escape that suit it best.

    What is more usual is taken, unless more records are well-formed under another: that cells are
    cleaner under it is no reason, and for another quote one record is none.
    """
    best, best_fit = dialect, _NO_FIT
    for quote, escape in _quotings(sample.text, dialect, given):
        if dialect.delimiter in (quote, escape):
            continue
        candidate = replace(dialect, quote=quote, escape=escape)
        fit = _fit(sample, candidate, limit=_RECORDS)
        if best_fit is _NO_FIT or (
            fit.share > best_fit.share + _SURELY
            and (quote == best.quote or fit.mends_several(best_fit))
        ):
            best, best_fit = candidate, fit
    return best, best_fit


def _quotings(text: bytes, dialect: Dialect, given: Input) -> Iterator[tuple[str, str]]:
    """Quote and escape, in the order in which they are tried."""
    quotes = _quotes(text, dialect) if given.quote is None else (given.quote,)
    for quote in quotes:
        yield quote, given.escape or ""
        # It is there to be read so.
        if given.escape is None and quote and b"\\" + quote.encode() in text:
            yield quote, "\\"


def _quotes(text: bytes, dialect: Dialect) -> Sequence[str]:
    """Quotes that may be those of a file. What one record has, or some, excludes none."""
    double, single = len(_DOUBLE.findall(text)), len(_SINGLE.findall(text))
    if single > double:
        # Text in single quotes is text to RFC 4180; another file is quoted so in most of its lines.
        most = 2 * single > text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        return ("'", '"') if most and dialect.delimiter != STRICT.delimiter else ('"', "'")
    # Elsewhere a quote that is never closed is a mistake, and not text.
    if dialect.delimiter == "\t" and 2 * double < len(_OPENED.findall(text)):
        return '"', ""
    return ('"',)


_DOUBLE = re.compile(rb'(?:^|[,;\t|\r])"(?:[^"\r\n]|"")*+"(?=[,;\t|\r\n]|\Z)', re.MULTILINE)
_SINGLE = re.compile(
    rb"(?:^|[,;\t|\r])'(?:(?:[^'\r\n]|'')*+|(?:[^'\\\r\n]|\\[^\r\n])*+)'(?=[,;\t|\r\n]|\Z)",
    re.MULTILINE,
)
"""A field in quotes."""
_OPENED = re.compile(rb'(?:^|[,;\t|\r])"', re.MULTILINE)
"""A field that begins with a quote."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a sample reads under a dialect."""

    width: int
    """Fields of the header."""
    share: float
    """Of records that have as many fields, and break no rule."""
    clean: float
    """The share of cells that say something by themselves."""
    alike: int = 0
    """Such records."""

    @property
    def whole(self) -> bool:
        return self.share == 1.0

    def mends_several(self, other: _Fit) -> bool:
        """Whether more records read well than under `other`: two, or one of few."""
        return self.alike > other.alike + 1 or self.share > other.share + _ONE_OF_FEW

    @property
    def score(self) -> float:
        """From 0 to 1; 0 for a dialect that is not worth having."""
        if self.width < 2 or self.share < _CONSISTENT:
            return 0.0
        return self.share * (1 - 1 / self.width) * (0.5 + 0.5 * self.clean)


_NO_FIT = _Fit(0, 0.0, 0.0)


def _fit(sample: Sample, dialect: Dialect, *, limit: int | None) -> _Fit:
    """Read the sample under a dialect, up to so many records."""
    problems = 0

    def count(_problem: object) -> None:
        nonlocal problems
        problems += 1

    reader = RecordReader(sample.blocks(), dialect, count)
    width = records = alike = last = 0
    cells: list[bytes] = []
    try:
        for line, fields in reader:
            width = width or len(fields)
            records += 1
            alike += len(fields) == width
            last = line
            if len(cells) < _SCORED:
                cells += fields[:_SCORED]
            if records == limit:
                break
    except MalformedInput:
        return _NO_FIT
    except CutOff:
        # A quote that was opened by mistake swallows what follows, and no record comes any more.
        lines = sample.text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        if lines - last > max(last, 1000):
            problems += lines - last
    if not records:
        return _NO_FIT
    return _Fit(width, alike / (records + problems), _cleanness(cells), alike)


def _cleanness(cells: Sequence[bytes]) -> float:
    """The share of cells that are a number, a date, empty, or text without signs of a layout."""
    if not cells:
        return 0.0
    return sum(map(_is_clean, cells)) / len(cells)


def _is_clean(cell: bytes) -> bool:
    if not cell or cell.isalnum():
        return True
    if _LAYOUT.search(cell) is None:
        return True
    return read_number(cell) is not None or read_date(cell) is not None


_LAYOUT = re.compile(rb"[,;\t|]|^['\"]|['\"]$")
