"""Jobs in the states that the tests need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.errors import (
    BlobNotFound,
)

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Job
    from tests.unit.gateway.conftest import Gateway


BODY = b"Song,Date,Number of Plays\na,2026-01-01,1\n"


async def uploaded(gateway: Gateway, dzuuid: str = "an upload") -> Job:
    """Return the job of a file uploaded through the API."""
    answer = await gateway.chunk(dzuuid, BODY, offset=0, size=len(BODY), total=len(BODY))
    return await gateway.job_of(answer)


async def claimed(gateway: Gateway, job: Job) -> Job:
    now = time.time()
    taken = await gateway.jobs.claim(job.id, worker="host:7", lease_until=now + 60, now=now)
    assert taken is not None
    return taken


async def failed(gateway: Gateway, dzuuid: str = "an upload") -> Job:
    """Return a job whose only attempt failed finally."""
    job = await claimed(gateway, await uploaded(gateway, dzuuid))
    return await gateway.jobs.fail(job.id, job.attempt, "no memory", final=True, now=time.time())


async def is_kept(gateway: Gateway, key: BlobKey) -> bool:
    try:
        await gateway.blobs.info(key)
    except BlobNotFound:
        return False
    return True
