"""Metrics and ids of HTTP requests, for every service."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import Counter, Gauge, Histogram

from shared.telemetry.ids import bound_ids
from shared.telemetry.metrics import METRICS, Metrics
from shared.telemetry.propagation import REQUEST_ID, ids_of_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler, Middleware
    from prometheus_client import CollectorRegistry

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNMATCHED = "unmatched"
"""The route label of a request that matches no route."""
GONE = "gone"
"""The status label of a request whose handler was cancelled."""

REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
LAG_INTERVAL = 0.5
"""Seconds between two measurements of the event loop's lag."""

_GIVEN_ID = web.RequestKey("request_id", str)


class HttpMetrics:
    """Metrics of the requests of a process, and of the lag of its event loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "csvmill_http_requests_total",
            "Requests answered, by route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "csvmill_http_request_duration_seconds",
            "From the head of a request to the end of its response.",
            ["method", "route"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self.in_progress = Gauge(
            "csvmill_http_requests_in_progress", "Requests in progress.", registry=registry
        )
        self.lag = Histogram(
            "csvmill_event_loop_lag_seconds",
            "How late the event loop runs a callback that is due.",
            buckets=LAG_BUCKETS,
            registry=registry,
        )


def instrument(app: web.Application, metrics: Metrics, *, internal: bool = False) -> None:
    """Count the requests of `app` in `metrics`, and bind the ids that they carry.

    `internal` services are called by our services only, and accept job ids from them. Call this
    before adding other middlewares. Every response has the request's id (`X-Request-Id`).
    """
    app[METRICS] = metrics
    http = metrics.of(HttpMetrics)
    app.middlewares.append(_watch(http, internal=internal))
    app.on_response_prepare.append(_name_request)

    async def background(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_measure_lag(http.lag))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await metrics.close()

    app.cleanup_ctx.append(background)


def _watch(http: HttpMetrics, *, internal: bool) -> Middleware:
    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        ids = ids_of_request(request.headers, internal=internal)
        request[_GIVEN_ID] = ids.request_id or ""
        resource = request.match_info.route.resource
        route = UNMATCHED if resource is None else resource.canonical
        method = request.method if request.method in METHODS else "other"
        started = time.perf_counter()
        status = "500"
        http.in_progress.inc()
        try:
            with bound_ids(ids):
                response = await handler(request)
            status = str(response.status)
            return response
        except web.HTTPException as answer:
            status = str(answer.status)
            raise
        except asyncio.CancelledError:
            status = GONE
            raise
        finally:
            http.in_progress.dec()
            count, seconds = _of(http, method, route, status)
            count.inc()
            seconds.observe(time.perf_counter() - started)

    return watch


@lru_cache(maxsize=1024)
def _of(http: HttpMetrics, method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    # The library checks all labels each time.
    return http.requests.labels(method, route, status), http.seconds.labels(method, route)


async def _name_request(request: web.Request, response: web.StreamResponse) -> None:
    if given := request.get(_GIVEN_ID):
        response.headers[REQUEST_ID] = given


async def _measure_lag(lag: Histogram) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        lag.observe(max(loop.time() - due, 0.0))
