"""A file that is stored while the database is away becomes one job, and its client can find it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.errors import DatabaseUnavailable
from tests.forwarding import Forwarding
from tests.unit.gateway.forms import FormBody
from tests.unit.gateway.native import BODY, created, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start


class Away(Forwarding):
    """A job store that creates no job while it is away."""

    is_away = True

    def __init__(self, jobs: SqlJobStore) -> None:
        super().__init__(jobs)

    async def create(self, **values: Any) -> Job:
        if self.is_away:
            raise DatabaseUnavailable("the database does not answer")
        job: Job = await self._behind.create(**values)
        return job


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    return await start_gateway(jobs=Away)


async def back(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, location: str) -> str:
    """Let the database answer, and return the job of the upload."""
    monkeypatch.setattr(Away, "is_away", False)
    upload_id = location.rsplit("/", 1)[1]
    # As orphan recovery does: the client asks again, and no byte is sent.
    response = await gateway.client.put(f"{location}/chunks/0", data=BODY)
    view = await response.json()
    assert view["id"] == upload_id
    return str(view["job"])


async def test_a_whole_file_is_named_in_the_answer(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = await gateway.client.put("/api/v1/uploads?name=plays.csv", data=BODY)
    problem = await problem_of(response, 503, "job-delayed")
    location = response.headers["Location"]
    assert location.rsplit("/", 1)[1] in problem["detail"]
    assert "do not send the file under another name" in problem["detail"]
    assert response.headers["Retry-After"]
    # To ask for the upload creates its job too, so it is answered in the same way.
    await problem_of(await gateway.client.get(location), 503, "job-delayed")
    job = await back(gateway, monkeypatch, location)
    jobs = (await (await gateway.client.get("/api/v1/jobs")).json())["jobs"]
    assert [f"/api/v1/jobs/{each['id']}" for each in jobs] == [job]


async def test_a_form_of_a_whole_file_is_named_too(gateway: Gateway) -> None:
    form = FormBody.of(("file", BODY, 'filename="plays.csv"'))
    response = await gateway.client.post(
        "/api/upload_file", data=form.content, headers={"Content-Type": form.content_type}
    )
    answer = await response.json()
    assert (response.status, answer["status"]) == (503, "error")
    assert response.headers["Location"].rsplit("/", 1)[1] in answer["message"]


async def test_the_last_chunk_is_answered_so_as_well(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await created(gateway)
    response = await put(gateway, path, 0, BODY)
    await problem_of(response, 503, "job-delayed")
    assert response.headers["Location"] == path
    assert (await back(gateway, monkeypatch, path)).startswith("/api/v1/jobs/")
