"""The model of `input` in a spec: the declared dialect of the file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from shared.aggregation.date_format import check_date_format
from shared.aggregation.json_object import JsonObject
from shared.csv.dialect import Compression, Encoding, LineEnd, OnBadRow

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}


def _named(**names: str) -> BeforeValidator:
    """Accept other names for some values, in upper or lower case."""

    def value(given: Any) -> Any:
        return (
            names.get(given.lower().replace("-", "_"), given) if isinstance(given, str) else given
        )

    return BeforeValidator(value)


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
QuoteIn = Annotated[Literal['"', "'", ""], _named(none="", double='"', single="'")]
EscapeIn = Annotated[Literal["\\", ""], _named(none="", doubled="", backslash="\\")]
LineEndIn = Annotated[LineEnd, _named(lf="lf", cr="cr", crlf="lf")]
EncodingIn = Annotated[
    Encoding,
    _named(
        utf8="utf-8",
        utf_8="utf-8",
        utf_8_sig="utf-8",
        utf_16_le="utf-16-le",
        utf_16le="utf-16-le",
        utf_16_be="utf-16-be",
        utf_16be="utf-16-be",
        latin1="latin-1",
        latin_1="latin-1",
        iso_8859_1="latin-1",
        windows_1252="windows-1252",
        cp1252="windows-1252",
    ),
]
CompressionIn = Annotated[Compression, _named(gz="gzip", zst="zstd", bz2="bzip2")]
MAX_NULLS, MAX_NULL_LENGTH = 100, 100
NullsIn = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=MAX_NULL_LENGTH)]],
    Field(max_length=MAX_NULLS),
]


def _date_format(given: str) -> str:
    check_date_format(given)
    return given


DateIn = Annotated[str, AfterValidator(_date_format)]
ThousandsIn = Annotated[Literal["", ",", ".", " ", "'", "_"], _named(none="", space=" ")]


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
    decimal: Literal[".", ","] = "."
    thousands: ThousandsIn = ""
    null: NullsIn = Field(default_factory=list)
    """Cells that are exactly one of these texts count as empty, in all columns"""
    number: NumberIn = NumberIn()
    date: DateIn = "iso"
    """How dates are written: `iso`, `iso_zoned`, `epoch`, `epoch_ms`, or a pattern such as
    `%d/%m/%Y`"""
    on_bad_row: OnBadRow = "fail"

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
        return self
