"""A spec that reads cells as what they are not does not fit, though its columns are there."""

from __future__ import annotations

from typing import Any

import pytest

from shared.aggregation.json_reader import read_aggregation
from shared.inspection.inspect import inspect

DATA = b"path,plays,day,size,note,mixed\n/a,1,2020-01-01,1.5,,1\n/b,2,2020-01-02,2,,x\n"

FIRST = "aggregates[0].column"


def misfit(spec: dict[str, Any], data: bytes = DATA) -> tuple[str | None, str | None]:
    found = inspect(data, whole=True, aggregation=read_aggregation(spec, "spec")).fits
    assert found is not None
    return found.error, found.field


def aggregate(function: str, column: Any, **more: Any) -> dict[str, Any]:
    return {"aggregates": [{"function": function, "column": column, **more}]}


@pytest.mark.parametrize(
    ("spec", "said", "field"),
    [
        (aggregate("sum", "path"), "sum reads numbers, and column 1 ('path')", FIRST),
        (aggregate("avg", "day"), "such as '2020-01-01'", FIRST),
        (aggregate("sum", "size", type="integer"), "sum reads integers", FIRST),
        (aggregate("sum", "mixed"), "such as 'x'", FIRST),
        (aggregate("max", "path", type="date"), "max reads dates", FIRST),
        (aggregate("sum", {"multiply": ["plays", "path"]}), "sum reads numbers", FIRST),
        ({"group_by": ["day", {"column": "path", "truncate": "month"}]}, "month reads dates",
         "group_by[1].column"),
    ],
)  # fmt: skip
def test_a_column_whose_cells_fail_the_job_does_not_fit(
    spec: dict[str, Any], said: str, field: str
) -> None:
    error, path = misfit(spec)
    assert error is not None
    assert said in error
    assert path == field


@pytest.mark.parametrize(
    "spec",
    [
        aggregate("sum", "plays"),
        aggregate("sum", "size"),
        aggregate("sum", "note"),  # all cells are empty
        aggregate("count_distinct", "path"),
        aggregate("max", "day", type="date"),
        {"group_by": [{"column": "day", "truncate": "month"}]},
        # What follows may leave the bad cells out.
        aggregate("sum", "mixed") | {"where": {"column": "mixed", "op": "!=", "value": "x"}},
        aggregate("sum", "mixed", where={"column": "mixed", "op": "!=", "value": "x"}),
        aggregate("sum", "mixed") | {"input": {"on_bad_row": "skip"}},
        aggregate("sum", "mixed") | {"input": {"null": ["x"]}},
    ],
)
def test_what_may_succeed_fits(spec: dict[str, Any]) -> None:
    assert misfit(spec) == (None, None)


def test_the_default_fits_song_plays_and_not_text() -> None:
    plays = b"Song,Date,Number of Plays\na,2020-01-01,%b\n"
    default: dict[str, Any] = {
        "group_by": [1, 2], "aggregates": [{"function": "sum", "column": 3, "type": "integer"}]
    }  # fmt: skip
    assert misfit(default, plays % b"5") == (None, None)
    assert "such as 'five'" in str(misfit(default, plays % b"five")[0])
