"""Detect delimiter, quote, escape and line end from a sample.

A sample that is well-formed by RFC 4180 has that dialect. Otherwise other dialects are tried, and
the best one gives most records the width of the header and clean cells. The score follows van den
Burg, Nazabal and Sutton, "Wrangling Messy CSV Files by Detecting Row and Type Patterns" (2019).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.aggregation.cells import read_date, read_number
from shared.csv.dialect import STRICT
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import Sample, SampleEnded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.csv.dialect import Dialect, Input, LineEnd

DELIMITERS = (",", ";", "\t", "|")
_TRIAL_SIZE = 256 << 10
"""Bytes of the sample that other dialects are tried on."""
_RECORDS = 2000
_SCORED_CELLS = 2000
_MIN_SHARE = 0.5
"""The share of records that must have the width of the header."""
_ONE_OF_FEW = 1 / 50
_EPSILON = 1e-9
"""The minimum difference of better scores. Of equal dialects, the first is chosen."""


def sniff(sample: Sample, strict: Dialect, declared: Input) -> Dialect:
    """Return the dialect of a sample.

    `strict` is the dialect by RFC 4180 and what the client `declared`; it wins if the sample is
    well-formed in it.
    """
    fit = _fit(sample, strict, limit=None)
    if fit.whole and fit.width > 1:
        return strict
    tried = Sample(sample.text[:_TRIAL_SIZE], sample.whole and len(sample.text) <= _TRIAL_SIZE)
    # A few bad records do not suggest another delimiter.
    keep_delimiter = declared.delimiter is not None or strict.sep_line or fit.score > 0
    delimiters = (strict.delimiter,) if keep_delimiter else DELIMITERS
    line_end = declared.line_end or _line_end(tried.text)
    best, best_fit = strict, _fit(tried, strict, limit=_RECORDS)
    for delimiter in delimiters:
        candidate = replace(strict, delimiter=delimiter, line_end=line_end)
        quoted, its_fit = _quoted(tried, candidate, declared)
        if its_fit.score > best_fit.score + _EPSILON:
            best, best_fit = quoted, its_fit
    if best_fit is _NO_FIT and not tried.whole and not keep_delimiter:
        return replace(strict, delimiter=_most_frequent(sample.text), line_end=line_end)
    return best


def _most_frequent(text: bytes) -> str:
    """Return the most frequent delimiter, for a header that does not end within the text."""
    return max(DELIMITERS, key=lambda delimiter: text.count(delimiter.encode()))


def _line_end(text: bytes) -> LineEnd:
    """Return what ends more lines: LF (or CRLF), or CR alone."""
    lf = text.count(b"\n")
    return "cr" if text.count(b"\r") - text.count(b"\r\n") > lf else "lf"


def _quoted(sample: Sample, dialect: Dialect, declared: Input) -> tuple[Dialect, _Fit]:
    """Return the dialect with the best quote and escape.

    A less common one needs more well-formed records, and another quote at least two more. Cleaner
    cells alone are not enough.
    """
    best, best_fit = dialect, _NO_FIT
    for quote, escape in _quotings(sample.text, dialect, declared):
        if dialect.delimiter in (quote, escape):
            continue
        candidate = replace(dialect, quote=quote, escape=escape)
        fit = _fit(sample, candidate, limit=_RECORDS)
        if best_fit is _NO_FIT or (
            fit.share > best_fit.share + _EPSILON
            and (quote == best.quote or fit.is_clearly_better(best_fit))
        ):
            best, best_fit = candidate, fit
    return best, best_fit


def _quotings(text: bytes, dialect: Dialect, declared: Input) -> Iterator[tuple[str, str]]:
    """Yield pairs of quote and escape, in the order in which to try them."""
    quotes = _quotes(text, dialect) if declared.quote is None else (declared.quote,)
    for quote in quotes:
        yield quote, declared.escape or ""
        # The text has a backslash before a quote.
        if declared.escape is None and quote and b"\\" + quote.encode() in text:
            yield quote, "\\"


def _quotes(text: bytes, dialect: Dialect) -> Sequence[str]:
    """Return the quotes to try."""
    double, single = len(_DOUBLE.findall(text)), len(_SINGLE.findall(text))
    if single > double:
        # In RFC 4180, single quotes are text, so they count as quotes only if most lines have them.
        in_most_lines = 2 * single > text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        return ("'", '"') if in_most_lines and dialect.delimiter != STRICT.delimiter else ('"', "'")
    # In other files, a quote without a closing quote is an error, and not text.
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
    """How well a dialect fits a sample."""

    width: int
    """The number of fields of the header."""
    share: float
    """The share of records that are well-formed and have this width."""
    clean: float
    """The share of clean cells (see `_cleanness`)."""
    matching: int = 0
    """The number of records that are well-formed and have this width."""

    @property
    def whole(self) -> bool:
        return self.share == 1.0

    def is_clearly_better(self, other: _Fit) -> bool:
        """Return whether it fits more records than `other`: two, or one in a small sample."""
        return self.matching > other.matching + 1 or self.share > other.share + _ONE_OF_FEW

    @property
    def score(self) -> float:
        """The score from 0 to 1; 0 for a dialect that is never chosen."""
        if self.width < 2 or self.share < _MIN_SHARE:
            return 0.0
        return self.share * (1 - 1 / self.width) * (0.5 + 0.5 * self.clean)


_NO_FIT = _Fit(0, 0.0, 0.0)


def _fit(sample: Sample, dialect: Dialect, *, limit: int | None) -> _Fit:
    """Measure how well a dialect fits the first `limit` records of the sample."""
    problems = 0

    def count(_problem: object) -> None:
        nonlocal problems
        problems += 1

    reader = RecordReader(sample.blocks(), dialect, count)
    width = records = matching = last = 0
    cells: list[bytes] = []
    try:
        for line, fields in reader:
            width = width or len(fields)
            records += 1
            matching += len(fields) == width
            last = line
            if len(cells) < _SCORED_CELLS:
                cells += fields[:_SCORED_CELLS]
            if records == limit:
                break
    except MalformedInput:
        return _NO_FIT
    except SampleEnded:
        # A stray quote opens a field that never ends, so that no more records are found.
        lines = sample.text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        if lines - last > max(last, 1000):
            problems += lines - last
    if not records:
        return _NO_FIT
    return _Fit(width, matching / (records + problems), _cleanness(cells), matching)


def _cleanness(cells: Sequence[bytes]) -> float:
    """Return the share of cells that are a number, a date, empty, or free of CSV syntax."""
    if not cells:
        return 0.0
    return sum(map(_is_clean, cells)) / len(cells)


def _is_clean(cell: bytes) -> bool:
    if not cell or cell.isalnum():
        return True
    if _SYNTAX.search(cell) is None:
        return True
    return read_number(cell) is not None or read_date(cell) is not None


_SYNTAX = re.compile(rb"[,;\t|]|^['\"]|['\"]$")
