"""Detect delimiter, quote, escape and line end from a sample.

A sample that is well-formed by RFC 4180 has that dialect, unless another delimiter fits too. The
delimiters that fit are compared as wholes: how many records are as wide as the first, and whether
the cells look whole. If two of them are near, the delimiter is in doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.csv.dialect import STRICT
from shared.csv.records import BOM
from shared.inspection.doubts import (
    all_numbers,
    is_named_text,
    lines_without_delimiter,
    prices,
    quoted_lines,
    ruled_out,
    two_readings,
)
from shared.inspection.quotes import Quoting
from shared.inspection.readings import NO_FIT, Fit, fit

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.csv.dialect import Dialect, Input, LineEnd
    from shared.inspection.sample import Sample

DELIMITERS = (",", ";", "\t", "|")
_UNUSUAL = (",", "\t", "|", ";", "\x1f")
"""Delimiters for a file of one column, of which the first that does not occur is chosen."""
_RECORDS = 2000
_RARE = 8
"""A delimiter that is in fewer than one of so many lines is not tried."""
_EPSILON = 1e-9
"""The minimum difference of better scores. Of equal dialects, the first is chosen."""


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The dialect of a sample."""

    dialect: Dialect
    doubt: str | None = None
    """Why the delimiter is not certain and must be declared; None if it is certain."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A dialect that was tried, and how well it fits."""

    dialect: Dialect
    fit: Fit

    @property
    def quality(self) -> float:
        return self.fit.head + self.fit.body


def sniff(sample: Sample, strict: Dialect, declared: Input, names: Collection[bytes]) -> Sniffed:
    """Return the dialect of a sample.

    `strict` is the dialect by RFC 4180 and what the client `declared`; `names` are the columns that
    are asked for by name.
    """
    fixed = declared.delimiter is not None or strict.sep_line
    tried = sample.trial()
    first = _Reading(strict, fit(tried, strict, limit=_RECORDS))
    if first.fit is NO_FIT and len(tried.text) < len(sample.text):
        first = _Reading(strict, fit(sample, strict, limit=_RECORDS))  # a long header
    well_formed = first.fit.whole and first.fit.width > 1
    frequent = [] if fixed else _frequent(tried.text)
    certain = not (frequent or _has_decimal_comma(declared) or first.fit.width == 2)
    if well_formed and certain:
        return Sniffed(strict)
    line_end = declared.line_end or _line_end(tried, first.fit)
    quoting = Quoting.of(tried.text)
    if not well_formed:
        first = _better_quoted(tried, first, line_end, declared, quoting)
    if fixed:
        return Sniffed(first.dialect)
    readings = [first]
    for delimiter in frequent:
        candidate = replace(strict, delimiter=delimiter, line_end=line_end)
        readings.append(_Reading(*_quoted(tried, candidate, declared, quoting)))
    readings = [reading for reading in readings if reading.fit is not NO_FIT]
    if not readings and not tried.whole:
        # The header does not end within the text.
        delimiter = _most_frequent(sample.text)
        return Sniffed(replace(strict, delimiter=delimiter, line_end=line_end))
    return _chosen(readings, tried, replace(strict, line_end=line_end), declared, names)


def _chosen(
    readings: Sequence[_Reading],
    sample: Sample,
    strict: Dialect,
    declared: Input,
    names: Collection[bytes],
) -> Sniffed:
    """Return the best reading, and whether another one is near."""
    wide = sorted((r for r in readings if r.fit.width > 1), key=_rank)
    tables = [r for r in wide if r.fit.score > 0]
    if having := [r for r in wide if names and set(r.fit.first).issuperset(names)]:
        return _best_of([r for r in having if r in tables] or having[:1], ())
    excluded = None
    if _has_decimal_comma(declared) and _may_divide_numbers(sample.text):
        excluded = next((r for r in tables if r.dialect.delimiter == ","), None)
        tables = [r for r in tables if r is not excluded]
    others = [r for r in readings if r.fit.is_table and r.fit.score == 0]
    if tables:
        comma = tables[0] if tables[0].dialect.delimiter == "," else None
        if not names and comma is not None and comma.fit.width == 2:
            doubt = prices(_unquoted_lines(sample, comma.dialect))
            if doubt is not None:
                return Sniffed(comma.dialect, doubt)
        # If a name is in none of them, the error about it shows the columns of the first.
        return _best_of(tables[:1] if names else tables, others, quoted=not names)
    if excluded is not None:
        if all_numbers(_unquoted_lines(sample, excluded.dialect)):
            return Sniffed(_of_one_column(excluded.dialect, sample))
        return Sniffed(excluded.dialect, ruled_out(declared, excluded.fit))
    usual = [r for r in wide if r.fit.is_table]
    if usual or (wide and not others):
        # The records that are not as wide as the header are reported as bad.
        return Sniffed((usual or wide)[0].dialect)
    alone = next((r for r in readings if r.dialect.delimiter == ","), None)
    if alone is None:
        return Sniffed(strict)
    return _without_delimiter(alone, sample, declared, names)


