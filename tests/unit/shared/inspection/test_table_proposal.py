"""What an inspection proposes to declare about the lines of a file, and when nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.inspection.inspect import inspect
from shared.inspection.inspection_view import inspection_view

TABLE = b"k;n;m\na;1;x\nb;2;y\nc;3;z\nd;4;x\n"
SUM = Aggregation((GroupColumn("k"),), (Aggregate("sum", "n", "n", "number"),))


def proposed(data: bytes, aggregation: Aggregation | None = None, *, whole: bool = True) -> Any:
    return dict(inspect(data, whole=whole, aggregation=aggregation).lines.options)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (b"Sales 2020\n\n" + TABLE, {"skip_lines": 2}),
        (b"Sales 2020;;\n" + TABLE, {"skip_lines": 1}),
        (b"Sales report;;\n;;\nk;r;n\na;x;1\nb;y;2\n", {"skip_lines": 2}),
        (b"Sales, 2020\nof all: a, b\n" + TABLE, {"skip_lines": 2}),
        (b"# made by x\n# on Monday\n" + TABLE, {"comment": "#"}),
        (TABLE.replace(b"b;", b"# odd\nb;"), {"comment": "#"}),
        (b"title\n" + TABLE.replace(b"b;", b"# odd\nb;"), {"comment": "#", "skip_lines": 1}),
        (TABLE + b"\nSource: x, y\nall rights reserved\n", {"skip_footer": 2}),
        (TABLE + b"Source: x\n", {"skip_footer": 1}),
        (b"t\n" + TABLE + b"\nSource: x", {"skip_lines": 1, "skip_footer": 1}),
        (b"t;v\ns;[m/s]\n1;2\n2;3\n3;4\n4;5\n", {"comment": "s;[m/s]"}),
        (b"\xef\xbb\xbfSales 2020\r\n\r\n" + TABLE.replace(b"\n", b"\r\n"), {"skip_lines": 2}),
    ],
)
def test_lines_beside_the_table_are_proposed_to_be_passed_over(
    data: bytes, options: dict[str, Any]
) -> None:
    assert proposed(data) == options


@pytest.mark.parametrize(
    "data",
    [
        TABLE,
        b"",
        b"a\nb\nc\n",
        b"#k;n\na;1\nb;2\n",
        b"k;n\n#1;1\n#2;2\nb;3\n",
        TABLE + b"e",  # perhaps the last record of a file that was cut
        b"k;n\nx;n/a\ny;1\nz;2\nw;3\n",
        b"k;n;m\na;;\nb;1;2\nc;3;4\n",
        b"k\na\n\nb\n",
        b"2020-01-01,,\n2020-01-02,5,6\n2020-01-03,7,8\n",
    ],
)
def test_nothing_is_proposed_for_a_file_that_is_a_table(data: bytes) -> None:
    assert proposed(data) == {}


def test_notes_below_the_sample_are_not_seen() -> None:
    assert proposed(TABLE + b"Source: x\n", whole=False) == {}


def test_what_is_declared_is_not_proposed() -> None:
    declared = replace(SUM, input=Input(skip_lines=1))
    assert proposed(b"Sales 2020\n\n" + TABLE, declared) == {}


def test_the_names_of_a_spec_show_the_header() -> None:
    assert proposed(b"Sales;of;2020\n" + TABLE, SUM) == {"header_line": 2}


def test_records_without_a_header_are_proposed_by_their_number_of_lines() -> None:
    declared = Aggregation((GroupColumn(1),), input=Input(header=False))
    assert proposed(b"title\n" + TABLE, declared) == {"skip_lines": 1}


def test_the_view_shows_the_proposal_and_why() -> None:
    view = inspection_view(inspect(b"Sales 2020\n" + TABLE, whole=True, aggregation=None))
    assert view.proposal == {"input": {"skip_lines": 1}}
    assert view.proposal_reasons == ["line 2 begins the table, below 'Sales 2020'"]


def test_what_is_below_a_title_must_still_prove_to_be_a_header() -> None:
    """If it were declared as one, a record would be lost."""
    by_position = Aggregation(aggregates=(Aggregate("sum", 2, "n", "number"),))
    data = b"Report\n" + b"".join(b"2020-01-0%d,%d\n" % (day, day) for day in range(1, 8))
    found = inspect(data, whole=True, aggregation=by_position)
    assert found.lines.options == {"skip_lines": 1}
    declared = replace(by_position, input=Input(skip_lines=1))
    assert inspect(data, whole=True, aggregation=declared).dialect.header is False
