"""No job of a generated corpus is SUCCESS, without a warning of what is wrong, and wrong."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from benchmarks.detection import csvmill_job
from benchmarks.detection.outcome import NOT_TOLD, outcome, outcome_of_answer
from benchmarks.detection.reading import Reading
from tests.contract.engines.reference import ReferenceEngine
from tests.unit.shared.inspection.corpus import Known, known_files
from tests.unit.shared.inspection.corpus_dirt import EVERY

FILES = known_files(EVERY)


async def check(known: Known, path: Path) -> None:
    """Ask for the records and for the sum of a column: of the kernel, and of the reference."""
    kernel, reference = csvmill_job.kernel(), ReferenceEngine()
    header, width = known.declared_header, len(known.records[0])
    done = await csvmill_job.count(kernel, path, header, width)
    assert await csvmill_job.count(reference, path, header, width) == done
    found = outcome(known, csvmill_job.reading_of(done))
    event(f"{known.dirt}: {found}")
    if not known.is_ambiguous and known.dirt not in NOT_TOLD:
        assert found != "wrong", done
    if known.question is None:
        return
    done = await csvmill_job.total(kernel, path, header, known.question)
    assert await csvmill_job.total(reference, path, header, known.question) == done
    answer = csvmill_job.answer_of(done)
    found = outcome_of_answer(known, known.question, answer, done.kinds)
    event(f"{known.dirt}, sum: {found}")
    assume(not known.is_ambiguous)
    assert found != "wrong", done


def check_file(known: Known) -> None:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        path = Path(file.name)
        path.write_bytes(known.data)
        asyncio.run(check(known, path))


@given(FILES)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_job_reads_a_file_as_it_was_written_or_tells(known: Known) -> None:
    check_file(known)


@pytest.mark.long
@pytest.mark.timeout(3600)
@given(FILES)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_jobs_read_many_files_as_they_were_written_or_tell(known: Known) -> None:
    check_file(known)


def test_only_a_warning_of_what_is_wrong_excuses_it() -> None:
    records = (("k", "n"), ("a", "1"))
    known = Known(b"", True, True, records, "total", "utf-8", ",")
    below = [["a", "1"], ["Total", "1"]]
    for kind, expected in (("total_row", "warned"), ("similar_groups", "wrong"), ("", "wrong")):
        found = outcome(known, Reading(["k", "n"], below, warnings=[kind] if kind else []))
        assert found == expected
