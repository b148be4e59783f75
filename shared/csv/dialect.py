"""The dialect of a CSV file, and the part of it that the client declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "latin-1", "windows-1252"]
Compression = Literal["none", "gzip", "zstd", "bzip2", "zip"]
LineEnd = Literal["lf", "cr"]
"""What ends a line: LF or CRLF, also mixed; or CR alone, as on old Macs."""
OnBadRow = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """What may stand around the numbers of a file. It does not change their value, but for
    parentheses."""

    currency: bool = False
    """A symbol or code of a currency, before or after the number."""
    percent: bool = False
    """A percent sign: `12.5%` is 12.5."""
    parentheses: Literal["text", "negative"] = "text"
    """`negative`: `(5)` is -5."""


@dataclass(frozen=True, slots=True)
class Input:
    """The declarations of a client about its file. None is detected from the first bytes."""

    delimiter: str | None = None
    """One character, neither a quote nor a line end."""
    quote: str | None = None
    """One character; an empty string if nothing is quoted."""
    escape: str | None = None
    """One character before a quote within quotes; an empty string if such a quote is doubled."""
    header: bool | None = None
    """Whether the first record names the columns. Without one they are `column1`, `column2`, ..."""
    line_end: LineEnd | None = None
    encoding: Encoding | None = None
    compression: Compression | None = None
    decimal: Literal[".", ","] = "."
    """The decimal separator. It is not detected, as `1,234` can be two numbers."""
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    """The thousands separator, which is optional in numbers; empty for none."""
    null: tuple[str, ...] = ()
    """Cells that are one of these texts count as empty."""
    number: NumberStyle = NumberStyle()
    date: str = "iso"
    """How dates are written: `iso`, `iso_zoned`, `epoch`, `epoch_ms`, or a pattern."""
    on_bad_row: OnBadRow = "fail"
    """Whether a bad record fails the job, or is skipped, counted and stored."""


UNDECLARED = Input()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written. The default is RFC 4180 in UTF-8, with a header."""

    delimiter: str = ","
    quote: str = '"'
    """An empty string if nothing is quoted."""
    escape: str = ""
    """An empty string if a quote within quotes is doubled."""
    header: bool = True
    line_end: LineEnd = "lf"
    sep_line: bool = False
    """Whether the file begins with a line such as `sep=;`, which is for spreadsheets and not a
    record."""
    encoding: Encoding = "utf-8"
    compression: Compression = "none"
    decimal: str = "."
    thousands: str = ""
    null: tuple[str, ...] = ()
    number: NumberStyle = NumberStyle()
    date: str = "iso"
    bom: bool | None = field(default=None, compare=False)
    """Whether the file begins with a byte order mark; None if unknown. It does not change how the
    file is read."""
    line_ends: tuple[str, ...] | None = field(default=None, compare=False)
    """The line ends in the first MiB, of `lf`, `crlf` and `cr`, in quoted fields too; None if
    unknown. `line_end` is what ends a record."""


STRICT = Dialect()
