"""A job followed by its events, over as many connections as it takes; or else by asking."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from csvmill.client.errors import ConnectionLost, Refused, ServerUnavailable
from csvmill.client.event_parser import EventParser
from csvmill.client.job_event import JobEvent
from csvmill.client.job_view import TERMINAL
from csvmill.client.paths import events_path

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from csvmill.client.job_view import JobView
    from csvmill.client.progress import ReportJob
    from csvmill.client.transport import Transport

CONTENT_TYPE = "text/event-stream"
FIRST_WITHIN = 10.0
"""Seconds for the first event, which a server sends at once; a proxy that buffers does not."""
RECONNECT = 1.0
"""Seconds until the next connection, if the server does not say."""
GIVEN_UP_AFTER = 3
"""Connections in a row that were lost, while the server answers all else."""
NOT_AGAIN_FOR = 60.0
"""Seconds for which a job is asked for instead, once there seem to be no events."""
FIRST_PAUSE = 0.02
"""Seconds until the job is asked for again, where there are no events; later pauses are longer."""


class NoEvents(Refused):
    """What answers there does not speak Server-Sent Events."""


class EventSource:
    """The events of a job: each connection goes on where the one before has ended."""

    def __init__(self, transport: Transport, job_id: str) -> None:
        self._transport = transport
        self._job_id = job_id
        self._last_id = ""
        self._retry = RECONNECT
        self._failures = 0
        self._not_before = -math.inf

    async def connection(self) -> AsyncGenerator[JobEvent, None]:
        """The events of one connection, until it ends; none if the server has no more to tell.

        Raises ServerUnavailable if it breaks off or brings no event, Refused, NoEvents.
        """
        parser = EventParser(self._last_id)
        headers = {"Accept": CONTENT_TYPE, "Cache-Control": "no-store"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        path = events_path(self._job_id)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(FIRST_WITHIN):
                    response = await stack.enter_async_context(
                        self._transport.request("GET", path, headers=headers)
                    )
            except TimeoutError as error:
                raise ConnectionLost(f"{path}: no answer in time") from error
            if response.status == 204:
                return
            if response.content_type != CONTENT_TYPE:
                raise NoEvents(response.status, f"{response.url} is {response.content_type}")
            heard = False
            while True:
                async with asyncio.timeout(None if heard else FIRST_WITHIN):
                    data = await response.content.readany()
                if not data:
                    break
                try:
                    for event in parser.feed(data):
                        told = JobEvent.of(event)
                        self._last_id, heard = parser.last_id, True
                        self._retry = self._retry if parser.retry is None else parser.retry
                        yield told
                except ValueError as error:
                    raise NoEvents(response.status, f"{response.url}: {error}") from error
            if not heard:
                raise ConnectionLost(f"{response.url} ended without an event")

    async def tried(self) -> AsyncGenerator[JobEvent, None]:
        """The events of one connection, as far as they come, for whoever can do without.

        After several connections without an event there are none for a while.
        """
        now = asyncio.get_running_loop().time
        if now() < self._not_before:
            return
        try:
            async with aclosing(self.connection()) as events:
                async for event in events:
                    self._failures = 0
                    yield event
        except Refused:
            self._not_before = now() + NOT_AGAIN_FOR
        except ServerUnavailable:
            self._failures += 1
            if self._failures >= GIVEN_UP_AFTER:
                self._not_before = now() + NOT_AGAIN_FOR

    async def rest(self) -> None:
        """Wait as long as the server wants, more or less: many may have been cut off at once."""
        await asyncio.sleep(self._retry * random.uniform(0.5, 1.5))  # noqa: S311  (no secret)


async def follow(transport: Transport, job_id: str) -> AsyncGenerator[JobEvent, None]:
    """The job as it stands, then its changes, until it has ended.

    A connection that is lost is replaced by another as the transport's retries say, which are
    counted anew after each event. Raises Refused, and ServerUnavailable when they are used up.
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
                if event.state in TERMINAL:
                    return
                event = await _next(events)
        await source.rest()


async def _next(events: AsyncGenerator[JobEvent, None]) -> JobEvent | None:
    """The next event of a connection; None when it has ended, or is lost."""
    try:
        return await anext(events, None)
    except ServerUnavailable:
        return None


async def wait_until_ended(
    transport: Transport,
    job_id: str,
    look: Callable[[], Awaitable[JobView]],
    *,
    longest_pause: float,
    changed: ReportJob,
) -> JobView:
    """The job once it has ended; `changed` is told how it stands until then, and in the end.

    Where there are no events, it is looked at ever less often, at `longest_pause` seconds. Raises
    what `look` does.
    """
    source = EventSource(transport, job_id)
    pause = FIRST_PAUSE
    job = await look()
    changed(job)
    while job.state not in TERMINAL:
        heard = False
        async with aclosing(source.tried()) as events:
            async for event in events:
                heard = True
                if (event.state, event.attempt) == (job.state, job.attempt):
                    job = replace(job, progress=event.progress)
                else:
                    job = await look()
                changed(job)
                if job.state in TERMINAL:
                    return job
        if heard:
            await source.rest()
        else:
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest_pause)
        job = await look()
        changed(job)
    return job
