"""Files written in any dialect, encoding and compression, for property tests."""

from __future__ import annotations

import bz2
import gzip
import io
import sys
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st

from shared.csv.dialect import Input
from tests.aggregations import Case, cases, with_header
from tests.oracle_text import CODECS, errors_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.csv.dialect import Compression, LineEnd

NUMERIC = (1, 2)
"""The columns of `tests.aggregations.cases` with numbers."""


def _zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plays.csv", data)
    return out.getvalue()


COMPRESS: dict[Compression, Callable[[bytes], bytes]] = {
    "none": lambda data: data,
    # Two members, which form one file.
    "gzip": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
    "zstd": lambda data: zstd.compress(data[:9]) + zstd.compress(data[9:]),
    "bzip2": lambda data: bz2.compress(data[:9]) + bz2.compress(data[9:]),
    "zip": _zip,
}


@dataclass(frozen=True)
class Writer:
    """Writes files: in the dialect `declared`, with properties that need no declaration."""

    declared: Input
    ending: str
    final_endings: int
    bom: bool
    quote_all: bool

    def write(self, rows: list[list[str]]) -> bytes:
        return self.send(self.text(rows))

    def text(self, rows: list[list[str]]) -> str:
        """Return the text of a file with these rows, including the header."""
        declared = self.declared
        if declared.header is False:
            rows = rows[1:]
        delimiter = declared.delimiter or ","
        lines = self.ending.join(delimiter.join(map(self._field, row)) for row in rows)
        return "\ufeff" * self.bom + lines + self.ending * self.final_endings

    def send(self, text: str) -> bytes:
        """Return the file with this text. Its surrogates stand for invalid bytes."""
        declared = self.declared
        encoding = declared.encoding or "utf-8"
        encoded = text.encode(CODECS[encoding], errors_of(encoding))
        return COMPRESS[declared.compression or "none"](encoded)

    def can_write(self, row: list[str]) -> bool:
        """Whether the encoding has all characters, and unquoted fields need no quotes."""
        declared = self.declared
        try:
            "".join(row).encode(CODECS[declared.encoding or "utf-8"])
        except UnicodeEncodeError:
            return False
        return declared.quote != "" or not set("".join(row)) & {
            "\r",
            "\n",
            declared.delimiter or ",",
        }

    def _field(self, text: str) -> str:
        declared = self.declared
        quote = '"' if declared.quote is None else declared.quote
        needing = {declared.delimiter or ",", "\r", "\n", declared.escape or "\n"}
        if not quote or not (self.quote_all or text[:1] == quote or set(text) & needing):
            return text
        if declared.escape:
            text = text.replace(declared.escape, 2 * declared.escape)
        return quote + text.replace(quote, (declared.escape or quote) + quote) + quote

    def number(self, cell: str) -> str:
        """Return a number in the file's notation, with separators if it is long enough."""
        declared = self.declared
        whole, point, rest = cell.partition(".")
        digits = whole.lstrip("+-")
        if declared.thousands and digits.isdigit() and digits[0] != "0" and len(digits) > 3:
            sign = whole[: len(whole) - len(digits)]
            whole = sign + f"{int(digits):,}".replace(",", declared.thousands)
        return whole + point.replace(".", declared.decimal) + rest


@st.composite
def writers(draw: st.DrawFn, *, header: bool | None = None) -> Writer:
    """Draw any dialect."""
    line_ends: list[LineEnd | None] = ["lf", "cr", None]
    line_end = draw(st.sampled_from(line_ends))
    quote = draw(st.sampled_from([None, '"', "'", ""]))
    encoding = draw(st.sampled_from([None, *CODECS]))
    delimiters = [None, ",", ";", "\t", "|", "^", "~", " ", "x"]
    if encoding != "cp437":
        delimiters.append("§")
    declared = Input(
        delimiter=draw(st.sampled_from(delimiters)),
        quote=quote,
        escape=None if quote == "" else draw(st.sampled_from([None, "", "\\"])),
        header=header,
        line_end=line_end,
        encoding=encoding,
        compression=draw(st.sampled_from([None, None, *COMPRESS])) or "none",
    )
    declared = draw(
        st.sampled_from(
            [
                declared,
                declared,
                replace(declared, decimal=","),
                replace(declared, decimal=",", thousands="."),
                replace(declared, thousands=","),
                replace(declared, thousands=" "),
            ]
        )
    )
    return Writer(
        declared,
        ending="\r" if line_end == "cr" else draw(st.sampled_from(["\n", "\r\n"])),
        final_endings=draw(st.integers(0, 2)),
        bom=encoding in (None, "utf-8", "utf-16-le", "utf-16-be") and draw(st.booleans()),
        quote_all=draw(st.booleans()),
    )


def written(case: Case, writer: Writer, numeric: tuple[int, ...] = NUMERIC) -> Case:
    """Return the case as `writer` writes it, without the records that it cannot write."""
    header, *rows = case.rows
    localized = [
        [writer.number(cell) if i in numeric else cell for i, cell in enumerate(row)]
        for row in rows
    ]
    kept = [header, *filter(writer.can_write, localized)]
    aggregation = replace(case.aggregation, input=writer.declared)
    if writer.declared.header is None:
        aggregation = with_header(aggregation)
    return Case(aggregation, writer.write(kept), kept)


@st.composite
def written_cases(draw: st.DrawFn) -> Case:
    """Draw any aggregation, with a file in any dialect."""
    header = draw(st.sampled_from([None, True, False]))
    case = draw(cases(made_up_names=header is False))
    writer = draw(writers(header=header))
    assume(header is False or writer.can_write(case.rows[0]))
    case = written(case, writer)
    # A file without a header and without records has no columns.
    assume(header is not False or len(case.rows) > 1)
    return case
