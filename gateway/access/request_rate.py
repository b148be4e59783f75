"""How many requests a second a tenant may send to a gateway.

The fields are those of draft-ietf-httpapi-ratelimit-headers-10, `RateLimit-Policy` and `RateLimit`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.access.quotas import Quotas
    from shared.access.tenant import Tenant

WINDOW = 10.0
"""Seconds in which a tenant may send as many requests at once as its rate allows in that time."""
POLICY = "requests"
"""The name of the policy in the fields."""
API = "/api/"
"""Requests below this are counted: not those for health, metrics and documents."""

_STATE = web.RequestKey("request_rate", tuple)


@dataclass(slots=True)
class Bucket:
    """Tokens, each for one request, which flow in at a rate."""

    rate: float
    """Tokens a second."""
    tokens: float
    filled_at: float

    @property
    def capacity(self) -> int:
        """The most tokens that it holds."""
        return max(1, math.ceil(self.rate * WINDOW))

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self.tokens = min(self.capacity, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def seconds_until(self, tokens: float) -> int:
        """Return the seconds until it holds so many tokens, rounded up."""
        return max(0, math.ceil((tokens - self.tokens) / self.rate))


class RequestRate:
    """Refuses the requests of tenants that send too many; by default none."""

    def __init__(self, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._quotas = quotas
        self._clock = clock
        self._buckets: dict[Tenant, Bucket] = {}

    def take(self, request: web.Request, tenant: Tenant) -> None:
        """Count a request of a tenant. Raises TooManyRequests."""
        if not request.path.startswith(API):
            return
        rate = self._quotas.known_limits(tenant).requests_per_second
        if rate is None:
            return
        now = self._clock()
        bucket = self._buckets.get(tenant)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[tenant] = Bucket(rate, math.inf, now)
        taken = bucket.take(now)
        request[_STATE] = (
            bucket.capacity,
            int(bucket.tokens),
            bucket.seconds_until(bucket.capacity),
        )
        if not taken:
            wait = max(1, bucket.seconds_until(1))
            raise TooManyRequests(
                f"tenant {tenant} may send {rate:g} requests a second, on average over "
                f"{WINDOW:g} s; send the next in {wait} s",
                retry_after=wait,
            )


async def show(request: web.Request, response: web.StreamResponse) -> None:
    """Add the fields to a response of a tenant that has a limit: an `on_response_prepare`."""
    state = request.get(_STATE)
    if state is not None:
        capacity, left, seconds = state
        response.headers["RateLimit-Policy"] = f'"{POLICY}";q={capacity};w={WINDOW:.0f}'
        response.headers["RateLimit"] = f'"{POLICY}";r={left};t={seconds}'
