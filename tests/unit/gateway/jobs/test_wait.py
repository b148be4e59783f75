"""`GET /api/v1/jobs/ID?wait=SECONDS`: requests that wait for the end of a job."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from gateway.jobs.wait import MAX_WAIT, preferred_wait
from shared.runtime.drain import ON_SHUTDOWN_STARTED
from tests.forwarding import Forwarding
from tests.unit.gateway.jobs.following import followers, until_followed_by

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from uuid import UUID

    from aiohttp import ClientResponse

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start

LONG = str(MAX_WAIT)
"""Seconds, more than a test may take: the answer is not that of a wait that is over."""


def waiting(
    gateway: Gateway, job_id: object, headers: Mapping[str, str] | None = None, **query: str
) -> asyncio.Task[ClientResponse]:
    async def send() -> ClientResponse:
        url = f"/api/v1/jobs/{job_id}"
        return await gateway.client.get(url, params=query, headers=headers)

    return asyncio.create_task(send())


async def test_a_job_that_has_ended_is_answered_at_once(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"x")
    response = await waiting(gateway, job.id, wait=LONG)
    assert response.status == 200
    assert (await response.json())["state"] == "SUCCESS"
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize("zero", ["0", "0.0", "1e-9"])
async def test_a_wait_of_no_seconds_is_answered_at_once(gateway: Gateway, zero: str) -> None:
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, wait=zero)
    assert (await response.json())["state"] == "STARTED"


async def fail(gateway: Gateway, job_id: Any) -> None:
    await gateway.jobs.fail(job_id, 1, "no memory", final=True, now=time.time())


async def cancel(gateway: Gateway, job_id: Any) -> None:
    response = await gateway.client.delete(f"/api/v1/jobs/{job_id}")
    assert response.status == 200


@pytest.mark.parametrize(("end", "state"), [(fail, "FAILURE"), (cancel, "REVOKED")])
async def test_a_request_is_answered_when_the_job_ends(
    gateway: Gateway, end: Callable[[Gateway, Any], Awaitable[None]], state: str
) -> None:
    job = await gateway.started_job()
    request = waiting(gateway, job.id, wait=LONG)
    await until_followed_by(gateway, 1)
    await end(gateway, job.id)
    shown = await (await request).json()
    assert shown["state"] == state
    # The answer is that of a request without `wait`, attempts included.
    assert shown == await (await waiting(gateway, job.id)).json()
    assert await followers(gateway) == 0


async def test_another_attempt_is_not_the_end_of_a_job(gateway: Gateway) -> None:
    job = await gateway.started_job()
    request = waiting(gateway, job.id, wait=LONG)
    await until_followed_by(gateway, 1)
    await gateway.jobs.fail(job.id, 1, "no memory", final=False, now=time.time())
    now = time.time()
    await gateway.jobs.claim(job.id, worker="w", lease_until=now + 60, now=now)
    await gateway.jobs.fail(job.id, 2, "no memory", final=True, now=time.time())
    shown = await (await request).json()
    assert (shown["state"], shown["attempt"]) == ("FAILURE", 2)


async def test_a_request_is_answered_with_the_job_as_it_is_when_the_seconds_are_over(
    gateway: Gateway,
) -> None:
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, wait="0.05")
    assert response.status == 200
    assert (await response.json())["state"] == "STARTED"
    assert await followers(gateway) == 0


async def test_a_preference_waits_and_is_named_in_the_answer(gateway: Gateway) -> None:
    job = await gateway.started_job()
    request = waiting(gateway, job.id, {"Prefer": "respond-async, wait=30"})
    await until_followed_by(gateway, 1)
    await fail(gateway, job.id)
    response = await request
    assert (await response.json())["state"] == "FAILURE"
    assert response.headers["Preference-Applied"] == "wait=30"


async def test_the_applied_preference_has_the_longest_wait(gateway: Gateway) -> None:
    job = await gateway.finished_job(b"x")
    response = await waiting(gateway, job.id, {"Prefer": "wait=3600"})
    assert response.headers["Preference-Applied"] == f"wait={MAX_WAIT}"


async def test_the_query_precedes_the_preference(gateway: Gateway) -> None:
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, {"Prefer": f"wait={LONG}"}, wait="0")
    assert (await response.json())["state"] == "STARTED"
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("wait=10", 10),
        ("wait=0", 0),
        ('Wait = "10"', 10),
        ("return=minimal; foo, wait=7;bar=1", 7),
        ("wait=1, wait=2", 1),
        ('x="a, wait=3", wait=4', 4),
        (r'x="\", wait=3", wait=5', 5),
        ('x="never ends, wait=3', None),
        ('x="\\', None),
        ("wait=-1", None),
        ("wait=soon, wait=2", None),
        ("wait", None),
        ("await=3", None),
        ("respond-async", None),
        (", ,;,", None),
        ("", None),
    ],
)
def test_the_first_wait_of_a_list_of_preferences_counts(field: str, seconds: int | None) -> None:
    assert preferred_wait(field) == seconds


async def test_a_malformed_preference_is_ignored(gateway: Gateway) -> None:
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, {"Prefer": "wait=soon"})
    assert (await response.json())["state"] == "STARTED"
    assert "Preference-Applied" not in response.headers


@pytest.mark.parametrize(
    "value", ["-1", "soon", "", "1e3", "60.01", "nan", "inf", "٣", "1" * 20, "1."]
)
async def test_a_wait_that_is_no_number_of_seconds_is_refused(gateway: Gateway, value: str) -> None:
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, wait=value)
    assert response.status == 400
    assert response.content_type == "application/problem+json"
    problem = await response.json()
    assert problem["type"] == "urn:csvmill:problem:invalid-input"
    assert problem["field"] == "wait"
    assert problem["detail"] == (
        f"wait is {value!r}; send the seconds to wait for the end of the job, 0 to {MAX_WAIT}"
    )


async def test_a_wait_that_is_given_twice_is_refused(gateway: Gateway) -> None:
    job = await gateway.started_job()
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}?wait=1&wait=2")
    assert response.status == 400
    assert (await response.json())["detail"] == "wait is given 2 times; give it once"


async def test_a_client_that_disconnects_is_no_longer_waited_for(gateway: Gateway) -> None:
    job = await gateway.started_job()
    request = waiting(gateway, job.id, wait=LONG)
    await until_followed_by(gateway, 1)
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await until_followed_by(gateway, 0)


async def test_a_shutdown_answers_the_requests_that_wait(gateway: Gateway) -> None:
    job = await gateway.started_job()
    request = waiting(gateway, job.id, wait=LONG)
    await until_followed_by(gateway, 1)
    for end in gateway.client.app[ON_SHUTDOWN_STARTED]:
        end()
    assert (await (await request).json())["state"] == "STARTED"
    # A request on an existing connection is still answered, and does not wait.
    assert (await (await waiting(gateway, job.id, wait=LONG)).json())["state"] == "STARTED"


async def test_a_gateway_with_too_many_followers_refuses_to_wait(start_gateway: Start) -> None:
    gateway = await start_gateway(max_followers=0)
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, wait=LONG)
    assert response.status == 503
    assert (await response.json())["type"] == "urn:csvmill:problem:too-many-followers"
    assert (await waiting(gateway, job.id)).status == 200


async def test_an_unknown_job_is_not_waited_for(gateway: Gateway) -> None:
    assert (await waiting(gateway, "x", wait=LONG)).status == 404


@pytest.fixture
def _no_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watcher does not query on its own."""
    monkeypatch.setattr("gateway.jobs.watcher.FIRST_PAUSE", 3600.0)


