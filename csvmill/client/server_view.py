"""A server as it presents itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from csvmill.client.errors import ClientError


@dataclass(frozen=True, slots=True)
class ServerView:
    """What is known of a server that answers. Times are in seconds."""

    version: str | None
    """Of csvmill; None if it does not tell."""
    latency: float
    """Until the answer was there."""
    skew: float | None
    """How far its clock is ahead of this machine's, to a second; None if it does not tell."""

    @classmethod
    def of(cls, text: str, date: str | None, *, asked: float, latency: float) -> ServerView:
        """Read an answer of `/healthz`: its body, its `Date`, when it was asked for.

        Raises ClientError if it is not from csvmill.
        """
        try:
            answer = json.loads(text)
            ours = answer["status"] == "ok"
        except (ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            raise ClientError(f"what answers there is not csvmill: {text[:80]!r}")
        return cls(answer.get("version"), latency, _skew(date, asked + latency / 2))


def _skew(date: str | None, now: float) -> float | None:
    try:
        # `Date` is cut off to the second (RFC 9110, 5.6.7): on the average half of one is missing.
        return parsedate_to_datetime(date or "").timestamp() + 0.5 - now
    except ValueError:
        return None
