"""How a CSV file is written: what a client declares of it, and what it turned out to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "latin-1", "windows-1252"]
Compression = Literal["none", "gzip", "zstd", "bzip2", "zip"]
LineEnd = Literal["lf", "cr"]
"""What ends a line: LF or CRLF, mixed too; or CR alone, as old Macs wrote it."""
OnBadRow = Literal["fail", "skip"]


@dataclass(frozen=True, slots=True)
class Input:
    """What a client says of its file. None is found out from the file's first bytes."""

    delimiter: str | None = None
    """One character that is neither a quote nor a line end."""
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
    """What separates the decimals of a number. Never found out: `1,234` is one of two numbers."""
    thousands: Literal["", ",", ".", " ", "'", "_"] = ""
    """What may separate the thousands of a number."""
    on_bad_row: OnBadRow = "fail"
    """Whether a record that breaks a rule fails the job, or is skipped, counted and kept."""


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
    """Whether the file begins with a line such as `sep=;`, which is for spreadsheets, and no
    record."""
    encoding: Encoding = "utf-8"
    compression: Compression = "none"
    decimal: str = "."
    thousands: str = ""
    bom: bool | None = field(default=None, compare=False)
    """Whether the file begins with a byte order mark; None if that was not looked for. It is read
    alike."""
    line_ends: tuple[str, ...] | None = field(default=None, compare=False)
    """Those of `lf`, `crlf` and `cr` that its first MiB has, quoted ones too; None if that was not
    looked for. What ends a record is `line_end`."""


STRICT = Dialect()
