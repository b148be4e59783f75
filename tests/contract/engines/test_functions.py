"""Functions, arithmetic and group keys: the smallest case of each, through the whole engine."""

from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from shared.aggregation.json_reader import parse_aggregation
from shared.errors import MalformedInput
from tests.contract.engines.reference import ReferenceEngine
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, leftovers, sources
from tests.contract.engines.sources import StreamSource
from tests.reference import file as reference

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine
    from shared.aggregation.spec import Aggregation

DATA = b"""g,x,y,t,d
a,1.5,2,b,2026-01-05
a,,3,b,2026-01-05T23:10
a,2.50,,a,2025-12-28 07:00:00Z
b,7,0,,
b,7.0,-4,c,2026-02-01
"""
FAILED: dict[str, Any] = {"column": "t", "op": "=", "value": "b"}


def spec(**given: Any) -> Aggregation:
    given["input"] = {"delimiter": ",", "header": True}
    return parse_aggregation(json.dumps(given), "spec")


def grouped(*aggregates: dict[str, Any]) -> Aggregation:
    named = [{"name": f"r{i}", **each} for i, each in enumerate(aggregates)]
    return spec(group_by=["g"], aggregates=named)


def of(function: str, column: Any = "x", **more: Any) -> dict[str, Any]:
    return {"function": function, "column": column, **more}


