"""Follow a job by its events over as many connections as needed, or by polling."""

from __future__ import annotations

import asyncio
import json
import math
import random
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from csvmill.client.errors import ConnectionLost, Refused, ServerUnavailable
from csvmill.client.event_parser import EventParser
from csvmill.client.job_event import JobEvent
from csvmill.client.paths import events_path, job_path
from shared.api.job import JobView
from shared.jobs.job_state import TERMINAL_STATES

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from csvmill.client.progress import ReportJob
    from csvmill.client.transport import Transport

CONTENT_TYPE = "text/event-stream"
FIRST_EVENT_TIMEOUT = 10.0
"""Seconds to wait for the first event. A server sends it at once; a buffering proxy does not."""
RECONNECT_PAUSE = 1.0
"""Seconds until the next connection, unless the server sets `retry`."""
MAX_FAILURES = 3
"""Failed connections in a row after which the client polls."""
POLLING_PERIOD = 60.0
"""Seconds to poll before the next attempt to receive events."""
FIRST_POLL_PAUSE = 0.02
"""Seconds between the first polls. Later pauses are longer."""
FIRST_WAIT = 0.5
"""Seconds that the first request waits for the end of the job. Longer jobs are followed."""


class NoEvents(Refused):
    """The response is not an event stream."""


class EventSource:
    """The events of a job. Each connection resumes after the last event of the one before."""

    def __init__(self, transport: Transport, job_id: str) -> None:
        self._transport = transport
        self._job_id = job_id
        self._last_id = ""
        self._retry = RECONNECT_PAUSE
        self._failures = 0
        self._polling_until = -math.inf

    async def connection(self) -> AsyncGenerator[JobEvent, None]:
        """Yield the events of one connection until it ends; none if the stream is over (204).

        Raises ServerUnavailable if the connection breaks or brings no event, Refused, NoEvents.
        """
        parser = EventParser(self._last_id)
        headers = {"Accept": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        path = events_path(self._job_id)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(FIRST_EVENT_TIMEOUT):
                    response = await stack.enter_async_context(
                        self._transport.request("GET", path, headers=headers)
                    )
            except TimeoutError as error:
                raise ConnectionLost(f"{path}: no response in time") from error
            if response.status == 204:
                return
            if response.content_type != CONTENT_TYPE:
                raise NoEvents(response.status, f"{response.url} is {response.content_type}")
            received = False
            while True:
                async with asyncio.timeout(None if received else FIRST_EVENT_TIMEOUT):
                    data = await response.content.readany()
                if not data:
                    break
                try:
                    for sent in parser.feed(data):
                        event = JobEvent.of(sent)
                        self._last_id, received = parser.last_id, True
                        self._retry = self._retry if parser.retry is None else parser.retry
                        yield event
                except ValueError as error:
                    raise NoEvents(response.status, f"{response.url}: {error}") from error
            if not received:
                raise ConnectionLost(f"{response.url} ended without an event")

    async def available(self) -> AsyncGenerator[JobEvent, None]:
        """Yield the events of one connection. Never raises ServerUnavailable or Refused.

        After MAX_FAILURES failed connections it yields nothing for POLLING_PERIOD seconds.
        """
        now = asyncio.get_running_loop().time
        if now() < self._polling_until:
            return
        try:
            async with aclosing(self.connection()) as events:
                async for event in events:
                    self._failures = 0
                    yield event
        except Refused:
            self._polling_until = now() + POLLING_PERIOD
        except ServerUnavailable:
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                self._polling_until = now() + POLLING_PERIOD

    async def pause(self) -> None:
        """Wait before the next connection, with jitter: many clients may reconnect at once."""
        await asyncio.sleep(self._retry * random.uniform(0.5, 1.5))  # noqa: S311  (not a secret)


async def follow(transport: Transport, job_id: str) -> AsyncGenerator[JobEvent, None]:
    """Yield the current state of a job, then its changes, until it has ended.

    A lost connection is replaced by another, as the transport's retries allow; they start again
    after each event. Raises Refused, and ServerUnavailable when the retries are exhausted.
    """
    source = EventSource(transport, job_id)
    while True:
        async for attempt in transport.retries:
            with attempt:
                events = source.connection()
                event = await anext(events, None)
        if event is None:
            return
        async with aclosing(events):
            while event is not None:
                yield event
                if event.state in TERMINAL_STATES:
                    return
                event = await _next(events)
        await source.pause()


async def _next(events: AsyncGenerator[JobEvent, None]) -> JobEvent | None:
    """Return the next event of a connection, or None when it has ended or is lost."""
    try:
        return await anext(events, None)
    except ServerUnavailable:
        return None


async def wait_until_ended(
    transport: Transport,
    job_id: str,
    fetch_job: Callable[[], Awaitable[JobView]],
    *,
    longest_pause: float,
    changed: ReportJob,
) -> JobView:
    """Wait until a job has ended, and return it. `changed` receives it after each change.

    The first request waits on the server, which is enough for a short job. Without events the job
    is polled by such requests, with waits, or pauses if the server does not wait, that grow up to
    `longest_pause` seconds. Exceptions of `fetch_job` propagate.
    """
    source = EventSource(transport, job_id)
    clock = asyncio.get_running_loop().time
    pause = FIRST_POLL_PAUSE
    job = await _held(transport, job_id, FIRST_WAIT) or await fetch_job()
    changed(job)
    while job.state not in TERMINAL_STATES:
        received = False
        async with aclosing(source.available()) as events:
            async for event in events:
                received = True
                if (event.state, event.attempt) == (job.state, job.attempt):
                    job = replace(job, progress=event.progress)
                else:
                    job = await fetch_job()
                changed(job)
                if job.state in TERMINAL_STATES:
                    return job
        if received:
            await source.pause()
            job = await fetch_job()
        else:
            until = clock() + pause
            job = await _held(transport, job_id, pause) or await fetch_job()
            if job.state not in TERMINAL_STATES:
                await asyncio.sleep(until - clock())
            pause = min(pause * 1.5, longest_pause)
        changed(job)
    return job


async def _held(transport: Transport, job_id: str, seconds: float) -> JobView | None:
    """Return the job when it has ended, or as it is after so many seconds.

    An older server returns it at once. None if the request fails, without a retry.
    """
    # A server that is silent for longer than the timeout counts as unavailable.
    query = {"wait": f"{min(seconds, transport.timeout / 2):.3f}"}
    try:
        async with transport.request("GET", job_path(job_id), query=query) as response:
            return JobView.of(json.loads(await response.text()))
    except (Refused, ServerUnavailable, ValueError):
        return None
