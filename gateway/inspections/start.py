"""The start of a blob: how much of it is read, and how many are read at the same time."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from gateway.access.tenant_turns import TenantTurns
from shared.inspection.inspect import INSPECTION_LIMIT
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from shared.blobs.blob import BlobInfo
    from shared.ports import Blobs

FIRST_READ = 2 * SAMPLE_SIZE
"""Bytes read of a blob; enough for the sample of a compressed file too. If the header is longer,
`INSPECTION_LIMIT` bytes are read."""
CHECKS_AT_A_TIME = 2
"""Headers checked at the same time, and inspections, one of each tenant: it takes memory, and CPU
of the event loop."""
READ_AT_A_TIME = 16
"""Samples that are being read from storage, which may be slow, or held in memory. Of the long
samples, `CHECKS_AT_A_TIME`. Of each tenant, one."""


def reads() -> dict[int, TenantTurns]:
    """Return the turns of tenants to read, by the limit of bytes."""
    return {
        FIRST_READ: TenantTurns(READ_AT_A_TIME),
        INSPECTION_LIMIT: TenantTurns(CHECKS_AT_A_TIME),
    }


async def read_start(blobs: Blobs, blob: BlobInfo, limit: int) -> bytes:
    """Return the bytes received from the start of a blob without a gap, up to `limit`."""
    stop = min(blob.prefix, limit)
    if not stop:
        return b""
    async with blobs.open(blob.key, 0, stop) as pieces:
        return b"".join([piece async for piece in pieces])


async def digest_of(sample: bytes) -> bytes:
    """Return the SHA-256 of a sample, computed in a thread."""
    return await asyncio.to_thread(lambda: hashlib.sha256(sample).digest())