def _without_delimiter(
    alone: _Reading, sample: Sample, declared: Input, names: Collection[bytes]
) -> Sniffed:
    """Return the dialect of a file whose first line has no delimiter, or none that fits."""
    lines = _unquoted_lines(sample, alone.dialect)
    numbers = all_numbers(lines[1:]) and bool(names or _has_decimal_comma(declared))
    if numbers or is_named_text(lines, DELIMITERS, names):
        return Sniffed(_of_one_column(alone.dialect, sample))
    doubt = lines_without_delimiter(lines, DELIMITERS)
    if doubt is None and not names:
        doubt = quoted_lines(alone.fit, DELIMITERS)
    return Sniffed(alone.dialect, doubt)


def _of_one_column(dialect: Dialect, sample: Sample) -> Dialect:
    """Return the dialect with a delimiter that does not occur."""
    unused = (each for each in _UNUSUAL if each.encode() not in sample.text)
    return replace(dialect, delimiter=next(unused, dialect.delimiter))


def _rank(reading: _Reading) -> tuple[bool, float]:
    return reading.fit.score == 0, -reading.quality


def _best_of(
    tables: Sequence[_Reading], others: Sequence[_Reading], *, quoted: bool = False
) -> Sniffed:
    """Return the first of the tables, and a doubt if another of them is near, or one of `others`
    better, or (if `quoted`) if it has one column that contains a table.

    The first record is the header of `tables`, and is not that of `others`.
    """
    best = tables[0]
    rival = next((r for r in tables[1:] if not best.fit.is_clearly_better(r.fit)), None)
    rival = rival or next((r for r in others if r.fit.has_better_body(best.fit)), None)
    if rival is None:
        return Sniffed(best.dialect, quoted_lines(best.fit, DELIMITERS) if quoted else None)
    if rival.dialect.delimiter == STRICT.delimiter and rival.fit.whole:
        best, rival = rival, best
    shown = [(r.dialect.delimiter, r.fit) for r in (best, rival)]
    return Sniffed(best.dialect, two_readings(shown))


def _frequent(text: bytes) -> list[str]:
    """Return the delimiters besides the comma that are frequent enough to divide the records."""
    lines = max(text.count(b"\n"), text.count(b"\r"))
    return [other for other in DELIMITERS[1:] if text.count(other.encode()) * _RARE > lines]


def _most_frequent(text: bytes) -> str:
    """Return the most frequent delimiter, for a header that does not end within the text."""
    return max(DELIMITERS, key=lambda delimiter: text.count(delimiter.encode()))


def _has_decimal_comma(declared: Input) -> bool:
    """Whether numbers contain commas, as the client declares."""
    return "," in (declared.decimal, declared.thousands)


def _may_divide_numbers(text: bytes) -> bool:
    """Whether commas are between digits, and such numbers are not in quotes."""
    return bool(_COMMA_IN_NUMBER.search(text) and not _QUOTED_FIGURES.search(text))


_COMMA_IN_NUMBER = re.compile(rb"[0-9],[0-9]")
_QUOTED_FIGURES = re.compile(rb"[\"'][+-]?[0-9.]*,[0-9]+[\"']")


def _unquoted_lines(sample: Sample, dialect: Dialect) -> list[bytes]:
    """Return the first lines that are not empty, without quoted text."""
    text = sample.text.removeprefix(BOM)
    if dialect.quote == '"':
        text = _QUOTED.sub(b"", text)
    lines = text.split(b"\r" if dialect.line_end == "cr" else b"\n", _RECORDS)
    if not sample.whole or len(lines) > _RECORDS:
        lines.pop()
    return [line.rstrip(b"\r") for line in lines if line.strip(b"\r")]


_QUOTED = re.compile(rb'(?<![^\r\n,;\t|])"[^"]*"')


def _line_end(sample: Sample, by_lf: Fit) -> LineEnd:
    """Return what ends more lines: LF (or CRLF), or CR alone."""
    return "cr" if sample.ends_in_cr and not by_lf.whole else "lf"


def _better_quoted(
    sample: Sample, first: _Reading, line_end: LineEnd, declared: Input, quoting: Quoting
) -> _Reading:
    """Return the reading with the best quote, escape and line end; `first` if none is better."""
    other, its_fit = _quoted(sample, replace(first.dialect, line_end=line_end), declared, quoting)
    if its_fit.score > first.fit.score + _EPSILON:
        return _Reading(other, its_fit)
    # A table of one column has no score.
    if first.fit is NO_FIT and its_fit.width == 1:
        return _Reading(other, its_fit)
    return first


def _quoted(
    sample: Sample, dialect: Dialect, declared: Input, quoting: Quoting
) -> tuple[Dialect, Fit]:
    """Return the dialect with the best quote and escape.

    A less common one needs more well-formed records, and another quote at least two more. Cleaner
    cells alone are not enough.
    """
    best, best_fit = dialect, NO_FIT
    for quote, escape in quoting.ways(sample.text, dialect, declared):
        if dialect.delimiter in (quote, escape):
            continue
        candidate = replace(dialect, quote=quote, escape=escape)
        its_fit = fit(sample, candidate, limit=_RECORDS)
        if best_fit is NO_FIT or (
            its_fit.share > best_fit.share + _EPSILON
            and (quote == best.quote or its_fit.has_more_records(best_fit))
        ):
            best, best_fit = candidate, its_fit
        if best_fit.whole:
            break
    return best, best_fit
