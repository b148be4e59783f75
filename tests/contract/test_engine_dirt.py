"""The contract of `processor.engines.port.Engine` for dirty files, run on every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from shared.errors import MalformedInput
from tests.aggregations import Case, dirty_cases
from tests.contract.engines import aggregate, assert_is, sources
from tests.dirt import dirty_written_cases
from tests.oracle import Malformed, expected_of_dirty

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine


@given(case=dirty_cases())
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_bad_rows_that_are_to_be_skipped_are_kept_and_every_row_is_accounted_for(
    engine: Engine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    await assert_bad_rows_are_kept(engine, tmp_path, scratch, case)


@given(case=dirty_written_cases() | dirty_written_cases(provable=True))
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_bad_rows_of_a_file_written_in_any_way_are_kept_as_they_stand_in_it(
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
