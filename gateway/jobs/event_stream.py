"""`GET /api/v1/jobs/{job_id}/events`: a job as Server-Sent Events (WHATWG HTML, 9.2).

The id of an event consists of attempt, state and bytes done. A job enters each state at most once
per attempt, so a client that reconnects with `Last-Event-ID` receives the latest change since then.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.http.public_url import public_path
from gateway.jobs.requested import requested_job
from gateway.jobs.watcher import JOB_WATCHER
from gateway.keys import SETTINGS
from shared.api.job import JobEventDataView, ProgressView
from shared.api.job_progress import progress_view
from shared.http.connections import client_disconnected
from shared.http.server_connection import ENDS_WITH_CLIENT

if TYPE_CHECKING:
    from gateway.jobs.watcher import Subscription
    from shared.jobs.job import Job

CONTENT_TYPE = "text/event-stream"
HEADERS = {
    "Content-Type": CONTENT_TYPE,
    "Cache-Control": "no-store",
    # Otherwise nginx and its derivatives would buffer events.
    "X-Accel-Buffering": "no",
}
RECONNECT = 1000
"""Milliseconds that a client waits before it reconnects."""
COMMENT = b":\n\n"
"""An empty comment, which shows proxies and clients that the connection is alive."""
BUFFER_LIMIT = 16 << 10
"""Bytes in the send buffer above which no more events are written."""
DISCONNECT_CHECK = 1.0
"""The longest time in seconds until a disconnected client is noticed."""

_ID = re.compile(r"([0-9]{1,9})-([A-Z]{1,16})-[0-9]{1,19}")


async def job_events(request: web.Request) -> web.StreamResponse:
    """Send the current state of the job, then every change until the job has ended."""
    job = await requested_job(request)
    last_id = request.headers.get("Last-Event-ID")
    if job.state.terminal and _phase_of_id(last_id) == _phase(job):
        # "A client can be told to stop reconnecting using the HTTP 204 No Content response code."
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    request[ENDS_WITH_CLIENT] = True
    with request.app[JOB_WATCHER].subscribe(job) as subscription:
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        settings = request.app[SETTINGS]
        stream = _Stream(request, response, subscription, last_id)
        with suppress(ConnectionError):  # the client disconnected
            await stream.run(settings.follow_heartbeat, settings.client_timeout)
    return response


def event_id(job: Job) -> str:
    """Return the id of an event that shows the job as it is now."""
    return f"{job.attempt}-{job.state.value}-{event_view(job).bytes_done}"


def event_view(job: Job) -> JobEventDataView:
    """Return the data of an event that shows the job as it is now."""
    progress = progress_view(job) or ProgressView(0, job.input_size, None, 0.0, None)
    return JobEventDataView(
        id=str(job.id),
        state=job.state.value,
        attempt=job.attempt,
        **asdict(progress),
        reason=job.reason,
        result=public_path(f"/api/v1/jobs/{job.id}/result") if job.has_kept_result else None,
    )


def _phase(job: Job) -> tuple[int, str]:
    return job.attempt, job.state.value


def _phase_of_id(event_id: str | None) -> tuple[int, str] | None:
    """Return attempt and state of an event's id; None if the id is not one of ours."""
    match = _ID.fullmatch(event_id or "")
    return (int(match[1]), match[2]) if match else None


class _Stream:
    """Sends the events of one job to one client. A slow client misses intermediate events."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        subscription: Subscription,
        last_id: str | None,
    ) -> None:
        self._request = request
        self._response = response
        self._subscription = subscription
        self._phase = _phase_of_id(last_id)
        self._id: str | None = None

    async def run(self, heartbeat: float, client_timeout: float) -> None:
        """Send events until the job or the subscription ends, or the client disconnects.

        Sends a comment after `heartbeat` seconds without an event. Aborts the connection if the
        client reads nothing for `client_timeout` seconds, or when the subscription ends while the
        client is behind. Raises ConnectionError.
        """
        clock = asyncio.get_running_loop().time
        last_write = last_read = clock()
        while not client_disconnected(self._request):
            if self._buffer_is_full():
                if self._subscription.closed or clock() - last_read > client_timeout:
                    self._abort()
                    return
            else:
                last_read = clock()
                last = self._subscription.closed or self._subscription.job.state.terminal
                if event := self._next_event():
                    await self._response.write(event)
                    last_write = clock()
                elif clock() - last_write >= heartbeat:
                    await self._response.write(COMMENT)
                    last_write = clock()
                if last:
                    return
            await self._subscription.changed(timeout=min(DISCONNECT_CHECK, heartbeat))

    def _next_event(self) -> bytes:
        """Return an event that shows the job; nothing if the client has received it."""
        job = self._subscription.job
        id_ = event_id(job)
        if id_ == self._id:
            return b""
        retry = f"retry: {RECONNECT}\n" if self._id is None else ""
        kind = "progress" if _phase(job) == self._phase else "state"
        self._id, self._phase = id_, _phase(job)
        data = json.dumps(event_view(job).as_json())
        return f"{retry}event: {kind}\nid: {id_}\ndata: {data}\n\n".encode()

    def _buffer_is_full(self) -> bool:
        transport = self._request.transport
        return transport is not None and transport.get_write_buffer_size() > BUFFER_LIMIT

    def _abort(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
