"""Recovers orphans: starts the jobs of complete uploads whose gateway died before it could.

A client that repeats an unanswered last chunk gets its job from any gateway. Orphan recovery is for
the client that does not come back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

from processor.maintenance.periodic import run_periodically
from shared.blobs.blob import UPLOADS, upload_of
from shared.errors import BlobNotFound, CsvmillError, DatabaseUnavailable
from shared.telemetry.ids import also_bound_ids
from shared.uploads.keys import tenant_of
from shared.uploads.metadata import awaits_mark, becomes_no_job, filename_of, is_part
from shared.uploads.record import record
from shared.uploads.start_job import start_job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from processor.events import ProcessorEvents
    from shared.blobs.blob import BlobActivity, BlobKey
    from shared.jobs.job import Job
    from shared.ports import Ports

BATCH = 100
"""Uploads per query to the database."""
FULL_SCAN_INTERVAL = 3600.0
"""Seconds between two scans of all uploads; other scans skip those unused since the last scan."""
SLACK = 5.0
"""Seconds by which storage's answer may be out of date."""

log = logging.getLogger(__name__)


class OrphanRecovery:
    """Safe to run on any number of processors: the database allows one job per upload.

    An upload is last used when its last byte arrives, and does not change afterwards. So an upload
    that has been checked needs no further check until it is used again.
    """

    def __init__(
        self,
        ports: Ports,
        events: ProcessorEvents,
        *,
        max_attempts: int,
        interval: float,
        after: float,
    ) -> None:
        """`max_attempts` is that of the jobs created here.

        `interval` is the time between two scans, in seconds. `after` is how long an upload must
        have been unused, in seconds: until then its gateway may still start the job.
        """
        self._ports = ports
        self._events = events
        self._max_attempts = max_attempts
        self._interval = interval
        self._after = after
        self._last_scan = self._last_full_scan = -math.inf
        self._scanning = asyncio.Lock()
        self._unreadable: dict[UUID, BlobKey] = {}
        """Uploads that could not be checked, and are checked again in the next scan."""

    async def run(self) -> None:
        """Scan every `interval` seconds until cancelled. Survives outages."""
        await run_periodically(
            "orphan recovery", self.recover, interval=self._interval, random_start=True
        )

    async def recover(self) -> int:
        """Start the missing jobs and return their number. Raises Unavailable."""
        async with self._scanning:
            return await self._recover_all()

    async def _recover_all(self) -> int:
        started_at = time.monotonic()
        full = started_at - self._last_full_scan >= FULL_SCAN_INTERVAL
        used_since = -math.inf if full else self._last_scan - self._after - SLACK
        recovered = 0
        unreadable = list(self._unreadable.items())
        for at in range(0, len(unreadable), BATCH):
            recovered += await self._recover_batch(dict(unreadable[at : at + BATCH]))
        batch: dict[UUID, BlobKey] = {}
        async with self._ports.blobs.walk(UPLOADS) as found:
            async for activity in found:
                upload_id = upload_of(activity.key)
                if upload_id is not None and self._may_be_orphan(activity, used_since):
                    batch[upload_id] = activity.key
                if len(batch) == BATCH:
                    recovered += await self._recover_batch(batch)
                    batch = {}
        recovered += await self._recover_batch(batch)
        self._last_scan = started_at
        if full:
            self._last_full_scan = started_at
        return recovered

    def _may_be_orphan(self, activity: BlobActivity, used_since: float) -> bool:
        last_used = time.monotonic() - activity.idle
        return activity.complete and activity.idle >= self._after and last_used >= used_since

    async def _recover_batch(self, uploads: Mapping[UUID, BlobKey]) -> int:
        jobs = await self._ports.jobs.of_uploads(list(uploads))
        for upload_id in jobs:
            self._unreadable.pop(upload_id, None)
        orphans = [(each, key) for each, key in uploads.items() if each not in jobs]
        return sum([await self._recover(upload_id, key) for upload_id, key in orphans])

    async def _recover(self, upload_id: UUID, key: BlobKey) -> bool:
        """Start the job of one upload. Returns whether it has one now."""
        with also_bound_ids(upload_id=upload_id, tenant=tenant_of(key)):
            try:
                job = await self._start_job(upload_id, key)
            except DatabaseUnavailable:
                raise
            except CsvmillError as error:
                # One upload that cannot be read must not stop the others.
                if upload_id not in self._unreadable:
                    log.warning("upload %s has no job and cannot be read: %s", upload_id, error)
                self._unreadable[upload_id] = key
                return False
            self._unreadable.pop(upload_id, None)
            if job is None:
                return False
            self._events.upload_recovered(job)
            return True

    async def _start_job(self, upload_id: UUID, key: BlobKey) -> Job | None:
        blobs = self._ports.blobs
        try:
            # `peek` does not count as a use: parts must expire although they are checked here.
            found = await blobs.peek(key)
            metadata = found.metadata
            if is_part(metadata) or awaits_mark(metadata):
                return None
            if becomes_no_job(metadata):
                if found.complete:
                    await record(self._ports.jobs.datasets, upload_id, found)
                return None
            # `info` does, so that the sweeper keeps the upload while its job is started.
            blob = await blobs.info(key)
        except BlobNotFound:
            return await self._ports.jobs.of_upload(upload_id)
        if not blob.complete:
            return None
        filename = filename_of(upload_id, blob.metadata)
        return await start_job(
            self._ports, self._events, upload_id, blob, filename, max_attempts=self._max_attempts
        )
