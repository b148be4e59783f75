"""Measure how well a dialect fits a sample."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.aggregation.cells import read_number
from shared.aggregation.dates import read_date
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import SampleEnded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect
    from shared.inspection.sample import Sample

_SCORED_CELLS = 2000
_MIN_SHARE = 0.5
"""The share of records that must have one width."""
_ONE_OF_FEW = 1 / 50
_CLEAR = 0.2
"""The difference of qualities that makes one delimiter clearly better than another."""
_MOSTLY_WHOLE = 0.7
"""The quality that the better one must have: other delimiters are in few of its cells."""
_PROSE = 0.75
_BLANK = 0.5


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a dialect fits a sample."""

    first: tuple[bytes, ...] = ()
    """The first record."""
    second: tuple[bytes, ...] = ()
    """The first record below it that has `usual` fields."""
    share: float = 0.0
    """The share of records that are well-formed and as wide as the first."""
    matching: int = 0
    """The number of these records."""
    clean: float = 0.0
    """The share of cells that are a number, a date, empty, or free of CSV syntax."""
    usual: int = 0
    """The most frequent width of the records below the first; of the first if it is alone."""
    usual_share: float = 0.0
    """The share of records below the first that have this width."""
    head: float = 0.0
    """The quality of the cells of the first record, from 0 to 1 (see `_quality`)."""
    body: float = 0.0
    """The quality of the cells of the records below, times `usual_share`."""
    scored: tuple[bytes, ...] = ()
    """The cells of the first records."""
    scored_records: int = 1
    """The number of records that `scored` is from."""

    @property
    def width(self) -> int:
        """The number of fields of the first record."""
        return len(self.first)

    @property
    def whole(self) -> bool:
        """Whether all records are well-formed and as wide as the first."""
        return self.share == 1.0

    @property
    def typed(self) -> float:
        """The average number of numbers and dates in a record.

        A number with separators counts as often as it has parts, each of which is a number in a
        reading that divides it.
        """
        return sum(map(_typed_parts, self.scored)) / self.scored_records

    @property
    def is_table(self) -> bool:
        """Whether at least half of the records below the first have one width, two or more."""
        return self.usual > 1 and self.usual_share >= _MIN_SHARE

    @property
    def score(self) -> float:
        """The score from 0 to 1; 0 unless the first record is the header of most records.

        It follows van den Burg, Nazabal and Sutton, "Wrangling Messy CSV Files by Detecting Row and
        Type Patterns" (2019).
        """
        if self.width < 2 or self.share < _MIN_SHARE:
            return 0.0
        return self.share * (1 - 1 / self.width) * (0.5 + 0.5 * self.clean)

    def has_more_records(self, other: Fit) -> bool:
        """Return whether it fits more records than `other`: two, or one in a small sample."""
        return self.matching > other.matching + 1 or self.share > other.share + _ONE_OF_FEW

    def has_better_body(self, other: Fit) -> bool:
        """Return whether the cells below the first record are clearly better divided.

        They need only be as good if the first record of `other` may be a title, with a blank after
        its delimiter, and many of its cells below may be parts of cells.
        """
        if other.head < 1 and other.body < _MOSTLY_WHOLE and self.body >= other.body:
            return True
        return self.body >= other.body + _CLEAR

    def is_clearly_better(self, other: Fit) -> bool:
        """Return whether the cells of all records are clearly better divided.

        They are not if the other reading is a whole table too, with more numbers and dates: cells
        of this one may be several of the other.
        """
        mostly_whole = self.head >= _MOSTLY_WHOLE and self.body >= _MOSTLY_WHOLE
        return (
            mostly_whole
            and self.body >= other.body + _CLEAR
            and self.head >= other.head + _CLEAR
            and not (other.whole and other.typed > self.typed)
        )


NO_FIT = Fit()


class _Enough(Exception):
    """So many records are bad that the rest need not be read."""


