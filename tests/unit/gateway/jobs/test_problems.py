"""Errors are problem details of a documented type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from shared.errors import (
    CsvmillError,
    DatabaseUnavailable,
    error_classes,
)
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("DELETE", ""), ("POST", "/retry"), ("HEAD", "")]
)
async def test_an_unknown_job_is_a_404_problem(gateway: Gateway, method: str, path: str) -> None:
    for job_id in (str(UUID(int=1)), "nonsense", "..%2F", "%00"):
        response = await gateway.client.request(method, f"/api/v1/jobs/{job_id}{path}")
        assert response.status == 404
        if method != "HEAD":
            await problem_of(response, 404, "job-not-found")


async def test_an_unknown_url_or_method_is_a_problem_of_type_about_blank(
    gateway: Gateway,
) -> None:
    await problem_of(await gateway.client.get("/api/v1/nothing"), 404, "about:blank")
    response = await gateway.client.put(f"/api/v1/jobs/{uuid4()}")
    problem = await problem_of(response, 405, "about:blank")
    assert problem["title"] == "Method Not Allowed"
    assert set(response.headers["Allow"].split(",")) == {"DELETE", "GET", "HEAD"}


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (DatabaseUnavailable("the database does not answer"), 503, "unavailable"),
        (RuntimeError("a secret"), 500, "about:blank"),
    ],
)
async def test_a_service_fault_is_a_problem_without_internal_details(
    start_gateway: Start, error: Exception, status: int, name: str
) -> None:
    def in_front(jobs: Any) -> Any:
        async def broken(_job_id: UUID, **_: object) -> Job:
            raise error

        jobs.get = broken
        return jobs

    gateway = await start_gateway(jobs=in_front)
    response = await gateway.client.get(f"/api/v1/jobs/{uuid4()}")
    problem = await problem_of(response, status, name)
    assert "a secret" not in problem["detail"]
    assert ("Retry-After" in response.headers) == (status == 503)


def test_every_problem_type_is_documented_with_its_status() -> None:
    document = (Path(__file__).parents[4] / "docs" / "api.md").read_text()
    documented = re.findall(
        r"^\| `((?:urn:csvmill:problem:|https://iana\.org/)\S+)` \| (\d+) \|",
        document,
        re.MULTILINE,
    )
    declared = {
        (kind.problem_type, str(kind.status))
        for kind in error_classes().values()
        if kind.problem_type != CsvmillError.problem_type
    }
    assert sorted(documented) == sorted(declared)
    assert len(dict(documented)) == len(declared)
