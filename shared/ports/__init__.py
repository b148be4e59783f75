"""The three ports of the services to the outside world, each with its contract.

Every port has a production adapter and an embedded one. Both are product code, and both pass
the same contract suite in `tests/contract/`.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.ports.blobs import Blobs
from shared.ports.bus import Bus, Delivery
from shared.ports.datasets import Datasets
from shared.ports.deliveries import Deliveries
from shared.ports.fetches import Fetches
from shared.ports.head_starts import HeadStarts
from shared.ports.job_store import JobStore
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
