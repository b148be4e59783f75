"""Which lines of a file are its table: what the options of `input` pass over, fill and cut."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, leftovers, sources

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE

BY_NAME = Aggregation((GroupColumn("k"),), (Aggregate("sum", "n", "n", "number"),))
BY_POSITION = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 2, "n", "number"),))
TABLE = b"k;n\na;1\nb;2\na;3\n"
TOTALS = b"k,n\na,4\nb,2\n"

PASSED_OVER = [
    # Lines above the table.
    (b"Sales 2020\n\n" + TABLE, Input(skip_lines=2), 2),
    (b"Sales 2020\n\n" + TABLE, Input(header_line=3), 2),
    (b"Sales; 2020\n\n" + TABLE, Input(header_starts_with="k;"), 2),
    (b'"never closed\n' + TABLE, Input(skip_lines=1), 1),
    (b'"never closed\n\n' + TABLE, Input(skip_lines=1), 2),
    (b"\xef\xbb\xbftitle\n" + TABLE, Input(header_line=2), 1),
    (b"\xef\xbb\xbf" + TABLE, Input(header_starts_with="k"), 0),
    (b"sep=;\n" + TABLE, Input(header_line=2), 1),
    (b"sep=;\nk\n" + TABLE, Input(skip_lines=2), 2),
    (b"k\nx\nk;n\nb;2\na;4\n", Input(skip_lines=1, header_starts_with="k"), 2),
    # Comments.
    (b"# a\n#;\n" + TABLE + b"#\n# end", Input(comment="#"), 4),
    (b"k;n\na;1\n// it's;\"odd\nb;2\n\na;3\n", Input(comment="//"), 2),
    (b"#k;n\n" + TABLE, Input(comment="#", header_line=2), 1),
    # Footers.
    (TABLE + b"Total;6\n", Input(skip_footer=1), 1),
    (TABLE + b"\nTotal;6", Input(skip_footer=2), 2),
    (TABLE + b"Total;6\n\"\n\nby me", Input(skip_footer="Total"), 4),
    (TABLE + b"Total;6\n", Input(skip_footer="Total"), 1),
    (TABLE + b"# notes\nk;x;y\n", Input(skip_footer="# notes", comment="#"), 2),
    # All of it.
    (b"a title\n\n" + TABLE.replace(b"b", b"# odd\nb") + b"Sum;6\nby me\n",
     Input(header_line=3, comment="#", skip_footer=2), 5),
]  # fmt: skip


@pytest.mark.parametrize(("data", "declared", "lines"), PASSED_OVER)
@pytest.mark.parametrize("written", ["lf", "crlf", "cr", "utf-16"])
async def test_lines_beside_the_table_are_passed_over_and_counted(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    data: bytes,
    declared: Input,
    lines: int,
    written: str,
) -> None:
    data = data.replace(b"\n", {"crlf": b"\r\n", "cr": b"\r"}.get(written, b"\n"))
    if written == "utf-16":
        data = data.removeprefix(b"\xef\xbb\xbf").decode().encode("utf-16")
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, replace(BY_NAME, input=declared))
        assert output.path.read_bytes() == TOTALS
        assert output.report.lines_passed_over == lines


async def test_a_comment_or_footer_in_quoted_text_is_text(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b'k;n\n"a\n# b\nTotal";1\n# b\nTotal\n'
    declared = Input(comment="#", skip_footer="Total")
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, replace(BY_NAME, input=declared))
        assert output.path.read_bytes() == b'k,n\n"a\n# b\nTotal",1\n'
        assert output.report.lines_passed_over == 2


async def test_a_header_that_is_given_may_look_like_a_comment(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    named = Aggregation((GroupColumn("#k"),), (Aggregate("sum", "n", "n", "number"),))
    for where in (Input(header_line=2), Input(header_starts_with="#k")):
        declared = replace(where, comment="#")
        for source in sources(b"# title\n#k;n\na;1\n#b;2\n", tmp_path):
            output = await aggregate(engine, source, scratch, replace(named, input=declared))
            assert output.path.read_bytes() == b"#k,n\na,1\n"
            assert output.report.lines_passed_over == 2


async def test_problems_have_the_lines_and_offsets_of_the_file(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b"title\n\nk;n\n# x\na;1\nb;many\nTotal\n"
    declared = Input(header_line=3, comment="#", skip_footer=1, on_bad_row="skip")
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, replace(BY_NAME, input=declared))
        assert output.rejects is not None
        [_, line] = output.rejects.path.read_text().splitlines()
        assert line.startswith(f"6,{data.index(b'b;many')},2,")


@pytest.mark.parametrize(
    ("data", "declared", "message"),
    [
        (TABLE, Input(header_starts_with="K"), "no line begins with 'K'"),
        (b"title\n\n" + TABLE, Input(header_line=2),
         "line 2 is empty, and the first record below it is on line 3"),
        (TABLE, Input(skip_lines=9), "the file is empty"),
        (TABLE, Input(skip_footer=9), "the file is empty"),
        (b"title\n" + TABLE, Input(header_line=1, delimiter=";"), "no column has this name"),
    ],
)  # fmt: skip
async def test_options_that_leave_no_table_are_refused(
    engine: Engine, tmp_path: Path, scratch: Path, data: bytes, declared: Input, message: str
) -> None:
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput, match=message):
            await aggregate(engine, source, scratch, replace(BY_NAME, input=declared))
    assert leftovers(scratch) == set()


RAGGED = b"k;n;m\na;1;x\nb;2\nb;3;x;y\na\n"
"""The last record, if it is read, is like a note below the table."""


@pytest.mark.parametrize(
    ("on_ragged", "rows", "padded", "truncated", "rejected"),
    [
        ("fail", b"a,1\n", 0, 0, 3),
        ("pad", b"a,1\nb,2\n", 2, 0, 1),
        ("truncate", b"a,1\nb,3\n", 0, 1, 2),
        ("pad_or_truncate", b"a,1\nb,5\n", 2, 1, 0),
    ],
)
async def test_records_of_another_width_are_filled_or_cut_and_counted(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    on_ragged: str,
    rows: bytes,
    padded: int,
    truncated: int,
    rejected: int,
) -> None:
    declared = Input(delimiter=";", on_ragged=on_ragged, on_bad_row="skip")  # type: ignore[arg-type]
    for source in sources(RAGGED, tmp_path):
        output = await aggregate(engine, source, scratch, replace(BY_NAME, input=declared))
        report = output.report
        assert output.path.read_bytes() == b"k,n\n" + rows
        assert (report.rows_padded, report.rows_truncated) == (padded, truncated)
        assert [(warning.kind, warning.count) for warning in report.warnings] == [
            (kind, count)
            for kind, count in (
                ("note_row", 1 if padded else 0),
                ("padded_records", padded),
                ("truncated_records", truncated),
            )
            if count
        ]
        assert report.rows.rejected == rejected


async def test_a_cell_that_was_filled_is_empty_where_that_is_an_error(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    strict = Aggregation(
        (GroupColumn("k"),),
        (Aggregate("sum", "n", "n", "number", strict=True),),
        input=Input(delimiter=";", on_ragged="pad"),
    )
    for source in sources(b"k;n\na\n", tmp_path):
        with pytest.raises(MalformedInput, match=r"line 2, column 2 \('n'\): found ''"):
            await aggregate(engine, source, scratch, strict)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("aggregation", [BY_NAME, BY_POSITION])
async def test_a_delimiter_that_only_the_header_lacks_is_dropped(
    engine: Engine, tmp_path: Path, scratch: Path, aggregation: Aggregation, end: bytes
) -> None:
    data = b'k;n\na;1;\nb;2;\n"a";3;""\n'.replace(b"\n", end)
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == TOTALS
        assert output.report.dialect is not None
        assert output.report.dialect.trailing_delimiters
        assert [warning.kind for warning in output.report.warnings] == ["trailing_delimiters"]


async def test_text_after_such_a_delimiter_or_none_makes_the_record_bad(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    long = b"a" * 500
    data = b"k;n\n" + b"%s;1;\n" % long * 3_000 + b"b;2;x\nb;3\na;1;;\n"
    skipping = replace(BY_NAME, input=Input(on_bad_row="skip"))
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, skipping)
        assert output.path.read_bytes() == b"k,n\n%s,3000\n" % long
        assert [
            (problem.line, problem.column, problem.found, problem.expected)
            for problem in output.report.problems
        ] == [
            (3002, 3, "'x'", "nothing after the last delimiter, as the header has 2 columns"),
            (3003, 3, "2 columns: 'b;3'",
             "2 columns as in the header, and a delimiter after the last"),
            (3004, 4, "4 columns: 'a;1;;'",
             "2 columns as in the header, and a delimiter after the last"),
        ]  # fmt: skip
