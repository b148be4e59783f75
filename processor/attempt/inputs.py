"""Checks that the inputs of a job are still those that it was asked of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from shared.jobs.job import Job
    from shared.jobs.job_input import JobInput
    from shared.ports import Blobs

AT_A_TIME = 16
"""Inputs that storage is asked about at the same time."""


async def check_inputs(blobs: Blobs, job: Job) -> None:
    """Raise AttemptFailed if an input of a job that was asked for is not what it was then.

    An upload may be deleted, and sent again under the same id with other bytes. The versions of its
    blobs differ, and none comes back: if this holds after the bytes were read, they were the right
    ones. The job of an upload needs no check, as its upload cannot be sent again before it ends.
    Raises BlobNotFound if an input is gone.
    """
    if job.upload_id is not None:
        return
    for start in range(0, len(job.inputs), AT_A_TIME):
        some = job.inputs[start : start + AT_A_TIME]
        await asyncio.gather(*(_check(blobs, each) for each in some))


async def _check(blobs: Blobs, each: JobInput) -> None:
    blob = await blobs.peek(each.key)
    if each.version not in (None, blob.version):
        raise AttemptFailed(
            f"upload {each.upload_id} ({each.name}) was deleted and sent again since the job was "
            "asked for; ask again"
        )
