"""The ports of the services to the outside world, each with its contract.

`Blobs`, `JobStore` and `Bus` have a production adapter and an embedded one each. Both are product
code, and both pass the same contract suite in `tests/contract/`. `JobReader`, `JobClaims` and so on
are parts of `JobStore`, for code that needs no more of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.ports.blobs import Blobs
from shared.ports.bus import Bus, Delivery
from shared.ports.datasets import Datasets
from shared.ports.deliveries import Deliveries
from shared.ports.fetches import Fetches
from shared.ports.head_starts import HeadStarts
from shared.ports.jobs.attempts import JobAttempts
from shared.ports.jobs.claims import JobClaims
from shared.ports.jobs.messages import JobMessages
from shared.ports.jobs.reader import JobReader
from shared.ports.jobs.store import JobStore
from shared.ports.notifications import Notifications
from shared.ports.saved_specs import SavedSpecs

__all__ = [
    "Blobs",
    "Bus",
    "Datasets",
    "Deliveries",
    "Delivery",
    "Fetches",
    "HeadStarts",
    "JobAttempts",
    "JobClaims",
    "JobMessages",
    "JobReader",
    "JobStore",
    "Notifications",
    "Ports",
    "SavedSpecs",
]


@dataclass(frozen=True, slots=True)
class Ports:
    """The adapters of one service. The caller opens and closes them."""

    blobs: Blobs
    jobs: JobStore
    bus: Bus
