"""No job of a generated corpus is SUCCESS, without a warning, and wrong."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from benchmarks.detection import csvmill_job
from benchmarks.detection.outcome import outcome
from tests.unit.shared.inspection.corpus import DIRT, EXTRA_LINES, Known, known_files

FILES = known_files((*DIRT, *EXTRA_LINES))


def check(known: Known) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        path = Path(file.name)
        path.write_bytes(known.data)
        width = len(known.records[0])
        reading = asyncio.run(csvmill_job.read(path, known.declared_header, width))
    found = outcome(known, reading)
    event(f"{known.dirt}: {found}")
    assume(not known.is_ambiguous)
    assert found != "wrong", reading


@given(FILES)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_job_reads_a_file_as_it_was_written_or_tells(known: Known) -> None:
    check(known)


@pytest.mark.long
@pytest.mark.timeout(1800)
@given(FILES)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_jobs_read_many_files_as_they_were_written_or_tell(known: Known) -> None:
    check(known)
