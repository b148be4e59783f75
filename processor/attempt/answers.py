"""Answers a job by what another one has computed: the same question of the same bytes."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from processor.engines.kernel_run import kernel_program
from shared.aggregation.json_codec import encode_aggregation
from shared.blobs.blob import preview_key, rejects_key, result_key
from shared.errors import BlobNotFound

if TYPE_CHECKING:
    from shared.jobs.job import Job, JobResult
    from shared.jobs.job_input import JobInput
    from shared.ports import Blobs, JobReader

FILE_COLUMN = "@file"
"""The column with the name of the file, in a spec."""
_PIECE = 1 << 20


class Answers:
    """Finds the results of earlier jobs, and copies them within storage."""

    def __init__(
        self, jobs: JobReader, blobs: Blobs, *, program: str, enabled: bool = True
    ) -> None:
        """`program` is different for each program that may compute other results."""
        self._jobs = jobs
        self._blobs = blobs
        self._program = program
        self._enabled = enabled

    def key(self, job: Job) -> str:
        """Return the digest of all that the result of a job depends on, in lower-case hex.

        An input counts by its digest if that was declared, and storage has verified it; else as
        this version of this upload. Its name counts where the report or the result may have it.
        """
        spec = encode_aggregation(job.aggregation)
        named = len(job.inputs) > 1 or FILE_COLUMN in spec
        parts = [
            job.tenant,
            self._program,
            spec,
            [[*_identity(each), each.name if named else None] for each in job.inputs],
        ]
        return hashlib.sha256(json.dumps(parts).encode("utf-8", "surrogatepass")).hexdigest()

    async def find(self, job: Job) -> Job | None:
        """Return the latest job whose result is also that of `job`; None if there is none."""
        if not self._enabled or not job.cache:
            return None
        if job.upload_id is not None and job.inputs[0].sha256 is None:
            return None  # no job can have read this upload before
        return await self._jobs.answered(job.tenant, self.key(job))

    async def copy(self, found: Job, job: Job) -> JobResult | None:
        """Copy the outputs of a job that `find` has returned to the keys of an attempt.

        Returns None if they have been removed meanwhile. Atomic for each of them.
        """
        result = found.result
        if result is None:
            return None
        try:
            rejects = result.rejects
            if rejects is not None:
                key = rejects_key(job.id, job.attempt)
                await self._blobs.assemble(key, [rejects.key])
                rejects = replace(rejects, key=key)
            with suppress(BlobNotFound):  # only some formats have one
                await self._blobs.assemble(
                    preview_key(job.id, job.attempt), [preview_key(found.id, found.attempt)]
                )
            key = result_key(job.id, job.attempt)
            await self._blobs.assemble(key, [result.key])
        except BlobNotFound:
            return None
        return replace(result, key=key, rejects=rejects)


def _identity(each: JobInput) -> tuple[str | None, ...]:
    if each.sha256 is not None:
        return "sha256", each.sha256
    return "upload", str(each.upload_id), each.version


@cache
def program_digest() -> str:
    """Return the digest of this version and of its kernel, which is read as a whole."""
    digest = hashlib.sha256(version("csvmill").encode())
    with kernel_program().open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