@pytest.mark.usefixtures("_no_queries")
async def test_a_request_is_answered_at_the_end_of_the_job_and_not_by_the_next_query(
    gateway: Gateway,
) -> None:
    jobs = [await gateway.started_job() for _ in range(3)]
    requests = [waiting(gateway, job.id, wait=LONG) for job in jobs for _ in range(2)]
    await until_followed_by(gateway, len(requests))
    for job in jobs:
        await fail(gateway, job.id)
    answers = await asyncio.gather(*requests)
    assert [(await answer.json())["state"] for answer in answers] == ["FAILURE"] * 6


@pytest.mark.usefixtures("_no_queries")
async def test_a_job_that_ends_before_it_is_followed_is_answered_too(start_gateway: Start) -> None:
    class EndsAfterReading(Forwarding):
        async def get(self, job_id: UUID, **tenant: Any) -> Job:
            job: Job = await self._behind.get(job_id, **tenant)
            await self._behind.cancel(job_id, now=time.time())
            return job

    def wrapped(jobs: SqlJobStore) -> Any:
        return EndsAfterReading(jobs)

    gateway = await start_gateway(jobs=wrapped)
    job = await gateway.started_job()
    response = await waiting(gateway, job.id, wait=LONG)
    assert (await response.json())["state"] == "REVOKED"
