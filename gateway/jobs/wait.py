"""Requests that wait for the end of a job: `?wait=30`, or `Prefer: wait=30` (RFC 7240, 4.3)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from gateway.jobs.watcher import JOB_WATCHER
from shared.errors import InvalidInput
from shared.http.connections import client_disconnected
from shared.http.server_connection import ENDS_WITH_CLIENT

if TYPE_CHECKING:
    from aiohttp import web

    from shared.jobs.job import Job

MAX_WAIT = 60
"""Seconds of the longest wait, less than many proxies wait for an answer."""
DISCONNECT_CHECK = 1.0
"""The longest time in seconds until a disconnected client is noticed."""

_SECONDS = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_PREFERENCE = re.compile(r'(?:"(?:[^"\\]|\\.|\\$)*+(?:"|$)|[^",])+')
"""One of the preferences of a list, with its parameters: commas within quotes do not end it."""
_DELTA_SECONDS = re.compile(r'"?([0-9]{1,15})"?')


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a request waits for the end of a job."""

    seconds: float = 0.0
    preferred: bool = False
    """Whether `Prefer` says so; the response names it as applied then."""

    @classmethod
    def of(cls, request: web.Request) -> Self:
        """Read a request. `?wait=` precedes `Prefer`. Raises InvalidInput.

        A preference that is malformed is ignored, as any that is unknown (RFC 7240, 2), and one
        of more than `MAX_WAIT` is followed as far as that.
        """
        given = request.query.getall("wait", [])
        if len(given) > 1:
            raise InvalidInput(f"wait is given {len(given)} times; give it once", field="wait")
        if given:
            return cls(_seconds(given[0]))
        preferred = preferred_wait(",".join(request.headers.getall("Prefer", [])))
        return cls() if preferred is None else cls(min(preferred, MAX_WAIT), preferred=True)

    @property
    def fields(self) -> dict[str, str]:
        """The header fields of the response."""
        return {"Preference-Applied": f"wait={self.seconds:.0f}"} if self.preferred else {}


def _seconds(text: str) -> float:
    seconds = float(text) if _SECONDS.fullmatch(text) else -1.0
    if 0 <= seconds <= MAX_WAIT:
        return seconds
    raise InvalidInput(
        f"wait is {text!r}; send the seconds to wait for the end of the job, 0 to {MAX_WAIT}",
        field="wait",
    )


def preferred_wait(field: str) -> int | None:
    """Return the seconds of the preference `wait` in the value of `Prefer`; None without it.

    Only the first of several counts.
    """
    for preference in _PREFERENCE.findall(field):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            seconds = _DELTA_SECONDS.fullmatch(value.strip())
            return int(seconds[1]) if seconds else None
    return None


async def until_ended(request: web.Request, job: Job, seconds: float) -> Job:
    """Return the job when it has ended, or as it is after so many seconds.

    Returns it sooner if the client disconnects or the gateway shuts down. Raises
    TooManySubscriptions.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    request[ENDS_WITH_CLIENT] = True
    with request.app[JOB_WATCHER].subscribe(job, to_end=True) as subscription:
        while not (
            subscription.job.state.terminal
            or subscription.closed
            or client_disconnected(request)
            or (left := deadline - clock()) <= 0
        ):
            await subscription.changed(timeout=min(left, DISCONNECT_CHECK))
        return subscription.job
