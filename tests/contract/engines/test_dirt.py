"""The contract of `processor.engines.port.Engine` for dirty files, also run on the reference."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Input
from shared.errors import MalformedInput
from tests.aggregations import Case, dirty_cases
from tests.contract.engines.runs import (
    KERNEL_AND_REFERENCE,
    WITH_REFERENCE,
    aggregate,
    assert_is,
    leftovers,
    sources,
)
from tests.contract.engines.sources import StreamSource
from tests.dirt import dirty_written_cases
from tests.malformations import FILES, KINDS, SUMS, Kind
from tests.malformed_cells import BAD_NUMBERS, DECLARED, GOOD_NUMBERS, file_of
from tests.oracle import expected_of_dirty
from tests.oracle_values import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine, Output


@WITH_REFERENCE
@given(case=dirty_cases())
@settings(max_examples=6)
async def test_skipped_rows_are_kept_as_rejects_and_every_row_is_counted(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    await assert_bad_rows_are_kept(engine, tmp_path, scratch, case)


@WITH_REFERENCE
@given(case=dirty_written_cases())
@settings(max_examples=4)
async def test_rejects_of_a_file_in_any_dialect_are_kept_unchanged(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    await assert_bad_rows_are_kept(engine, tmp_path, scratch, case)


async def assert_bad_rows_are_kept(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    try:
        expected = expected_of_dirty(case.aggregation, case.data)
    except Malformed:
        for source in sources(case.data, tmp_path):
            with pytest.raises(MalformedInput, match="rejected: line "):
                await aggregate(engine, source, scratch, case.aggregation)
        return
    for source in sources(case.data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, case.aggregation), expected)


def rejected(output: Output) -> list[bytes]:
    """Return the rejected records."""
    rejects = output.rejects.path.read_bytes() if output.rejects else b""
    text = io.StringIO(rejects.decode(errors="surrogateescape"), newline="")
    return [line["record"].encode(errors="surrogateescape") for line in csv.DictReader(text)]


@pytest.mark.parametrize(
    ("name", "make_engine"),
    [
        (name, engine)
        for name in KINDS | FILES
        for engine in ("kernel", "reference")
        # Another process makes CSV of workbooks.
        if engine == "kernel" or "a workbook (.xlsx) that" not in name
    ],
    indirect=["make_engine"],
)
async def test_each_malformation_has_its_documented_outcome(
    engine: Engine, scratch: Path, name: str
) -> None:
    # As in the processor: small files, with nothing declared but that bad rows are skipped.
    skipping = replace(SUMS, input=Input(on_bad_row="skip"))
    for kind in map(Kind.detected, (KINDS | FILES)[name]):
        source = StreamSource(kind.data)
        if kind.refused:
            with pytest.raises(MalformedInput, match=re.escape(kind.refused)):
                await aggregate(engine, source, scratch, skipping)
            assert leftovers(scratch) == set()
            continue

        output = await aggregate(engine, source, scratch, skipping)

        assert output.path.read_bytes() == kind.totals()
        assert output.report.rows.rejected == len(kind.rejects())
        assert rejected(output) == kind.rejects()
        for path in leftovers(scratch):
            path.unlink()


@KERNEL_AND_REFERENCE
async def test_malformations_beyond_the_sample_affect_only_their_records(
    engine: Engine, scratch: Path
) -> None:
    # A file with each malformation once, beyond the first MiB
    kinds = [kind for kinds in KINDS.values() for kind in kinds if kind.is_between_records]
    kinds.sort(key=lambda kind: "without a closing quote" in (kind.fails or ""))
    rows = b"".join(kind.data.removeprefix(b"a,b\n") for kind in kinds)
    long = b"p" * 500
    whole = Kind(
        b"a,b\n" + b"%s,1\n" % long * 3_000 + rows,
        [[long, b"1"]] * 3_000 + [record for kind in kinds for record in kind.good],
    )
    skipping = replace(SUMS, input=Input(on_bad_row="skip"))

    source = StreamSource(whole.data, piece=1 << 20)

    output = await aggregate(engine, source, scratch, skipping)

    assert len(kinds) > 20
    assert output.path.read_bytes() == whole.totals()
    assert rejected(output) == [record for kind in kinds for record in kind.rejects()]


@WITH_REFERENCE
async def test_cells_that_are_not_numbers_are_rejected_and_numbers_counted(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = file_of([*BAD_NUMBERS, *(cell for cell, _ in GOOD_NUMBERS)])
    aggregates = tuple(
        Aggregate(function, "b", function, "number")
        for function in ("sum", "min", "max", "count_distinct")
    )
    aggregation = Aggregation(
        (GroupColumn("a"),), aggregates, input=replace(DECLARED, on_bad_row="skip")
    )

    expected = expected_of_dirty(aggregation, data)

    assert expected.rows == (1 + len(GOOD_NUMBERS), 0, len(BAD_NUMBERS))
    for source in sources(data, tmp_path):
        assert_is(await aggregate(engine, source, scratch, aggregation), expected)
