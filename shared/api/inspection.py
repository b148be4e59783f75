"""An inspection of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from shared.api.described import WithJsonSchema
from shared.api.problem import ProblemView
from shared.api.report import WarningView
from shared.api.view import Count, Ordinal, View

LineEnd = Annotated[str, WithJsonSchema({"enum": ["lf", "crlf", "cr"]})]
ColumnType = Annotated[
    str, WithJsonSchema({"enum": ["integer", "number", "date", "text", "empty"]})
]


@dataclass(frozen=True, slots=True)
class NumberStyleView(View):
    """What may stand around numbers."""

    currency: bool = False
    percent: bool = False
    parentheses: Annotated[str, WithJsonSchema({"enum": ["text", "negative"]})] = "text"


@dataclass(frozen=True, slots=True)
class DialectView(View):
    """How a file is written. It can be sent as `input` of an `Aggregation`."""

    compression: str
    encoding: str
    delimiter: str
    quote: str
    escape: str
    header: bool | None
    """Null if the request has to say whether there is a header."""
    line_end: str
    decimal: str
    thousands: str
    null: list[str] = field(default_factory=list)
    """Texts that count as empty cells."""
    number: NumberStyleView = NumberStyleView()
    date: str = "iso"
    """How dates are written."""


@dataclass(frozen=True, slots=True)
class ColumnView(View):
    """A column, in the part of the file that was read."""

    position: Ordinal
    """The position of the column, from 1."""
    name: str
    """The name in the header, shortened if it is long."""
    type: ColumnType
    """The type that fits every cell that is not empty."""
    empty: Count
    """How many cells are empty."""
    samples: list[str]
    """The first different cells."""


@dataclass(frozen=True, slots=True)
class SampleRowView(View):
    """One of the first records."""

    line: Ordinal
    """The line on which it begins."""
    cells: list[str]
    """The cells of the first 1000 columns, shortened if they are long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionView(View):
    """What the start of a file shows about it."""

    input: DialectView
    header_reason: str
    """Why there is a header or not, or why the request has to say so."""
    bom: bool
    """Whether there is a byte order mark."""
    sep_line: bool
    """Whether the first line is one such as `sep=;` and not a record."""
    line_ends: list[LineEnd]
    """The line ends in the file, including those in quoted fields."""
    column_count: Count
    """The number of columns of the header."""
    columns: list[ColumnView]
    """The first columns, up to 1000."""
    rows: Count
    """Records read, without the header and without bad records."""
    rows_of_several_lines: Count
    """Records that span several lines."""
    most_lines: Ordinal
    """Lines of the longest record."""
    notes: list[str]
    """Why the delimiter has to be declared, if so, and texts that may be numbers or dates written
    in another way. Also the warnings of `utf8_text` and `grouped_integers`, in words."""
    proposal: dict[str, Any] | None
    """What to declare in the aggregation, so that numbers and dates that are written in another way
    are read as such, and lines beside the table are passed over; null if there is no reason for
    it. The job does not apply it unless it is sent."""
    proposal_reasons: list[str]
    """Why lines are to be passed over."""
    bytes: Count
    """Bytes of text read: the first MiB, or up to 16 MiB if the header is longer."""
    whole: bool
    """Whether that is the whole file, and all of its records were read: up to 50,000, and about
    25,000 different cells."""
    problem_count: Count
    """The number of bad records."""
    problems: list[ProblemView]
    """The first bad records."""
    error: str | None
    """Why no record can be read, if so."""
    fits: bool | None
    """Whether the aggregation fits the file; null if there is no aggregation."""
    misfit: str | None
    """What in the aggregation does not fit the file."""
    output_columns: list[str] | None
    """The columns of the result, if the aggregation fits."""
    misfit_field: str | None = None
    """The path of what does not fit, such as `aggregates[0].column` or `input.delimiter`."""
    default_fits: bool = False
    """Whether the default aggregation fits the records read, so that none has to be sent."""
    sample_rows: list[SampleRowView] = field(default_factory=list)
    """The first records, up to 20, without bad ones."""
    warnings: list[WarningView] = field(default_factory=list)
    """What was read in this part of the file, but may mean something else: as the report of a job
    tells it, but for what only a job can find out."""
