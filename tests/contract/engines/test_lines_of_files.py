"""All lines of a file are those of its header, of its records, or passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aggregation.spec import Aggregate, Aggregation
from shared.csv.dialect import Input
from tests.contract.engines.runs import KERNEL_AND_REFERENCE, aggregate, sources

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

RECORDS = ["a;1", "b;2", '"x\n# y\n\nz";3', ';"4\n"', ";", '"#";5', "bad", "a;many", 'a;"1"x']
"""Records of one and of several lines. Each of the last three breaks a rule and has one line."""
BESIDE = ["", "# note", "#;", '# "']
"""Lines that are no records, with the comment `#`."""
ABOVE = ["Sales 2020", "", '"never closed', "a;b"]
BELOW = ["Total;6", "", '"', "by me"]


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Input, list[str], str]:
    """Draw a file, what is declared, the texts of its records, and that of its header."""
    header = draw(st.sampled_from(["k;n", '"k";n', '"k\nl";n']))
    # A file whose records are all bad is refused.
    records = ["a;1", *draw(st.lists(st.sampled_from(RECORDS), max_size=12))]
    lines = [header]
    for record in records:
        lines += [*draw(st.lists(st.sampled_from(BESIDE), max_size=2)), record]
    lines += draw(st.lists(st.sampled_from(BESIDE), max_size=2))
    above = draw(st.lists(st.sampled_from(ABOVE), max_size=3))
    below = draw(st.lists(st.sampled_from(BELOW), max_size=3))
    # The last line is not empty, as the end of the file is no line.
    whole = "\n".join([*above, *lines, *below])
    text = whole.rstrip("\n")
    footer = max(0, len(below) - (len(whole) - len(text)))
    end = draw(st.sampled_from(["", "\n"]))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    declared = Input(
        delimiter=";",
        quote='"',
        escape="",
        line_end="lf",
        header=True,
        skip_lines=len(above),
        comment="#",
        skip_footer=footer,
        on_bad_row="skip",
    )
    return (text + end).replace("\n", ending).encode(), declared, records, header


def lines_of(text: str) -> int:
    return text.count("\n") + 1


@KERNEL_AND_REFERENCE
@given(case=files())
@settings(max_examples=25)
async def test_the_lines_of_the_header_of_the_records_and_those_passed_over_are_all_lines(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    case: tuple[bytes, Input, list[str], str],
) -> None:
    data, declared, records, header = case
    asked = Aggregation((), (Aggregate("sum", 2, "n", "number"),), input=declared)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    several = [lines_of(record) for record in records if lines_of(record) > 1]
    for source in sources(data, tmp_path):
        report = (await aggregate(engine, source, scratch, asked)).report
        assert report.rows.total == len(records)
        assert report.lines_passed_over is not None
        in_records = len(records) - len(several) + sum(several)
        assert lines_of(header) + in_records + report.lines_passed_over == lines
        assert report.rows_of_several_lines == len(several)
