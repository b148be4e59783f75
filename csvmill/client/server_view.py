"""Version, latency and clock of a server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from csvmill.client.errors import ClientError


@dataclass(frozen=True, slots=True)
class ServerView:
    """A server that answered `GET /healthz`. Times are in seconds."""

    version: str | None
    """The version of csvmill; None if the server does not send it."""
    latency: float
    """Duration of the request."""
    skew: float | None
    """How far its clock is ahead of this machine's, to the second; None without a `Date` header."""

    @classmethod
    def of(cls, text: str, date: str | None, *, sent_at: float, latency: float) -> ServerView:
        """Read a response of `/healthz`: its body, its `Date`, and when the request was sent.

        Raises ClientError if the server is not csvmill.
        """
        try:
            answer = json.loads(text)
            ours = answer["status"] == "ok"
        except (ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise ClientError(f"the server is not csvmill; it answered {text[:80]!r}")
        return cls(answer.get("version"), latency, _skew(date, sent_at + latency / 2))


def _skew(date: str | None, now: float) -> float | None:
    try:
        # `Date` has whole seconds (RFC 9110, 5.6.7), so on average half a second is missing.
        return parsedate_to_datetime(date or "").timestamp() + 0.5 - now
    except ValueError:
        return None
