"""Lists of jobs, from both clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from csvmill.client import Refused
from tests.unit.csvmill.client.test_retrying import JOB

if TYPE_CHECKING:
    from tests.unit.csvmill.client.conftest import ClientOf


FOLLOWING = "/api/v1/jobs?limit=2&filename=%C4%8Daj%26.csv&cursor=X"


def page(*ids: str, following: str | None = None) -> web.Response:
    return web.json_response({"jobs": [{**JOB, "id": id_} for id_ in ids], "next": following})


async def test_pages_are_fetched_as_jobs_are_consumed(client_of: ClientOf) -> None:
    requested = []

    async def handler(request: web.Request) -> web.Response:
        requested.append(request.path_qs)
        if "cursor" not in request.query:
            return page("c", "b", following=FOLLOWING)
        return page("a")

    async with client_of(handler) as client:
        jobs = client.jobs(page_size=2)
        assert requested == []
        assert [(await anext(jobs)).id for _ in range(2)] == ["c", "b"]
        assert requested == ["/api/v1/jobs?limit=2"]
        assert [job.id async for job in jobs] == ["a"]
    assert requested[1:] == [FOLLOWING]


@pytest.mark.parametrize(
    ("wanted", "query"),
    [
        ({}, {"limit": "100"}),
        ({"state": "FAILURE"}, {"limit": "100", "state": "FAILURE"}),
        ({"state": ("FAILURE", "RETRY")}, {"limit": "100", "state": "FAILURE,RETRY"}),
        ({"filename": ""}, {"limit": "100", "filename": ""}),
        ({"search": "čaj &"}, {"limit": "100", "name": "čaj &"}),
        (
            {
                "created_after": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
                "created_before": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
                "filename": "čaj & +.csv",
                "page_size": 7,
            },
            {
                "created_after": "2026-01-02T03:00:00+02:00",
                "created_before": "2026-01-02T03:04:05.000006+00:00",
                "filename": "čaj & +.csv",
                "limit": "7",
            },
        ),
    ],
)
async def test_filters_are_sent_as_a_query(
    client_of: ClientOf, wanted: dict[str, Any], query: dict[str, str]
) -> None:
    requested = []

    async def handler(request: web.Request) -> web.Response:
        requested.append(dict(request.query))
        return page()

    async with client_of(handler) as client:
        assert [job async for job in client.jobs(**wanted)] == []
    assert requested == [query]


async def test_a_failed_page_is_retried_and_a_refusal_is_raised(
    client_of: ClientOf,
) -> None:
    statuses = iter([503, 200, 500, 200, 400])
    refused = {"type": "about:blank", "title": "Bad Request", "detail": "state is 'X'"}

    async def handler(request: web.Request) -> web.Response:
        status = next(statuses)
        if status != 200:
            return web.json_response(refused, status=status)
        return page("a") if request.query.get("cursor") else page("b", following=FOLLOWING)

    async with client_of(handler) as client:
        assert [job.id async for job in client.jobs()] == ["b", "a"]
        with pytest.raises(Refused, match="state is 'X'"):
            await anext(client.jobs(state="X"))


async def test_a_time_without_a_zone_is_refused_before_any_request(
    client_of: ClientOf,
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        raise AssertionError

    async with client_of(handler) as client:
        with pytest.raises(ValueError, match="has no time zone"):
            await anext(client.jobs(created_after=datetime(2026, 1, 2)))  # noqa: DTZ001