def fit(sample: Sample, dialect: Dialect, *, limit: int | None) -> Fit:
    """Measure how well a dialect fits the first `limit` records of the sample."""
    problems = 0

    def count(_problem: object) -> None:
        nonlocal problems
        problems += 1
        if problems == limit:
            raise _Enough

    reader = RecordReader(sample.blocks(), replace(dialect, header=True), count)
    first: list[bytes] = []
    records = scored = last = 0
    widths: list[int] = []
    below: list[list[bytes]] = []
    cells: list[bytes] = []
    try:
        for line, fields in reader:
            if records:
                widths.append(len(fields))
                if len(cells) < _SCORED_CELLS:
                    below.append(fields[:_SCORED_CELLS])
            else:
                first = fields
            records += 1
            last = line
            if len(cells) < _SCORED_CELLS:
                cells += fields[:_SCORED_CELLS]
                scored += 1
            if records == limit:
                break
    except MalformedInput:
        return NO_FIT
    except _Enough:
        pass
    except SampleEnded:
        # A stray quote opens a field that never ends, so that no more records are found.
        lines = sample.text.count(b"\r" if dialect.line_end == "cr" else b"\n")
        if lines - last > max(last, 1000):
            problems += lines - last
    if not records:
        return NO_FIT
    matching = 1 + widths.count(len(first))
    [(usual, times)] = Counter(widths).most_common(1) or [(len(first), 1)]
    usual_share = times / max(records - 1 + problems, 1)
    least = min(usual, _SCORED_CELLS)
    typical = [row for row in below if len(row) == least]
    head = _quality(first[:_SCORED_CELLS])
    return Fit(
        first=tuple(first),
        second=tuple(typical[0]) if typical else (),
        share=matching / (records + problems),
        matching=matching,
        clean=_cleanness(cells),
        usual=usual,
        usual_share=usual_share,
        head=head,
        body=_quality([cell for row in typical for cell in row]) * usual_share if typical else head,
        scored=tuple(cells),
        scored_records=scored,
    )


def _cleanness(cells: Sequence[bytes]) -> float:
    """Return the share of cells that are a number, a date, empty, or free of CSV syntax."""
    return sum(map(_is_clean, cells)) / len(cells) if cells else 0.0


def _is_clean(cell: bytes) -> bool:
    if not cell or cell.isalnum():
        return True
    if _SYNTAX.search(cell) is None:
        return True
    return read_number(cell) is not None or read_date(cell) is not None


def _quality(cells: Sequence[bytes]) -> float:
    """Return how likely these are whole cells, from 0 to 1: the average over the cells.

    A cell that contains a delimiter is perhaps several cells, unless it is a number with a comma,
    or a text in which a blank follows the delimiter. A text after a blank is perhaps the rest of a
    cell.
    """
    return sum(map(_quality_of, cells)) / len(cells) if cells else 0.0


def _quality_of(cell: bytes) -> float:
    if not cell or cell.isalnum():
        return 1.0
    blank = _BLANK if cell.startswith(b" ") else 1.0
    if _DELIMITER.search(cell) is None:
        return blank
    if _FIGURES(cell):
        return 1.0
    return 0.0 if _DELIMITER.search(_IN_PROSE.sub(b"", cell)) else blank * _PROSE


def _typed_parts(cell: bytes) -> int:
    """Return 1 for a date or number, the number of parts for one with separators, 0 for text."""
    if _FIGURES(cell):
        return 1 + len(_SEPARATOR.findall(cell))
    return int(
        _DIGIT.search(cell) is not None
        and (read_number(cell) is not None or read_date(cell) is not None)
    )


_DIGIT = re.compile(rb"[0-9]")
_SEPARATOR = re.compile(rb"[,']")
_SYNTAX = re.compile(rb"[,;\t|]|^['\"]|['\"]$")
_DELIMITER = re.compile(rb"[,;\t|]")
_IN_PROSE = re.compile(rb"[,;|] ")
_FIGURES = re.compile(
    rb" ?(?:[$]|\xe2\x82\xac|\xc2\xa3)? ?[+-]?(?:[0-9]+|[0-9]{1,3}(?:[.,'][0-9]{3})+)[.,][0-9]+"
    rb" ?(?:%|[$]|\xe2\x82\xac|\xc2\xa3)? ?"
).fullmatch
"""A number with a decimal comma or groups of digits, perhaps with a sign for a currency."""
