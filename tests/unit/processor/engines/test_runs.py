from __future__ import annotations

import heapq
import resource
import tracemalloc
from contextlib import contextmanager
from decimal import Decimal, localcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processor.engines import runs
from processor.engines.runs import SortedRuns
from processor.engines.values import Values
from shared.aggregation.cells import EXACT
from shared.aggregation.json_reader import read_aggregation
from tests.oracle import expected_result
from tests.unit.processor.engines.plans import run_exact

if TYPE_CHECKING:
    from collections.abc import Iterator


def merge(runs: list[Iterator[int]]) -> Iterator[int]:
    return iter(heapq.merge(*runs))


@pytest.mark.parametrize("most", [2, 3, 5])
def test_any_number_of_runs_is_merged_and_each_item_is_written_once_per_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(runs, "MAX_RUNS", most)
    for count in (0, 1, 2, 3, 7, 26, 130, 500):
        written: list[int] = []

        def size_of(item: int, written: list[int] = written) -> int:
            written.append(item)
            return 1

        sorted_runs = SortedRuns[int](tmp_path, f"run-{count}", merge, size_of)
        for number in range(count):
            sorted_runs.spill([number * 7919 % 503])

        merged = list(sorted_runs.merged_with(iter([9, 99])))

        assert merged == sorted([*(number * 7919 % 503 for number in range(count)), 9, 99])
        levels = next(level for level in range(20) if most**level > count)
        assert len(written) <= count * (levels + 1)


@contextmanager
def so_many_more_files(count: int) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + count, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("keeping", [3, 30, 120])
def test_aggregates_that_keep_all_values_share_the_open_files(keeping: int) -> None:
    functions = ["median", "count_distinct"] * keeping
    aggregation = read_aggregation(
        {
            "group_by": ["k"],
            "aggregates": [
                {"function": function, "column": "n", "name": f"a{i}"}
                for i, function in enumerate(functions[:keeping])
            ],
            "order_by": [{"column": "k", "descending": True}],
        },
        "spec",
    )
    data = b"k,n\n" + b"".join(b"%d,%d\n" % (n % 5, n * 7919 % 101) for n in range(63))

    with so_many_more_files(runs.ALL_RUNS + 40):
        outcome = run_exact(data, aggregation, memory=0)

    assert outcome == expected_result(aggregation, data)


def test_runs_that_are_read_at_the_same_time_share_the_memory(tmp_path: Path) -> None:
    concurrent = 31
    several = [
        SortedRuns[bytes](
            tmp_path, f"run-{i}", lambda runs: heapq.merge(*runs), len, concurrent=concurrent
        )
        for i in range(concurrent + 1)
    ]
    for each in several:
        for _ in range(8):
            each.spill([b"%03000d" % number for number in range(100)])

    tracemalloc.start()
    try:
        merged = [each.merged_with(iter([])) for each in several]
        lengths = [len(next(each)) for each in merged]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert lengths == [3000] * (concurrent + 1)
    assert peak < 2 * runs.ALL_BATCHES


@pytest.mark.parametrize("distinct", [False, True])
def test_numbers_of_many_digits_are_spilled_when_they_fill_the_memory(
    tmp_path: Path, distinct: bool
) -> None:
    with localcontext(EXACT):
        numbers = [Decimal(10) ** 50_000 + n for n in range(100)]
    values = Values(tmp_path, "values", 1 << 20, distinct=distinct)
    for number in reversed(numbers):
        values.add(b"k", number)

    # Each number takes more than 20 KB.
    assert len(list(tmp_path.iterdir())) in (1, 2)
    assert list(values.by_key().of(b"k")) == numbers
