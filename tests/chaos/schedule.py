"""The schedule of faults: drawn from a seed before the run starts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GATEWAYS = ("gateway-1", "gateway-2")
PROCESSORS = ("processor-1", "processor-2", "processor-3")
STORAGE = "storage"
OTHER_STORAGE = "storage-2"
"""Only in runs with object storage."""
OBJECTS = "object storage"
DATABASE = "database"
BROKER = "broker"
CLIENT = "client"
STORAGE_DISK = "storage-disk"
SCRATCH_DISK = "scratch-disk"
DISKS = (STORAGE_DISK, SCRATCH_DISK)

LEASE = 3.0
"""Seconds of a lease in these runs."""
MEAN_PAUSE = 0.95
"""Seconds between two faults, on average."""
FARTHEST_CUT = 400_000
"""Bytes, at most, that a connection carries before a cut, or that a full disk has left."""
LONG_OUTAGE = 60.0
"""Seconds of a long outage of the database or the broker."""
BETWEEN_LONG_OUTAGES = 240.0
"""Seconds from the start of one long outage to the next. The first starts after half of it."""
LONGEST_LAG = 0.25
"""Seconds, at most, by which a slow link delays each piece of up to 64 KiB."""


class Fault(StrEnum):
    """A kind of fault of a process, server, link or disk."""

    KILL = "SIGKILL"
    TERMINATE = "SIGTERM"
    PAUSE = "SIGSTOP"
    CUT = "cut"
    STALL = "stall"
    SLOW = "slow"
    FILL = "disk full"


@dataclass(frozen=True, slots=True)
class Action:
    """One scheduled fault. Times are seconds; `at` counts from the start of the run."""

    at: float
    fault: Fault
    target: str
    """A process, a server, a disk, or a link as `link_name` names it."""
    duration: float = 0.0
    """Until the target is restarted, resumed or freed."""
    hits_job_holder: bool = False
    """Hit a processor that holds a job, or its link; `target` if there is none."""
    after: int = 0
    """Bytes that a link carries before it is cut, or that a full disk has left."""
    lag: float = 0.0
    """Seconds by which a slow link delays each piece."""
    reset: bool = False
    """Whether a cut connection ends with a reset instead of an orderly close."""


def link_name(source: str, target: str) -> str:
    """Return the name of the link from one process to another."""
    return f"{source}>{target}"


def _links(sources: tuple[str, ...], target: str) -> tuple[str, ...]:
    return tuple(link_name(source, target) for source in sources)


TO_GATEWAY = tuple(link_name(CLIENT, gateway) for gateway in GATEWAYS)
TO_STORAGE = _links((*GATEWAYS, *PROCESSORS), STORAGE)
TO_DATABASE = _links((*GATEWAYS, *PROCESSORS), DATABASE)
TO_BROKER = _links((*GATEWAYS, *PROCESSORS), BROKER)
LINKS = (*TO_GATEWAY, *TO_STORAGE, *TO_DATABASE, *TO_BROKER)


STORAGE_LOST_AFTER = 3.0
"""Seconds without an answer after which a storage server is lost in these runs."""


@dataclass(frozen=True, slots=True)
class _Card:
    fault: Fault
    targets: tuple[str, ...]
    shortest: float = 0.0
    longest: float = 0.0
    hits_job_holder: bool = False


_DECK = (
    *[_Card(Fault.KILL, PROCESSORS, 0.1, 1.5, hits_job_holder=True)] * 10,
    *[_Card(Fault.KILL, PROCESSORS, 0.1, 1.5)] * 2,
    *[_Card(Fault.TERMINATE, PROCESSORS, 0.1, 1.0, hits_job_holder=True)] * 2,
    _Card(Fault.PAUSE, PROCESSORS, 0.3, LEASE / 2),
    *[_Card(Fault.PAUSE, PROCESSORS, 1.3 * LEASE, 2.5 * LEASE, hits_job_holder=True)] * 3,
    *[_Card(Fault.KILL, GATEWAYS, 0.1, 1.5)] * 5,
    _Card(Fault.TERMINATE, GATEWAYS, 0.1, 1.0),
    *[_Card(Fault.PAUSE, GATEWAYS, 0.3, 3.0)] * 2,
    *[_Card(Fault.KILL, (STORAGE,), 0.1, 1.5)] * 4,
    _Card(Fault.TERMINATE, (STORAGE,), 0.1, 1.0),
    _Card(Fault.PAUSE, (STORAGE,), 0.3, 4.0),
    _Card(Fault.KILL, (DATABASE,), 0.1, 5.0),
    _Card(Fault.TERMINATE, (DATABASE,), 0.1, 3.0),
    _Card(Fault.PAUSE, (DATABASE,), 0.3, 1.5 * LEASE),
    _Card(Fault.KILL, (BROKER,), 0.1, 3.0),
    _Card(Fault.PAUSE, (BROKER,), 0.3, 8.0),
    *[_Card(Fault.CUT, TO_GATEWAY)] * 4,
    *[_Card(Fault.CUT, TO_STORAGE)] * 6,
    *[_Card(Fault.CUT, TO_DATABASE)] * 4,
    *[_Card(Fault.CUT, TO_BROKER)] * 3,
    _Card(Fault.STALL, TO_GATEWAY, 0.3, 3.0),
    _Card(Fault.STALL, TO_STORAGE, 0.3, 5.0),
    # A worker that finishes its job but can commit only after another has claimed it.
    *[
        _Card(
            Fault.STALL,
            _links(PROCESSORS, DATABASE),
            1.3 * LEASE,
            2.5 * LEASE,
            hits_job_holder=True,
        )
    ]
    * 4,
    _Card(Fault.STALL, TO_BROKER, 0.3, 8.0),
    *[_Card(Fault.SLOW, TO_GATEWAY, 1.0, 5.0)] * 2,
    *[_Card(Fault.SLOW, TO_STORAGE, 1.0, 5.0)] * 2,
    _Card(Fault.SLOW, TO_DATABASE, 1.0, 5.0),
    _Card(Fault.SLOW, TO_BROKER, 1.0, 5.0),
    *[_Card(Fault.FILL, (STORAGE_DISK,), 0.5, 4.0)] * 2,
    _Card(Fault.FILL, (SCRATCH_DISK,), 0.5, 4.0),
)
"""Shuffled and repeated: each kind of fault occurs about once a minute."""

_DECK_OF_REPLICAS = (
    *[_Card(Fault.KILL, (OTHER_STORAGE,), 0.1, 1.5)] * 2,
    # Longer than until a server is lost
    *[_Card(Fault.KILL, (STORAGE, OTHER_STORAGE), 5.0, 8.0)] * 2,
    _Card(Fault.TERMINATE, (OTHER_STORAGE,), 0.1, 1.0),
    _Card(Fault.PAUSE, (OTHER_STORAGE,), 5.0, 8.0),
    *[_Card(Fault.KILL, (OBJECTS,), 0.1, 4.0)] * 2,
    _Card(Fault.PAUSE, (OBJECTS,), 0.3, 5.0),
)


def schedule(seed: int, seconds: float) -> list[Action]:
    """Return the faults of the first `seconds` of the run with this seed, in order.

    A longer run with the same seed starts with the same faults.
    """
    actions: list[Action] = []
    draw = random.Random(f"{seed}/schedule")
    for action in merge(_endless(draw), _long_outages(), key=attrgetter("at")):
        if action.at >= seconds:
            return actions
        actions.append(action)
    raise AssertionError("the schedule is endless")


def faults_of_replicas(seed: int, seconds: float) -> list[Action]:
    """Return the further faults of a run with two storage servers on object storage, in order."""
    draw = random.Random(f"{seed}/replicas")
    actions: list[Action] = []
    at = 0.0
    while True:
        for card in draw.sample(_DECK_OF_REPLICAS, len(_DECK_OF_REPLICAS)):
            at += draw.uniform(1.0, 5.0)
            if at >= seconds:
                return actions
            duration = draw.uniform(card.shortest, card.longest)
            actions.append(Action(at, card.fault, draw.choice(card.targets), duration))


def overtime(seed: int, start: float, end: float) -> list[Action]:
    """Return the faults from `start` to `end`, for a run that continues because it did too little.

    Long outages are left out: during one, no job succeeds.
    """
    return [
        action
        for action in schedule(seed, end)
        if action.at >= start and action.duration < LONG_OUTAGE
    ]


def _long_outages() -> Iterator[Action]:
    for number in count():
        yield Action(
            at=(number + 0.5) * BETWEEN_LONG_OUTAGES,
            fault=Fault.TERMINATE,
            target=(DATABASE, BROKER)[number % 2],
            duration=LONG_OUTAGE,
        )


def _endless(draw: random.Random) -> Iterator[Action]:
    at = 0.0
    for _ in count():
        for card in draw.sample(_DECK, len(_DECK)):
            at += draw.uniform(0.2, 2 * MEAN_PAUSE - 0.2)
            yield Action(
                at=at,
                fault=card.fault,
                target=draw.choice(card.targets),
                duration=draw.uniform(card.shortest, card.longest),
                hits_job_holder=card.hits_job_holder,
                after=int(FARTHEST_CUT ** draw.random()),
                reset=draw.random() < 0.5,
                lag=draw.uniform(0.02, LONGEST_LAG),
            )
