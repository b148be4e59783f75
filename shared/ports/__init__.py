"""The three ports: what services need of the outside world, each with what it promises.

Every port has a production adapter and an embedded one. Both are product code, and both pass
the same contract suite in `tests/contract/`.
"""

from shared.ports.blobs import Blobs
from shared.ports.bus import Bus, Delivery
from shared.ports.job_store import JobStore

__all__ = ["Blobs", "Bus", "Delivery", "JobStore"]
