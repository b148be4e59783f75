"""Dirty files written in any dialect, encoding and compression, for property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st

from shared.csv.dialect import Input
from tests.aggregations import Case, cases, narrow_cases
from tests.oracle_records import read_file
from tests.oracle_text import CODECS
from tests.written import Writer, writers, written

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

_NO_TEXT: dict[Encoding, list[str]] = {
    "utf-8": ["\udcff", "\udcc3", "\udced\udca0\udc80"],
    "utf-16-le": ["\ud83d", "\ude00", "\ud800a"],
    "utf-16-be": ["\ud83d", "\ude00", "\ud800a"],
    "latin-1": [],
    "windows-1252": ["\udc81", "\udc9d"],
    "windows-1251": ["\udc98"],
    "iso-8859-7": ["\udcae", "\udcff"],
    "cp437": [],
    "shift-jis": ["\udc81", "\udcfc", "\udc85@", "東\udc81"],
    "euc-jp": ["\udc8f", "\udc8f\udca2", "\udca1", "\udcf5\udca1", "\udcff"],
    "gb18030": ["\udc81", "\udc810", "\udc810\udc81", "\udcff", "\udc80", "\udce43\udc810"],
    "big5": ["\udc81", "\udca1", "\udcfa\udca1"],
    "euc-kr": ["\udc80", "\udc81", "\udcc9\udca1"],
}
"""Invalid text of each encoding. A surrogate stands for a byte or for half of a pair."""


def declared_in_full(writer: Writer) -> Writer:
    """Return the same writer with a complete declaration, so that nothing is detected."""
    declared = writer.declared
    full = Input(
        delimiter=declared.delimiter or ",",
        quote='"' if declared.quote is None else declared.quote,
        escape=declared.escape or "",
        header=declared.header is not False,
        line_end=declared.line_end or "lf",
        encoding=declared.encoding or "utf-8",
        compression=declared.compression or "none",
        decimal=declared.decimal,
        thousands=declared.thousands,
        on_bad_row="skip",
    )
    return replace(writer, declared=full)


@st.composite
def dirty_written_cases(draw: st.DrawFn) -> Case:
    """Draw any aggregation, with a file in a declared dialect that has dirt after its header.

    Bad rows are skipped.
    """
    header = draw(st.booleans())
    writer = declared_in_full(draw(writers(header=header)))
    if draw(st.integers(0, 2)):
        case = draw(cases(made_up_names=not header))
    else:
        case = draw(narrow_cases())
        # Integers only: another decimal separator would change nothing.
        writer = replace(writer, declared=replace(writer.declared, decimal=".", thousands=""))
        if not header:
            case.rows[0][:] = [f"column{i + 1}" for i in range(len(case.rows[0]))]
    assume(not header or writer.can_write(case.rows[0]))
    case = written(case, writer)
    # A file without a header and without records has no columns.
    assume(header or len(case.rows) > 1)
    text = writer.text(case.rows)
    begin = writer.bom if not header and draw(st.booleans()) else first_line(writer, case.rows)
    text = dirtied(draw, writer, text, begin)
    if writer.ending[-1:] == "\n" and draw(st.integers(0, 4)) == 0:
        text = text[: writer.bom] + f"sep={writer.declared.delimiter}\r\n" + text[writer.bom :]
        # Such a line cannot declare every delimiter.
        assume(writer.declared.delimiter != "§")
    data = writer.send(text)
    if not header:
        # The first good record defines the number of columns.
        widths = [len(r.fields) for r in read_file(data, writer.declared) if not r.reason]
        assume(widths and widths[0] >= len(case.rows[0]))
    return Case(case.aggregation, data, case.rows)


def first_line(writer: Writer, rows: list[list[str]]) -> int:
    """Return the length of the first line, which defines the number of columns."""
    first = rows[1:2] if writer.declared.header is False else rows[:1]
    alone = replace(writer, declared=replace(writer.declared, header=True), final_endings=1)
    return len(alone.text(first))


def dirtied(draw: st.DrawFn, writer: Writer, text: str, begin: int, most: int = 4) -> str:
    """Insert up to `most` pieces of dirt into `text`, anywhere from `begin` on."""
    for _ in range(draw(st.integers(0, most)) if begin < len(text) else 0):
        at = draw(st.integers(begin, len(text)))
        text = text[:at] + draw(_dirt(writer)) + text[at:]
    return text


def _dirt(writer: Writer) -> st.SearchStrategy[str]:
    declared = writer.declared
    delimiter, quote, encoding = declared.delimiter or "", declared.quote or "", declared.encoding
    escape, ending = declared.escape or quote, writer.ending
    text = [
        *(quote, quote + "x", quote + quote, escape + quote, escape, quote + delimiter),
        *(delimiter, 2 * delimiter, ending, 2 * ending, ending + " ", quote + ending),
        *("\r", "\n", "\0", "x", "1.5", "1,5", "1 234", "-", "\ufeff", "é", "😀", "\x1a"),
        *("東", "ｱ", "상", "¤", "\u3000"),
        f"{quote}{delimiter}1{ending}",
    ]
    usable = [piece for piece in text if piece and _is_text(piece, encoding)]
    beyond = ["😀"] * 6 if writer.declared.encoding in ("utf-16-le", "utf-16-be") else []
    return st.sampled_from(usable + beyond + 2 * _NO_TEXT[encoding or "utf-8"])


def _is_text(piece: str, encoding: Encoding | None) -> bool:
    try:
        piece.encode(CODECS[encoding or "utf-8"])
    except UnicodeEncodeError:
        return False
    return True
