"""Every exchange and queue on the broker, in one place.

    publish ──> csvmill.jobs ─┬─> csvmill.jobs.waiting ──(consumer)──> acknowledged
                 (exchange)   │        │ rejected, or returned too often
                              │        └──> csvmill.jobs.dead        for operators to look at
                              ├─> csvmill.jobs.delayed.{1s,...,1h}
                              │        └──(time is up)──> csvmill.jobs.waiting
                              └─> csvmill.jobs.dead                 jobs that failed for good

One direct exchange, in which every queue is bound under its own name. All queues are quorum
queues: replicated in a cluster, on disk everywhere. What leaves a queue for another does so "at
least once" (confirmed internally; this is why they must refuse publishes rather than drop
messages when full), so that no wake-up is lost between two queues.

Delays: the broker expires messages at the head of a queue only, so one long delay would hold up
every shorter one behind it. Hence a queue for each order of magnitude: a message carries its own
delay, and the queue's limit caps what it can wait behind others. A delay of d seconds thus ends
after d at the earliest, and after the limit of d's queue at the latest (1.5 s: within 10 s; in
practice delays of one kind are about equal and come out in order).

Arguments of a queue cannot be changed once it exists: give a queue that must change a new name.
Everything here is understood by RabbitMQ 3.10 to 4.x alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXCHANGE = "csvmill.jobs"
WAITING = "csvmill.jobs.waiting"
DEAD = "csvmill.jobs.dead"

DELIVERY_LIMIT = 20
"""How often a wake-up may come back from its consumers before it is dead-lettered.

What counts is the broker's affair: up to RabbitMQ 4.2 every return, from 4.3 on a failure (the
handler raised, or the consumer died) but not a wake-up that was handed back on purpose. The limit
is stated because 3.10 has none of its own, and 4.x has 20.
"""
LONGEST_DELAY = 3600.0
"""Seconds."""
DEAD_LETTERS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue, bound to `EXCHANGE` under its name."""

    name: str
    arguments: Mapping[str, str | int]


def _quorum(name: str, dead_letters_to: str, **more: int) -> QueueSpec:
    return QueueSpec(
        name,
        {
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": EXCHANGE,
            "x-dead-letter-routing-key": dead_letters_to,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            **{f"x-{key.replace('_', '-')}": value for key, value in more.items()},
        },
    )


_DELAYS = {"1s": 1.0, "10s": 10.0, "1m": 60.0, "10m": 600.0, "1h": LONGEST_DELAY}

QUEUES: tuple[QueueSpec, ...] = (
    QueueSpec(
        DEAD,
        {
            "x-queue-type": "quorum",
            # The oldest go first: the truth about their jobs is in the database anyway.
            "x-max-length": DEAD_LETTERS_KEPT,
            # Looking at a message in the management UI returns it, which 4.x counts. Nothing
            # lies behind this queue, so a message over the limit would be gone.
            "x-delivery-limit": 1_000_000_000,
        },
    ),
    _quorum(WAITING, DEAD, delivery_limit=DELIVERY_LIMIT),
    *(
        _quorum(f"csvmill.jobs.delayed.{label}", WAITING, message_ttl=int(limit * 1000))
        for label, limit in _DELAYS.items()
    ),
)
"""In the order of declaration: what a queue hands messages on to comes before it."""


def queue_for(delay: float) -> str:
    """The queue (and routing key) for a wake-up to be delivered after `delay` seconds."""
    if delay <= 0:
        return WAITING
    label = next(
        (label for label, limit in _DELAYS.items() if delay <= limit), next(reversed(_DELAYS))
    )
    return f"csvmill.jobs.delayed.{label}"
