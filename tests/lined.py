"""Files with lines that are not in the table: titles, comments and footers, for property tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from hypothesis import assume
from hypothesis import strategies as st

from shared.csv.dialect import OnRagged
from tests.aggregations import Case, cases, narrow_cases
from tests.dirt import declared_in_full, dirtied, first_line
from tests.written import Writer, writers, written

_JUNK = ("Sales 2020", "", "# note", "x", '"', '"a', "'", ",", ";;", "Total,3", "Summe", "#", "T")
"""Lines beside the table."""
COMMENTS = ("#", "//", "# ", "é", "a")
FOOTERS = ("Total", "Summe", "#", "a", "é1")


@st.composite
def lined_cases(draw: st.DrawFn) -> Case:
    """Draw any aggregation of a file with lines beside its table.

    Often the declarations fit it, and there may be dirt anywhere.
    """
    header = draw(st.booleans())
    writer = declared_in_full(draw(writers(header=header)))
    if draw(st.booleans()):
        case = draw(cases(made_up_names=not header))
    else:
        case = draw(narrow_cases())
        writer = replace(writer, declared=replace(writer.declared, decimal=".", thousands=""))
        if not header:
            case.rows[0][:] = [f"column{i + 1}" for i in range(len(case.rows[0]))]
    assume(not header or writer.can_write(case.rows[0]))
    case = written(case, writer)
    assume(header or len(case.rows) > 1)
    text = writer.text(case.rows).removeprefix("\ufeff")
    if header and draw(st.booleans()):
        text = with_trailing_delimiters(text, writer)
    begin = first_line(writer, case.rows) - writer.bom
    text = dirtied(draw, writer, text, begin, most=2)
    options: dict[str, Any] = {"on_ragged": draw(st.sampled_from(get_args(OnRagged)))}
    if draw(st.booleans()):
        options["comment"] = comment = draw(st.sampled_from(COMMENTS))
        text = with_comments(draw, text, comment, writer.ending)
    text = draw(_footers(text, writer.ending, options))
    text = draw(_titles(text, writer.ending, options, header=header))
    aggregation = replace(case.aggregation, input=replace(writer.declared, **options))
    assume(_can_be_sent(writer, text))
    return Case(aggregation, writer.send("\ufeff" * writer.bom + text), case.rows)


def with_trailing_delimiters(text: str, writer: Writer) -> str:
    """Return the text with a delimiter at the end of all lines but the first."""
    first, *lines = text.split(writer.ending)
    ended = [line + (writer.declared.delimiter or ",") if line else line for line in lines]
    return writer.ending.join([first, *ended])


def with_comments(draw: st.DrawFn, text: str, comment: str, ending: str) -> str:
    """Return the text with comments above some of its lines, perhaps within quoted text."""
    lines = text.split(ending)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines)))
        lines.insert(at, comment + draw(st.sampled_from(_JUNK)))
    return ending.join(lines)


@st.composite
def _footers(draw: st.DrawFn, text: str, ending: str, options: dict[str, Any]) -> str:
    lines = draw(_junk())
    kind = draw(st.sampled_from(["none", "count", "text"]))
    if kind == "count":
        options["skip_footer"] = draw(st.sampled_from([len(lines) or 1, 1, 2]))
    elif kind == "text":
        options["skip_footer"] = footer = draw(st.sampled_from(FOOTERS))
        lines = [footer + draw(st.sampled_from(_JUNK)), *lines]
    if kind == "none" or not lines:
        return text
    if text and not text.endswith(ending):
        text += ending
    return text + ending.join(lines) + draw(st.sampled_from(["", ending]))


@st.composite
def _titles(
    draw: st.DrawFn, text: str, ending: str, options: dict[str, Any], *, header: bool
) -> str:
    lines = draw(_junk())
    kinds = ["skip_lines", "skip_lines", "none"]
    kinds += ["header_line", "header_starts_with"] if header else []
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return text
    if kind == "skip_lines":
        options[kind] = draw(st.sampled_from([len(lines), len(lines), 0, 1, 2, 1000]))
    elif kind == "header_line":
        options[kind] = draw(st.sampled_from([len(lines) + 1, len(lines) + 1, 1, 2]))
    else:
        first = text.split(ending)[0]
        length = draw(st.integers(1, 20))
        options[kind] = first.split("\r")[0].split("\n")[0][:length] or "x"
    return "".join(line + ending for line in lines) + text


def _junk() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(_JUNK), max_size=3)


def _can_be_sent(writer: Writer, text: str) -> bool:
    try:
        writer.send(text)
    except UnicodeEncodeError:
        return False
    return True
