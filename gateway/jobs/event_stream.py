"""`GET /api/v1/jobs/{job_id}/events`: a job as it goes on, as Server-Sent Events.

WHATWG HTML, 9.2. An event's id is the attempt, the state and the bytes done. A job is in one state
of one attempt once at most, so that whoever comes back with the last id they saw
(`Last-Event-ID`) is told whatever has changed since; of several changes, the last.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.jobs.progress import progress_view
from gateway.jobs.status import requested_job
from gateway.jobs.watcher import JOB_WATCHER
from gateway.keys import SETTINGS
from shared.api.job import JobEventDataView, ProgressView
from shared.http.connections import client_disconnected
from shared.jobs.job import JobState

if TYPE_CHECKING:
    from gateway.jobs.watcher import Subscription
    from shared.jobs.job import Job

CONTENT_TYPE = "text/event-stream"
HEADERS = {
    "Content-Type": CONTENT_TYPE,
    "Cache-Control": "no-store",
    # nginx, and what took it over from nginx, would wait for more than an event.
    "X-Accel-Buffering": "no",
}
RECONNECT = 1000
"""Milliseconds after which a client whose stream has ended is to come back."""
COMMENT = b":\n\n"
"""Says nothing, and shows proxies and clients that the connection lives."""
UNTAKEN = 16 << 10
"""Bytes waiting for a client from which on it is told nothing more until it has taken them."""
LOOK = 1.0
"""Seconds at most until a client that has left is noticed."""

_ID = re.compile(r"([0-9]{1,9})-([A-Z]{1,16})-[0-9]{1,19}")


async def job_events(request: web.Request) -> web.StreamResponse:
    """The job as it stands, then every change, until it has ended."""
    job = await requested_job(request)
    seen = request.headers.get("Last-Event-ID")
    if job.state.terminal and _phase_in(seen) == _phase(job):
        # "A client can be told to stop reconnecting using the HTTP 204 No Content response code."
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    with request.app[JOB_WATCHER].follow(job) as following:
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        settings = request.app[SETTINGS]
        stream = _Stream(request, response, following, seen)
        with suppress(ConnectionError):  # the client has left
            await stream.tell(settings.follow_heartbeat, settings.client_timeout)
    return response


def event_id(job: Job) -> str:
    """What stands for the job as it is now."""
    return f"{job.attempt}-{job.state.value}-{event_view(job).bytes_done}"


def event_view(job: Job) -> JobEventDataView:
    """Return the data of an event that shows the job as it is now."""
    progress = progress_view(job) or ProgressView(0, job.input_size, None, 0.0, None)
    kept = job.state is JobState.SUCCESS and job.expired_at is None
    return JobEventDataView(
        id=str(job.id),
        state=job.state.value,
        attempt=job.attempt,
        **asdict(progress),
        reason=job.reason,
        result=f"/api/v1/jobs/{job.id}/result" if kept else None,
    )


def _phase(job: Job) -> tuple[int, str]:
    return job.attempt, job.state.value


def _phase_in(seen: str | None) -> tuple[int, str] | None:
    """Attempt and state in an id that a client gives; None if it is none of ours."""
    match = _ID.fullmatch(seen or "")
    return (int(match[1]), match[2]) if match else None


class _Stream:
    """Tells one client about one job. What it takes too slowly is left out: the latest counts."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        following: Subscription,
        seen: str | None,
    ) -> None:
        self._request = request
        self._response = response
        self._following = following
        self._phase = _phase_in(seen)
        self._id: str | None = None

    async def tell(self, heartbeat: float, patience: float) -> None:
        """Return when all is told, or nobody listens any more. Raises ConnectionError.

        `heartbeat`: seconds of silence until a comment; `patience`: seconds for which the client
        may take nothing of what waits for it, unless the gateway is leaving.
        """
        clock = asyncio.get_running_loop().time
        told = taking = clock()
        while not client_disconnected(self._request):
            if self._is_full():
                if self._following.ended or clock() - taking > patience:
                    self._cut_off()
                    return
            else:
                taking = clock()
                over = self._following.ended or self._following.job.state.terminal
                if text := self._news():
                    await self._response.write(text)
                    told = clock()
                elif clock() - told >= heartbeat:
                    await self._response.write(COMMENT)
                    told = clock()
                if over:
                    return
            await self._following.news(within=min(LOOK, heartbeat))

    def _news(self) -> bytes:
        """What the client has not been told yet; nothing if there is nothing."""
        job = self._following.job
        id_ = event_id(job)
        if id_ == self._id:
            return b""
        begin = f"retry: {RECONNECT}\n" if self._id is None else ""
        kind = "progress" if _phase(job) == self._phase else "state"
        self._id, self._phase = id_, _phase(job)
        data = json.dumps(event_view(job).as_json())
        return f"{begin}event: {kind}\nid: {id_}\ndata: {data}\n\n".encode()

    def _is_full(self) -> bool:
        transport = self._request.transport
        return transport is not None and transport.get_write_buffer_size() > UNTAKEN

    def _cut_off(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()
