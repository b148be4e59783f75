"""The exchange and the queues on the broker.

    publish ──> csvmill.jobs ─┬─> csvmill.jobs.{waiting,small} ──(consumer)──> acked
                 (exchange)   │        │ rejected, or redelivered too often
                              │        └──> csvmill.jobs.dead        for operators
                              ├─> csvmill.jobs.delayed.{1s,...,1h}
                              │        └──(expired)──> csvmill.jobs.waiting
                              └─> csvmill.jobs.dead                 jobs that used up their attempts

One direct exchange, to which every queue is bound under its own name. All queues are quorum
queues: replicated in a cluster, and on disk. A message moves from one queue to another "at least
once" (confirmed internally; for that, full queues must reject publishes and not drop messages), so
that no wake-up is lost between two queues.

Small jobs have a queue of their own, with consumers of their own, so that they do not wait behind
large ones. Delays end in the queue of all others, as a small job that is delayed has waited anyway.

Delays: the broker expires messages only at the head of a queue, so one long delay would hold up
every shorter one behind it. Hence there is a queue for each order of magnitude. A message carries
its own delay, and the queue's limit caps how long it waits behind others. A delay of d seconds ends
after d at the earliest, and after the limit of its queue at the latest (1.5 s: within 10 s; in
practice delays of one kind are about equal and expire in order).

The arguments of an existing queue cannot be changed: give a queue that must change a new name.
RabbitMQ 3.10 to 4.x all support what is used here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

EXCHANGE = "csvmill.jobs"
WAITING = "csvmill.jobs.waiting"
SMALL = "csvmill.jobs.small"
"""The wake-ups of small jobs; those of all others are in `WAITING`."""
DEAD = "csvmill.jobs.dead"

DELIVERY_LIMIT = 20
"""How often a wake-up may be redelivered before it is dead-lettered.

The broker counts: up to RabbitMQ 4.2 every redelivery, from 4.3 on only those after a failure (the
handler raised, or the consumer died) and not those after a nack. The limit is explicit because 3.10
has no default, and 4.x has 20.
"""
LONGEST_DELAY = 3600.0
"""Seconds."""
DEAD_LETTERS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A durable queue that is bound to `EXCHANGE` under its name."""

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
            # The oldest are dropped first. Their jobs are in the database.
            "x-max-length": DEAD_LETTERS_KEPT,
            # Showing a message in the management UI requeues it, which 4.x counts. This queue has
            # no dead-letter queue, so a message over the limit would be dropped.
            "x-delivery-limit": 1_000_000_000,
        },
    ),
    _quorum(WAITING, DEAD, delivery_limit=DELIVERY_LIMIT),
    _quorum(SMALL, DEAD, delivery_limit=DELIVERY_LIMIT),
    *(
        _quorum(f"csvmill.jobs.delayed.{label}", WAITING, message_ttl=int(limit * 1000))
        for label, limit in _DELAYS.items()
    ),
)
"""In the order of declaration: a queue comes after the queue that it dead-letters to."""


def queue_for(delay: float, *, small: bool = False) -> str:
    """Return the queue, and routing key, for a wake-up with a delay of `delay` seconds."""
    if delay <= 0:
        return SMALL if small else WAITING
    label = next(
        (label for label, limit in _DELAYS.items() if delay <= limit), next(reversed(_DELAYS))
    )
    return f"csvmill.jobs.delayed.{label}"
