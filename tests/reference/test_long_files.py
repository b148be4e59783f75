"""Files of many blocks, with few irregularities, have the outcome of the reference."""

from __future__ import annotations

import random
from itertools import product

import pytest

from processor.engines.messages import Knobs
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Condition, GroupColumn
from shared.csv.dialect import Input
from shared.jobs.job import Aggregation
from tests.aggregations import Case
from tests.reference.file import aggregate
from tests.reference.test_kernel import comparable, kernel

WIDTH = 20
DIRT = (
    b"\n",
    b"too,few\n",
    b"," * WIDTH + b"\n",
    b'"x"y' + b"," * (WIDTH - 1) + b"\n",
    b"\xff" + b"," * (WIDTH - 1) + b"\n",
    b'"never closed\n',
    b"a\rb" + b"," * (WIDTH - 1) + b"\n",
)
"""Lines that are not read as other records."""


def record(rng: random.Random, end: bytes) -> bytes:
    """Return a record with quoted texts, a date, and numbers among other fields."""
    title = rng.choice(('"a, ""b""\nc"', '"""d"""', "e", '"Ä, f"', '"' + 70 * 'g""' + '"', ""))
    date = f"2024-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}" + rng.choice(("", "T10:00"))
    number = rng.choice((f"{rng.randint(-999, 999)}", f"{rng.random():.2f}", "1e2", ""))
    fields = [f"{column}" for column in range(WIDTH)]
    fields[3], fields[4], fields[WIDTH - 1] = title, date, number
    return ",".join(fields).encode() + end


def file(seed: int, dirt: int) -> bytes:
    """Return a file of which one line in `dirt` is dirty."""
    rng = random.Random(seed)
    end = rng.choice((b"\n", b"\r\n"))
    header = ",".join(f"c{column}" for column in range(WIDTH)).encode() + end
    lines = [
        rng.choice(DIRT) if rng.randrange(dirt) == 0 else record(rng, end) for _ in range(2000)
    ]
    return header + b"".join(lines)


SPECS = (
    Aggregation(
        group_by=(GroupColumn("c3"), GroupColumn("c4", truncate="month")),
        aggregates=(Aggregate("sum", "c19", kind="number"), Aggregate("avg", "c19", kind="number")),
    ),
    Aggregation(
        group_by=(GroupColumn("c3", case="upper", trim=True),),
        aggregates=(Aggregate("count"), Aggregate("last", "c19", kind="text")),
        where=Condition("c4", "in", tuple(f"2024-01-{day:02}" for day in range(1, 29))),
    ),
    Aggregation(aggregates=(Aggregate("count"),)),
)


@pytest.mark.parametrize(
    ("spec", "dirt", "seed"),
    [(*chosen, seed) for seed, chosen in enumerate(product(range(len(SPECS)), (10, 500)))],
)
def test_a_long_file_has_the_outcome_of_the_reference(spec: int, dirt: int, seed: int) -> None:
    declared = Input(
        delimiter=",", quote='"', escape="", header=True, encoding="utf-8", on_bad_row="skip"
    )
    chosen = SPECS[spec]
    case = Case(
        Aggregation(
            group_by=chosen.group_by,
            aggregates=chosen.aggregates,
            where=chosen.where,
            input=declared,
        ),
        file(seed, dirt),
    )
    expected = comparable(aggregate(case.data, case.aggregation))

    for number, block in enumerate((1000, 5000, 1 << 16, 1 << 20)):
        knobs = Knobs(block=block, vectors=(seed + number) % 2 == 0)
        engine = NativeEngine(EngineLimits(threads=2), knobs)
        assert comparable(kernel(engine, case, stream=False)) == expected
