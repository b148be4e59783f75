"""What is guessed about a file is certain, or the file is refused: engine and reference agree."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import UNDECLARED, Input
from shared.errors import MalformedInput
from tests.contract.engines.runs import aggregate, leftovers, sources
from tests.reference.file import aggregate as reference

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

BY_POSITION = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 2, "n", "number"),))
ROWS = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "n"),))
BY_SECOND = Aggregation((GroupColumn(2, "k"),), (Aggregate("sum", 1, "n", "number"),))
COMMA = Input(decimal=",")


def named(key: str, number: str) -> Aggregation:
    return Aggregation((GroupColumn(key, "k"),), (Aggregate("sum", number, "n", "number"),))


@pytest.mark.parametrize(
    ("data", "aggregation", "declared", "rows"),
    [
        (b"Name, Vorname;Alter\nMeier, Anna;30\nMeier, Bert;12\n", BY_POSITION, UNDECLARED,
         b'"Meier, Anna",30\n"Meier, Bert",12\n'),
        (b"Menge;Preis, netto\n3;1,50\n3;2,75\n", BY_POSITION, COMMA, b"3,4.25\n"),
        (b"Menge;Preis, netto\n3;1,50\n3;2,75\n", named("Menge", "Preis, netto"), COMMA,
         b"3,4.25\n"),
        (b"Preis, netto;Menge\n1,50;3\n2,75;3\n", BY_SECOND, COMMA, b"3,4.25\n"),
        (b"Size,500,250\na,3,1\nb,5,2\n", BY_POSITION, Input(header=True), b"a,3\nb,5\n"),
        (b"Size,500,250\na,3,1\nb,5,2\n", named("Size", "500"), UNDECLARED, b"a,3\nb,5\n"),
        (b"Sales 2020\ra\rx\ry\rx\r", replace(ROWS, group_by=(GroupColumn("a", "k"),)),
         Input(header_line=2), b"x,2\ny,1\n"),
        (b"City, State\tPop\nAustin, TX\t5\nDallas, TX\t6\nAustin, TX\t7\n", BY_POSITION,
         UNDECLARED, b'"Austin, TX",12\n"Dallas, TX",6\n'),
        (b"a;b,c\n1;2,3\n4;5,6\n", named("b,c", "a"), UNDECLARED, b'"2,3",1\n"5,6",4\n'),
        (b"a;b,c\n1;2,3\n4;5,6\n", named("a;b", "c"), UNDECLARED, b"1;2,3\n4;5,6\n"),
        (b"a;b\nx;1;\ny;2;\n", BY_POSITION, UNDECLARED, b"x,1\ny,2\n"),
        (b"a\rx\ry\rx\r", replace(ROWS, group_by=(GroupColumn("a", "k"),)), UNDECLARED,
         b"x,2\ny,1\n"),
        (b"note\nHello, you\nFoo, bar\n", replace(ROWS, group_by=(GroupColumn("note", "k"),)),
         UNDECLARED, b'"Foo, bar",1\n"Hello, you",1\n'),
        (b"note\nHello, you\nFoo, bar\n", ROWS, Input(delimiter="|"),
         b'"Foo, bar",1\n"Hello, you",1\n'),
    ],
)  # fmt: skip
async def test_a_file_that_is_clear_is_read(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    data: bytes,
    aggregation: Aggregation,
    declared: Input,
    rows: bytes,
) -> None:
    asked = replace(aggregation, input=declared)
    assert reference(data, asked).result == b"k,n\n" + rows
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, asked)
        assert output.path.read_bytes() == b"k,n\n" + rows


@pytest.mark.parametrize(
    ("data", "declared", "message"),
    [
        (b"a;b,c\n1;2,3\n4;5,6\n", UNDECLARED, "the delimiter may be a comma or a semicolon"),
        (b"a,b\n1,2\n", COMMA, r"the delimiter may be a comma, though input\.decimal is ','"),
        (b"Sales 2020\na;b\nx;1\ny;2\n", UNDECLARED, "no delimiter fits all lines: line 1 is"),
        (b"note\nHello, you\nFoo, bar\n", UNDECLARED, "no delimiter fits all lines: line 1 is"),
        (b"Size,500,250\na,3,1\nb,5,2\n", UNDECLARED, "line 1 looks like a record"),
        (b"2019,500\na,3\nb,5\n2019,500\n", UNDECLARED, "line 1 looks like a record"),
        (b"name,4,4\na,3,1\nb,5,2\n", UNDECLARED, "line 1 looks like a record"),
    ],
)
@pytest.mark.parametrize("aggregation", [BY_POSITION, ROWS])
async def test_a_file_that_may_be_read_in_two_ways_is_refused(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    aggregation: Aggregation,
    data: bytes,
    declared: Input,
    message: str,
) -> None:
    asked = replace(aggregation, input=declared)
    in_reference = reference(data, asked)
    assert in_reference.result == b""
    assert re.match(message, in_reference.reason)
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput) as refused:
            await aggregate(engine, source, scratch, asked)
        assert str(refused.value) == in_reference.reason
    assert leftovers(scratch) == set()


async def test_numbers_above_numbers_are_names_if_that_is_declared(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b"Size,500,250\na,3,1\nb,5,2\n"
    total = Aggregation(aggregates=(Aggregate("sum", 2, "n", "number"),))
    for declared, result in ((True, b"n\n8\n"), (False, b"n\n508\n")):
        asked = replace(total, input=Input(header=declared))
        assert reference(data, asked).result == result
        for source in sources(data, tmp_path):
            output = await aggregate(engine, source, scratch, asked)
            assert output.path.read_bytes() == result
    in_reference = reference(data, total)
    assert in_reference.result == b""
    with pytest.raises(MalformedInput, match="line 1 looks like a record") as refused:
        await aggregate(engine, sources(data, tmp_path)[0], scratch, total)
    assert str(refused.value) == in_reference.reason


async def test_a_title_above_lines_that_end_in_cr_is_not_taken_for_the_column_below_it(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    by_name = replace(ROWS, group_by=(GroupColumn("a", "k"),))
    data = b"Sales 2020\ra\rx\ry\rx\r"
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput, match="the columns are 'Sales 2020'") as refused:
            await aggregate(engine, source, scratch, by_name)
        assert str(refused.value) == reference(data, by_name).reason
