"""The dialect of a CSV file, and the part of it that the client declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Encoding = Literal[
    "utf-8", "utf-16-le", "utf-16-be", "latin-1", "windows-1252", "windows-1250", "windows-1251",
    "windows-1253", "windows-1254", "windows-1255", "windows-1256", "windows-1257",
    "windows-1258", "iso-8859-2", "iso-8859-3", "iso-8859-4", "iso-8859-5", "iso-8859-6",
    "iso-8859-7", "iso-8859-8", "iso-8859-9", "iso-8859-10", "iso-8859-11", "iso-8859-13",
    "iso-8859-14", "iso-8859-15", "iso-8859-16", "koi8-r", "koi8-u", "mac-roman", "cp437",
    "cp850", "cp866", "cp720", "cp737", "cp775", "cp852", "cp855", "cp856", "cp857", "cp858",
    "cp860", "cp861", "cp862", "cp863", "cp865", "cp869", "cp1125", "windows-874",
    "tis-620", "koi8-t", "kz-1048", "ptcp154", "hp-roman8", "palmos", "mac-latin2", "mac-croatian",
    "mac-romanian", "mac-cyrillic", "mac-greek", "mac-turkish", "mac-iceland", "shift-jis",
    "euc-jp", "gb18030", "big5", "euc-kr",
]  # fmt: skip
Compression = Literal["none", "gzip", "zstd", "bzip2", "zip", "xlsx"]
"""`xlsx` is a workbook, of which a sheet is read as CSV."""
LineEnd = Literal["lf", "cr"]
"""What ends a line: LF or CRLF, also mixed; or CR alone, as on old Macs."""
Columns = Literal["same", "union"]
OnBadRow = Literal["fail", "skip"]
OnRagged = Literal["fail", "pad", "truncate", "pad_or_truncate"]
MAX_SKIPPED_LINES = 1_000_000_000
MAX_FOOTER_LINES = 1000
"""The most lines of a footer that is given by its number of lines: they are held back in memory."""


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
    sheet: str | int | None = None
    """The sheet of a workbook: its name, or its number from 1; None is the only one."""
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
    on_ragged: OnRagged = "fail"
    """Whether a record with too few or too many fields is bad, or is filled or cut."""
    skip_lines: int = 0
    """Lines above the table, which are passed over."""
    header_line: int | None = None
    """The line of the header, from 1; the lines above are passed over."""
    header_starts_with: str = ""
    """The first line that begins with this text is the header; empty if it is not given."""
    comment: str = ""
    """Lines that begin with this text are passed over; empty for none."""
    skip_footer: int | str = 0
    """The number of lines below the table, or the text with which the first of them begins."""
    columns: Columns = "same"
    """Whether all files of a job must have the same columns, in any order; or a column that a file
    does not have is empty in all its records."""


UNDECLARED = Input()


ASSUMPTIONS = frozenset(
    ("assumed_header", "assumed_quote", "assumed_encoding", "other_encoding", "unit_row")
)
"""The properties of a `Dialect` that are warnings, and not shown with the others."""


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
    on_ragged: OnRagged = "fail"
    skip_lines: int = 0
    header_line: int | None = None
    header_starts_with: str = ""
    comment: str = ""
    skip_footer: int | str = 0
    trailing_delimiters: bool = False
    """Whether all records end in a delimiter that the header does not have."""
    bom: bool | None = field(default=None, compare=False)
    """Whether the file begins with a byte order mark; None if unknown. It does not change how the
    file is read."""
    line_ends: tuple[str, ...] | None = field(default=None, compare=False)
    """The line ends in the first MiB, of `lf`, `crlf` and `cr`, in quoted fields too; None if
    unknown. `line_end` is what ends a record."""
    assumed_header: bool = field(default=False, compare=False)
    """Whether the first record is taken for the header though nothing in the file shows that."""
    assumed_quote: bool = field(default=False, compare=False)
    """Whether quotes are text only because most cells that begin with one do not end in one."""
    assumed_encoding: bool = field(default=False, compare=False)
    """Whether the encoding is the likeliest of several in which the file can be read."""
    other_encoding: str = field(default="", compare=False)
    """The next likeliest, for a message; empty if it is not known."""
    unit_row: tuple[int, str] | None = field(default=None, compare=False)
    """The line and the text of a record below the header that seems to have units."""

    @property
    def lines_above(self) -> int:
        """The number of lines at the start of the file that are not in the table."""
        return max(int(self.sep_line), self.skip_lines, (self.header_line or 1) - 1)

    @property
    def header_is_given(self) -> bool:
        """Whether the client says where the header is: then it is no comment."""
        return self.header_line is not None or bool(self.header_starts_with)

    @property
    def footer_text(self) -> str:
        """The text with which the footer begins; empty if it is not given."""
        return self.skip_footer if isinstance(self.skip_footer, str) else ""

    @property
    def footer_lines(self) -> int:
        """The number of lines of the footer; 0 if it is not given."""
        return 0 if isinstance(self.skip_footer, str) else self.skip_footer


STRICT = Dialect()
