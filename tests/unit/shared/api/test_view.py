"""Clients read answers of older and newer servers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.api.job import JobEventDataView, JobListView, JobView
from shared.api.problem import ProblemDetails
from shared.api.upload import UploadView

if TYPE_CHECKING:
    from shared.api.view import View

GOLDEN = Path(__file__).parents[2] / "gateway/golden"
KINDS: dict[str, type[View]] = {
    "job": JobView,
    "event": JobEventDataView,
    "list": JobListView,
    "problem": ProblemDetails,
    "upload": UploadView,
}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_answer_is_encoded_as_it_was_read(path: Path) -> None:
    kind = KINDS.get(path.stem.partition("-")[0])
    if kind is not None:
        text = path.read_text(encoding="utf-8")
        assert json.dumps(kind.of(json.loads(text)).as_json()) == text


def test_unknown_keys_of_a_newer_server_are_ignored() -> None:
    answer = json.loads((GOLDEN / "job-success.json").read_text(encoding="utf-8"))
    job = JobView.of(answer)
    newer = {**answer, "priority": 7, "result": {**answer["result"], "pages": 3}}
    assert JobView.of(newer) == job
    assert JobView.of({**answer, "state": "PAUSED"}) == replace(job, state="PAUSED")


def test_keys_that_an_older_server_does_not_send_are_none() -> None:
    answer = json.loads((GOLDEN / "job-success.json").read_text(encoding="utf-8"))
    later = ("aggregation", "progress", "report", "problems", "problem_count", "published_at")
    job = JobView.of({name: value for name, value in answer.items() if name not in later})
    assert (job.aggregation, job.progress, job.report) == (None, None, None)
    assert (job.problems, job.problem_count) == ((), None)
    assert (job.result_size, job.rows_in, job.rows_out) == (30, 8, 3)


@pytest.mark.parametrize("answer", [[], {}, {"id": "x"}, None])
def test_an_invalid_answer_is_a_value_error(answer: object) -> None:
    with pytest.raises(ValueError, match="JobView"):
        JobView.of(answer)  # type: ignore[arg-type]


def test_a_job_without_a_result_has_no_sizes_of_a_result() -> None:
    job = JobView.of(json.loads((GOLDEN / "job-pending.json").read_text(encoding="utf-8")))
    assert (job.result_size, job.result_sha256, job.rows_in, job.rows_out) == (None,) * 4
