"""A tenant sends no more requests than its rate allows."""

from __future__ import annotations

import math
import re
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from gateway.access.request_rate import Bucket
from tests.unit.gateway.native import post
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Start

JOBS = "/api/v1/jobs"


@pytest.mark.parametrize("rate", [0.25, 1.0, 7.5])
def test_a_bucket_gives_as_many_tokens_as_flow_in_and_ten_seconds_of_them_at_once(
    rate: float,
) -> None:
    bucket = Bucket(rate, math.inf, 0.0)
    at_once = sum(bucket.take(0.0) for _ in range(1000))
    assert at_once == max(1, math.ceil(rate * 10))
    later = sum(bucket.take(number / 100) for number in range(1, 100_001))
    assert later == pytest.approx(rate * 1000, abs=1)
    # After a long time it is full, and not fuller
    assert sum(bucket.take(1e6) for _ in range(1000)) == at_once


def test_an_empty_bucket_tells_when_it_has_a_token() -> None:
    bucket = Bucket(0.5, math.inf, 0.0)
    for _ in range(5):
        assert bucket.take(0.0)
    assert not bucket.take(0.0)
    wait = bucket.seconds_until(1)
    assert not bucket.take(wait - 0.01)
    assert bucket.take(wait)


async def test_requests_above_the_rate_are_refused_with_the_time_to_wait(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(tenant_requests_per_second=0.3)
    for left in (2, 1, 0):
        answer = await gateway.client.get(JOBS)
        assert answer.status == 200
        assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=10'
        limit = re.fullmatch(r'"requests";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
        assert limit is not None
        assert int(limit[1]) == left
    answer = await gateway.client.get(JOBS)
    await problem_of(answer, 429, "too-many-requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 4
    assert answer.headers["RateLimit"].startswith('"requests";r=0;')


async def test_a_refused_request_is_not_read(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_requests_per_second=0.1)
    assert (await post(gateway)).status == 201
    answer = await gateway.client.put("/api/v1/uploads?name=a.csv", data=BytesIO(bytes(8 << 20)))
    assert answer.status == 429
    assert answer.headers["Connection"] == "close"


async def test_health_is_answered_at_any_rate(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_requests_per_second=0.1)
    for _ in range(5):
        answer = await gateway.client.get("/healthz")
        assert answer.status == 200
        assert "RateLimit" not in answer.headers


async def test_there_is_no_limit_by_default(start_gateway: Start) -> None:
    gateway = await start_gateway()
    for _ in range(30):
        answer = await gateway.client.get(JOBS)
        assert answer.status == 200
        assert "RateLimit" not in answer.headers
