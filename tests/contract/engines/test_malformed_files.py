"""Malformed files are refused, with the place of each problem."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, GroupColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from shared.jobs.job import SONG_PLAYS, Aggregation
from shared.jobs.report import Rows, report_of
from tests.contract.engines.files import HEADER
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, leftovers
from tests.contract.engines.sources import StreamSource

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"the file is empty: expected a header line"),
        (b"Song,Date\na,b\n", r"line 1: found a header of 2 columns.*expected at least 3 columns"),
        (
            HEADER + b'"a\n",b,1\na,b,1.5\n',
            r"line 4, column 3 \('Plays'\): found '1\.5', expected an",
        ),
        (
            HEADER + b"a,b,1\na,b\n",
            r"line 3, column 3 \('Plays'\): found 2 columns: 'a,b', expected 3",
        ),
        (HEADER + b"a,b,1\na,b,1,2\n", r"line 3, column 4: found 4 columns.*expected 3 columns"),
        (
            HEADER + b'a,b,1\n"a,b,1\n',
            r"line 3, column 1 \('Song'\): found .* without a closing quote, expected",
        ),
        (HEADER + b'a,"b"c,1\n', r"line 2, column 2 \('Date'\): found 'c' after the closing quote"),
        (
            HEADER + b"a,b,1\r\na\rb,b,1\r\n",
            r"line 3, column 1 \('Song'\): found a carriage return",
        ),
        (
            HEADER + b"a,\xe9,1\n",
            r"line 2, column 2 \('Date'\): found .*xe9.*, expected text in UTF-8",
        ),
    ],
)
async def test_a_malformed_file_is_refused_with_line_and_column_and_leaves_no_files(
    engine: Engine, scratch: Path, data: bytes, message: str
) -> None:
    with pytest.raises(MalformedInput, match=f"(?s)^{message}"):
        await aggregate(engine, StreamSource(data), scratch)

    assert leftovers(scratch) == set()


@pytest.mark.parametrize(
    ("data", "place", "found", "expected"),
    [
        (
            HEADER + b'a,b,"1";\n',
            "line 2, column 3 ('Plays')",
            "';' after the closing quote of '1'",
            (
                "a comma or the end of the line (the delimiter may be a semicolon, or the line "
                "ends in one)"
            ),
        ),
        (
            HEADER + b'a,hat "warm, dry",1\n',
            "line 2, column 4",
            "4 columns: 'a,hat \"warm, dry\",1'",
            "3 columns as in the header (a quote that is not at the start of a field is text)",
        ),
        (
            HEADER + b'a,"hat ""warm""",1,2\n',
            "line 2, column 4",
            "4 columns: 'a,hat \"warm\",1,2'",
            "3 columns as in the header",
        ),
        (
            (HEADER + b"a,b,1\na,b,2").decode().encode("utf-16") + b"3",
            "line 3, column 3 ('Plays')",
            r"'2\\xff'",
            "text in UTF-16: the file ends within a character",
        ),
    ],
    ids=["delimiter-after-quote", "quote-in-text", "quote-in-quotes", "half-a-character"],
)
async def test_a_reason_says_what_the_cause_may_be(
    engine: Engine, scratch: Path, data: bytes, place: str, found: str, expected: str
) -> None:
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, StreamSource(data), scratch)
    assert str(refused.value) == f"{place}: found {found}, expected {expected}"


async def test_a_number_of_another_notation_is_refused_with_a_hint(
    engine: Engine, scratch: Path
) -> None:
    prices = Aggregation((GroupColumn("k"),), (Aggregate("sum", "n", kind="number"),))
    with pytest.raises(MalformedInput) as refused:
        await aggregate(engine, StreamSource(b"k;n\na;1\nb;1,5\n"), scratch, prices)
    assert str(refused.value) == (
        "line 3, column 2 ('n'): found '1,5', expected a number, such as 42, -0.5 or 1e3 "
        "(exponents from -400 to 400); if it is one, set input.decimal to ','"
    )


async def test_a_malformed_file_is_read_to_its_end_to_report_all_problems(
    engine: Engine, scratch: Path
) -> None:
    data = HEADER + b"a,b,1\n" * 1000 + b"a,b,x\n" * 30 + b"a,b,2\n" * 1000
    with pytest.raises(MalformedInput, match=r" \(and 29 more problems\)$") as refused:
        await aggregate(engine, StreamSource(data), scratch)

    report = report_of(refused.value)
    assert report is not None
    assert (report.rows, report.groups) == (Rows(aggregated=2000, rejected=30), 0)
    assert [(p.line, p.offset, p.column, p.name, p.found) for p in report.problems] == [
        (1002 + n, len(HEADER) + 6 * (1000 + n), 3, "Plays", "'x'") for n in range(20)
    ]
    assert (report.problem_count, report.bytes_in) == (30, len(data))
    assert leftovers(scratch) == set()


async def test_rejects_are_kept_with_the_result_and_no_other_files_are_left(
    engine: Engine, scratch: Path
) -> None:
    skipping = replace(SONG_PLAYS, input=Input(on_bad_row="skip"))
    output = await aggregate(engine, StreamSource(HEADER + b"a,b,1\na,b\n"), scratch, skipping)

    assert output.rejects is not None
    assert leftovers(scratch) == {output.path, output.rejects.path}
    assert output.rejects.path.read_bytes().splitlines()[1].startswith(b"3,22,3,")


async def test_an_aggregation_that_does_not_fit_the_file_names_the_nearest_column(
    engine: Engine, scratch: Path
) -> None:
    aggregation = Aggregation(group_by=(GroupColumn("song"),))

    with pytest.raises(MalformedInput, match=r"group_by\[0\].column is 'song'.*mean 'Song'\?"):
        await aggregate(engine, StreamSource(HEADER + b"a,b,1\n"), scratch, aggregation)

    assert leftovers(scratch) == set()
