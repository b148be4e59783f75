"""The model of `input` in a spec: the declared dialect of the file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from shared.aggregation.date_format import check_date_format
from shared.aggregation.json_encoding import EncodingIn
from shared.aggregation.json_names import named
from shared.aggregation.json_object import JsonObject
from shared.csv.dialect import (
    MAX_FOOTER_LINES,
    MAX_SKIPPED_LINES,
    Columns,
    Compression,
    LineEnd,
    OnBadRow,
    OnRagged,
)

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


def _delimiter(given: str) -> str:
    delimiter = _DELIMITERS.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in "\"'\r\n\0\ufeff":
        raise ValueError(
            "send one character that is neither a quote nor a line end, "
            f"or {', '.join(_DELIMITERS)}"
        )
    return delimiter


DelimiterIn = Annotated[
    str,
    AfterValidator(_delimiter),
    Field(json_schema_extra={"pattern": rf"""^([^"'\r\n\0\ufeff]|{"|".join(_DELIMITERS)})$"""}),
]
QuoteIn = Annotated[Literal['"', "'", ""], named(none="", double='"', single="'")]
EscapeIn = Annotated[Literal["\\", ""], named(none="", doubled="", backslash="\\")]
LineEndIn = Annotated[LineEnd, named(lf="lf", cr="cr", crlf="lf")]
CompressionIn = Annotated[Compression, named(gz="gzip", zst="zstd", bz2="bzip2")]
MAX_NULLS, MAX_NULL_LENGTH = 100, 100
NullsIn = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_NULL_LENGTH)]],
    Field(max_length=MAX_NULLS),
]


def _date_format(given: str) -> str:
    check_date_format(given)
    return given


DateIn = Annotated[str, AfterValidator(_date_format)]
_LINE_START: dict[str, Any] = {"min_length": 1, "pattern": r"^[^\r\n]*$"}
LineStartIn = Annotated[str, Field(max_length=200, **_LINE_START)]
CommentIn = Annotated[str, Field(max_length=16, **_LINE_START)]
FooterIn = Annotated[
    Annotated[int, Field(ge=1, le=MAX_FOOTER_LINES), Tag("#lines")]
    | Annotated[LineStartIn, Tag("#text")],
    Discriminator(lambda value: "#text" if isinstance(value, str) else "#lines"),
]
MAX_SHEET = 100
"""The most characters of the name of a sheet, of which spreadsheets take 31."""
SheetIn = Annotated[
    Annotated[int, Field(ge=1, le=10_000), Tag("#number")]
    | Annotated[str, Field(min_length=1, max_length=MAX_SHEET), Tag("#name")],
    Discriminator(lambda value: "#name" if isinstance(value, str) else "#number"),
]
ThousandsIn = Annotated[Literal["", ",", ".", " ", "'", "_"], named(none="", space=" ")]


class NumberIn(JsonObject):
    """What may stand around numbers, besides their separators."""

    currency: bool = False
    """A symbol or code of a currency, before or after the number"""
    percent: bool = False
    """A percent sign after the number, which stays as it is: `12.5%` is 12.5"""
    parentheses: Literal["text", "negative"] = "text"
    """`negative`: a number in parentheses is negative"""


class InputIn(JsonObject):
    """How the file is written. What is left out, or null, is detected from its first bytes."""

    delimiter: DelimiterIn | None = None
    quote: QuoteIn | None = None
    escape: EscapeIn | None = None
    header: bool | None = None
    line_end: LineEndIn | None = None
    encoding: EncodingIn | None = None
    compression: CompressionIn | None = None
    sheet: SheetIn | None = None
    """The sheet of a workbook (.xlsx): its name, or its number from 1. It is needed if there are
    several"""
    decimal: Literal[".", ","] = "."
    thousands: ThousandsIn = ""
    null: NullsIn = Field(default_factory=list)
    """Cells that are exactly one of these texts count as empty, in all columns"""
    number: NumberIn = NumberIn()
    date: DateIn = "iso"
    """How dates are written: `iso`, `iso_zoned`, `epoch`, `epoch_ms`, or a pattern such as
    `%d/%m/%Y`"""
    on_bad_row: OnBadRow = "fail"
    on_ragged: OnRagged = "fail"
    """What becomes of records that are not as wide as the header: `pad` fills narrower ones with
    empty cells, `truncate` drops what wider ones have beyond the header"""
    skip_lines: int = Field(default=0, ge=0, le=MAX_SKIPPED_LINES)
    """Lines at the start of the file that are passed over"""
    header_line: int | None = Field(default=None, ge=1, le=MAX_SKIPPED_LINES)
    """The line of the header, from 1; the lines above are passed over"""
    header_starts_with: LineStartIn | None = None
    """The first line that begins with this text is the header; the lines above are passed over"""
    comment: CommentIn | None = None
    """Lines that begin with this text are passed over, but for those in quoted text"""
    skip_footer: FooterIn | None = None
    """Lines at the end of the file that are passed over: their number, or the text with which the
    first of them begins"""

    columns: Columns = "same"
    """Of several files: `same` refuses a file whose header lacks a name of the first file's, or has
    others; with `union`, a column that a file does not have is empty there. Names may be in any
    order"""

    @model_validator(mode="after")
    def _check(self) -> InputIn:
        if self.decimal == self.thousands:
            other = "," if self.thousands == "." else "."
            raise ValueError(
                f"send another thousands, or {other!r} as decimal: both are {self.decimal!r}"
            )
        if self.escape:
            if self.quote == "":
                raise ValueError("send no escape with quote none: an escape precedes a quote")
            if self.delimiter == self.escape:
                raise ValueError("send another delimiter, or another escape: both are backslash")
        self._check_lines()
        return self

    def _check_lines(self) -> None:
        """Refuse declarations about the lines of the table that contradict each other."""
        ways = [
            name
            for name in ("header_line", "header_starts_with")
            if getattr(self, name) is not None
        ]
        if len(ways) > 1:
            raise ValueError("send header_line or header_starts_with: both say where the header is")
        if ways and self.header is False:
            raise ValueError(f"send no {ways[0]} with header false: there is no header then")
        if self.header_line is not None and self.skip_lines:
            raise ValueError(
                "send header_line or skip_lines: all lines above the header are passed over"
            )
        quotes = "\"'" if self.quote is None else self.quote
        if self.comment and self.comment[0] in f"{quotes}{self.delimiter or ''}":
            raise ValueError(
                "send a comment that begins with neither a quote nor the delimiter, as records may"
            )
