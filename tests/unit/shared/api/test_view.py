"""Clients read answers of older and newer servers."""

from __future__ import annotations

import json
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"size": "74"}, "UploadView.size: expected an integer, got str; or .*expected null"),
        ({"size": 74.5}, "UploadView.size"),
        ({"complete": 1}, "UploadView.complete: expected a boolean, got int"),
        ({"received_bytes": True}, "UploadView.received_bytes: expected an integer, got bool"),
        ({"missing": [[0, 40, 80]]}, r"UploadView.missing\[0\]: expected 2 values, got 3"),
        ({"missing": {"0": 40}}, "UploadView.missing: expected an array, got dict"),
        ({"name": None}, "UploadView.name: expected text, got NoneType"),
        ({"head_start": {}}, "UploadView.head_start.aggregated_bytes: is missing"),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_named_with_its_place(
    changes: dict[str, object], named: str
) -> None:
    answer = json.loads((GOLDEN / "upload-with-gaps.json").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match=named):
        UploadView.of({**answer, **changes})


def test_answers_are_read_without_pydantic_which_takes_long_to_import() -> None:
    program = (
        "import sys; from csvmill.client import JobView; import json, pathlib;"
        "JobView.of(json.loads(pathlib.Path(sys.argv[1]).read_text()));"
        "sys.exit('pydantic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(GOLDEN / "job-success.json")]
    assert subprocess.run(command, check=False).returncode == 0
