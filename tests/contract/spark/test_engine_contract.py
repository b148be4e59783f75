"""A selection of the engine contract on a real cluster.

All tests that read a file from disk run in small ranges on a cluster of one process
(`tests.contract.engines`). Those here have several ranges, or what only a merge finds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from processor.engines.spark.cluster import Cluster
from processor.engines.spark.connect import ConnectSession
from tests.aggregations import Case, dirty_cases
from tests.contract.engines import test_dirt as dirt
from tests.contract.engines.test_functions import (
    test_a_bad_cell_is_reported_with_its_column,
    test_a_number_that_is_too_long_to_be_multiplied_is_bad,
    test_a_ratio_divides_output_columns,
    test_many_numbers_have_the_spread_that_the_statistics_module_finds,
    test_texts_that_are_too_long_together_fail_the_job,
)
from tests.contract.engines.test_multi_byte import (
    test_each_sequence_is_the_text_of_the_codec_or_makes_its_record_bad,
)
from tests.contract.engines.test_results import (
    test_a_file_of_several_megabytes_with_newlines_in_quotes_is_aggregated,
    test_results_equal_those_of_the_oracle_byte_for_byte,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.spark.cluster import Piece
    from tests.servers.spark import SparkCluster

__all__ = [
    "test_a_bad_cell_is_reported_with_its_column",
    "test_a_file_of_several_megabytes_with_newlines_in_quotes_is_aggregated",
    "test_a_number_that_is_too_long_to_be_multiplied_is_bad",
    "test_a_ratio_divides_output_columns",
    "test_each_sequence_is_the_text_of_the_codec_or_makes_its_record_bad",
    "test_many_numbers_have_the_spread_that_the_statistics_module_finds",
    "test_results_equal_those_of_the_oracle_byte_for_byte",
    "test_texts_that_are_too_long_together_fail_the_job",
]

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(900),
    # The client warns of its retries, and of libraries that are newer than itself.
    pytest.mark.filterwarnings("ignore"),
]


class KeptSession(ConnectSession):
    """A session that all tests use: a new one starts processes on the executors."""

    ranges = 0
    """How many have been aggregated on the cluster."""
    _opened = False

    def open(self) -> None:
        if not self._opened:
            super().open()
            self._opened = True

    def states(self, work: Any, ranges: Any, **options: Any) -> Iterator[Piece]:
        yield from super().states(work, ranges, **options)
        self.ranges += len(ranges)

    def stop(self) -> None:
        """A job has ended; the next one uses the session."""


@pytest.fixture(scope="module")
def session(shared_spark: SparkCluster) -> Iterator[KeptSession]:
    kept = KeptSession(shared_spark.url)
    yield kept
    ConnectSession.stop(kept)


@pytest.fixture
def engine(session: KeptSession) -> Iterator[NativeEngine]:
    """An engine that aggregates files in small ranges. Each test has some on the cluster."""
    before = session.ranges
    cluster = Cluster(
        lambda: session,
        0,
        part=64,
        most_parts=4,
        gathered=2,
        wait=0,
        shared_files=True,
        start=64,
    )
    yield NativeEngine(EngineLimits(), cluster=cluster)
    assert session.ranges > before


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch's [*]"
    folder.mkdir()
    return folder


# The tests of dirt choose their engines by themselves.
@given(case=dirty_cases())
@settings(max_examples=6)
async def test_skipped_rows_are_kept_as_rejects_and_every_row_is_counted(
    engine: NativeEngine, tmp_path: Path, scratch: Path, case: Case
) -> None:
    await dirt.assert_bad_rows_are_kept(engine, tmp_path, scratch, case)


async def test_cells_that_are_not_numbers_are_rejected_and_numbers_counted(
    engine: NativeEngine, tmp_path: Path, scratch: Path
) -> None:
    await dirt.test_cells_that_are_not_numbers_are_rejected_and_numbers_counted(
        engine, tmp_path, scratch
    )