@pytest.mark.parametrize(
    ("aggregate_json", "a", "b"),
    [
        (of("variance"), "0.50", "0.0"),
        (of("variance", "y"), "0.5", "8"),
        (of("stddev"), "0.70710678", "0.0"),
        (of("stddev", "y"), "0.707107", "2.828427"),
        (of("percentile", p=0), "1.50", "7.0"),
        (of("percentile", p=100), "2.50", "7.0"),
        (of("percentile", p=12.5), "1.625", "7.0"),
        (of("percentile", "y", p=99.9), "2.999", "-0.004"),
        (of("mode", "t"), "b", "c"),
        (of("mode", type="number"), "1.50", "7.0"),
        (of("mode"), "1.5", "7"),
        (of("concat_distinct", "t"), "a; b", "c"),
        (of("concat_distinct", "x", separator="|"), "1.5|2.50", "7|7.0"),
        (of("concat_distinct", "t", separator=""), "ab", "c"),
        ({"function": "count_if", "where": FAILED}, "2", "0"),
        (of("count_if", where=FAILED), "1", "0"),
        (of("sum_if", "y", where=FAILED), "5", ""),
        (of("max", "d", type="date", where={"column": "y", "op": "<", "value": 3}), "2026-01-05",
         "2026-02-01"),
        (of("first", "t", where={"column": "t", "op": "!=", "value": "b"}), "a", "c"),
        (of("sum", {"multiply": ["x", "y"]}), "3.0", "-28.0"),
        (of("sum", {"add": ["x", "y"]}), "3.5", "10.0"),
        (of("min", {"subtract": ["y", "x"]}), "0.5", "-11.0"),
        (of("avg", {"multiply": ["x", "x"]}), "4.2500", "49.00"),
        (of("count_distinct", {"add": ["y", "y"]}, type="integer"), None, None),
        (of("mode", {"add": ["x", "x"]}), "3.00", "14.0"),
    ],
)  # fmt: skip
async def test_a_function_gives_what_is_computed_by_hand(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    aggregate_json: dict[str, Any],
    a: str | None,
    b: str | None,
) -> None:
    if a is None:
        with pytest.raises(Exception, match="send no type for count_distinct"):
            grouped(aggregate_json)
        return
    aggregation = grouped(aggregate_json)
    expected = f"g,r0\na,{a}\nb,{b}\n".encode()
    assert reference.aggregate(DATA_WITHOUT_ZONE, aggregation).result == expected
    for source in sources(DATA_WITHOUT_ZONE, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == expected


DATA_WITHOUT_ZONE = DATA.replace(b"00Z", b"00")


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ({"column": "d", "part": "year"}, [(",1"), ("2025,1"), ("2026,3")]),
        ({"column": "d", "part": "month"}, [(",1"), ("01,2"), ("02,1"), ("12,1")]),
        ({"column": "d", "part": "day"}, [(",1"), ("01,1"), ("05,2"), ("28,1")]),
        ({"column": "d", "part": "hour"}, [(",1"), ("00,2"), ("07,1"), ("23,1")]),
        ({"column": "d", "part": "weekday"}, [(",1"), ("1,2"), ("7,2")]),
        ({"column": "d", "substring": [6, 2]}, [(",1"), ("01,2"), ("02,1"), ("12,1")]),
        (
            {"column": "t", "substring": [1, 9], "case": "upper"},
            [(",1"), ("A,1"), ("B,2"), ("C,1")],
        ),
        ({"column": "t", "substring": [2, 1]}, [(",5")]),
        ({"column": "d", "match": r"-(\d+)-"}, [(",1"), ("01,2"), ("02,1"), ("12,1")]),
        ({"column": "d", "match": r"\d\d:\d\d"}, [(",3"), ("07:00,1"), ("23:10,1")]),
        ({"column": "t", "match": "[bc]", "case": "upper"}, [(",2"), ("B,2"), ("C,1")]),
    ],
)
async def test_rows_are_grouped_by_a_part_of_a_cell(
    engine: Engine, tmp_path: Path, scratch: Path, key: dict[str, Any], rows: list[str]
) -> None:
    aggregation = spec(group_by=[{**key, "name": "k"}], aggregates=[{"function": "count"}])
    expected = "\n".join(["k,count", *rows, ""]).encode()
    assert reference.aggregate(DATA, aggregation).result == expected
    for source in sources(DATA, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == expected


async def test_a_ratio_divides_output_columns(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    aggregation = spec(
        group_by=["g"],
        aggregates=[
            {"function": "ratio", "of": ["failed", "count"], "name": "share"},
            {"function": "count_if", "where": FAILED, "name": "failed"},
            {"function": "count"},
            of("sum", "y", name="y"),
            {"function": "ratio", "of": ["count", "y"]},
            {"function": "ratio", "of": ["count", "failed"]},
        ],
        having={"column": "share", "op": "<", "value": 1},
        order_by=[{"column": "share", "descending": True}],
    )
    expected = (
        b"g,share,failed,count,y,ratio(count/y),ratio(count/failed)\n"
        b"a,0.666667,2,3,5,0.6,1.5\nb,0,0,2,-4,-0.5,\n"
    )
    assert reference.aggregate(DATA, aggregation).result == expected
    for source in sources(DATA, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == expected


@WITH_REFERENCE
async def test_a_ratio_without_groups_and_rows_is_empty(engine: Engine, scratch: Path) -> None:
    aggregation = spec(
        aggregates=[
            of("sum", name="sum"),
            {"function": "count"},
            {"function": "ratio", "of": ["sum", "count"], "name": "mean"},
        ],
    )
    output = await aggregate(engine, StreamSource(b"x\n"), scratch, aggregation)
    assert output.path.read_bytes() == b"sum,count,mean\n,0,\n"


async def test_many_numbers_have_the_spread_that_the_statistics_module_finds(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    numbers = [(i * 7919) % 10_007 - 5000 for i in range(20_000)]
    await assert_spread(engine, tmp_path, scratch, numbers)


async def test_the_reference_finds_the_spread_of_the_statistics_module(
    tmp_path: Path, scratch: Path
) -> None:
    numbers = [(i * 7919) % 1_009 - 500 for i in range(2_000)]
    await assert_spread(ReferenceEngine(), tmp_path, scratch, numbers)


async def assert_spread(engine: Engine, tmp_path: Path, scratch: Path, numbers: list[int]) -> None:
    data = "x\n" + "".join(f"{number}\n" for number in numbers)
    aggregation = spec(
        aggregates=[of("variance"), of("stddev"), of("percentile", p=95), of("mode", type="number")]
    )
    quantiles = statistics.quantiles(numbers, n=20, method="inclusive")
    for source in sources(data.encode(), tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        *_, row, _ = output.path.read_text().split("\n")
        variance, stddev, percentile, mode = map(float, row.split(","))
        assert math.isclose(variance, statistics.variance(numbers), rel_tol=1e-9)
        assert math.isclose(stddev, statistics.stdev(numbers), rel_tol=1e-9)
        assert math.isclose(percentile, quantiles[-1])
        assert mode == min(statistics.multimode(numbers))


@pytest.mark.parametrize(
    ("aggregate_json", "message"),
    [
        (of("sum", {"multiply": ["x", "t"]}), r"line 2, column 4 \('t'\): found 'b', expected a"),
        (of("sum", {"multiply": ["t", "x"]}), r"line 2, column 4 \('t'\): found 'b', expected a"),
        (of("sum", {"add": ["x", "y"]}, empty="fail"), r"line 3, column 2 \('x'\): found ''"),
        (of("count", where={"column": "t", "op": ">", "value": 1}),
         r"line 2, column 4 \('t'\): found 'b', expected a number.* for the comparison in where"),
        (of("stddev", "t"), r"line 2, column 4 \('t'\): found 'b'"),
    ],
)  # fmt: skip
async def test_a_bad_cell_is_reported_with_its_column(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    aggregate_json: dict[str, Any],
    message: str,
) -> None:
    aggregation = grouped({**aggregate_json})
    for source in sources(DATA, tmp_path):
        with pytest.raises(MalformedInput, match=message) as refused:
            await aggregate(engine, source, scratch, aggregation)
        assert str(refused.value) == reference.aggregate(DATA, aggregation).reason
    assert leftovers(scratch) == set()


@pytest.mark.parametrize("function", ["variance", "stddev"])
async def test_a_number_that_is_too_long_to_be_multiplied_is_bad(
    engine: Engine, tmp_path: Path, scratch: Path, function: str
) -> None:
    data = b"g,x\na,%s\na,%s\nb,0.%s1\n" % (b"9" * 1000, b"9" * 1001, b"0" * 1000)
    aggregation = grouped(of(function), of("sum"))
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput, match="a number of up to 1000 digits and") as refused:
            await aggregate(engine, source, scratch, aggregation)
        assert str(refused.value).startswith("line 3, column 2 ('x')")
        assert str(refused.value) == reference.aggregate(data, aggregation).reason


async def test_texts_that_are_too_long_together_fail_the_job(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    aggregation = grouped(of("concat_distinct", "t", separator=","))
    most = [f"{i:07}" for i in range(8192)]
    data = "g,t\n" + "".join(f"a,{text}\nb,{text}\n" for text in most)
    expected = f'g,r0\na,"{",".join(most)}"\nb,"{",".join(most)}"\n'.encode()
    for source in sources(data.encode(), tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == expected
        output.path.unlink()
    longer = (data + "a,12\n").encode()
    for source in sources(longer, tmp_path):
        with pytest.raises(MalformedInput, match="more than 65536 bytes") as refused:
            await aggregate(engine, source, scratch, aggregation)
        assert str(refused.value) == reference.aggregate(longer, aggregation).reason
    assert leftovers(scratch) == set()
