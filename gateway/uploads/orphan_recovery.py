"""Adopts orphans: makes the jobs of whole uploads whose gateways died before they could.

A client whose last chunk was not answered repeats it, and gets the job from whichever gateway takes
it. This is for the client that does not come back.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from typing import TYPE_CHECKING

from gateway.uploads.upload import Upload
from gateway.uploads.uploads import Uploads
from shared.blobs.blob import UPLOADS, upload_key, upload_of
from shared.errors import BlobNotFound, CsvmillError, DatabaseUnavailable, Unavailable
from shared.telemetry.ids import also_bound_ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from uuid import UUID

    from aiohttp import web

    from shared.blobs.blob import BlobActivity

BATCH = 100
"""Uploads asked after in one go."""
FULL_LOOK = 3600.0
"""Seconds after which all uploads are looked at, and not only those used since the last look."""
SLACK = 5.0
"""Seconds that storage's answer may be old."""

log = logging.getLogger(__name__)


class Adoption:
    """Any number of gateways may look: an upload has one job, whoever makes it.

    An upload is used when its last byte comes, and does not change afterwards: so what was looked
    at once, and not used since, need not be looked at again.
    """

    def __init__(self, uploads: Uploads, *, interval: float, after: float) -> None:
        """`interval`: seconds between two looks. `after`: seconds from its last use for which an
        upload is left to the gateway that has its last byte.
        """
        self._uploads = uploads
        self._interval = interval
        self._after = after
        self._looked = self._looked_at_all = -math.inf
        self._unread: set[UUID] = set()
        """What could not be looked at, and has to be once more."""

    async def run(self) -> None:
        """Look every `interval` seconds until cancelled; outlasts any outage."""
        # Gateways that were started together do not all look at the same time.
        await asyncio.sleep(random.uniform(0, self._interval))  # noqa: S311  (no secret)
        while True:
            try:
                await self.adopt()
            except Unavailable as error:
                log.warning("uploads without a job have to wait: %s", error)
            except Exception:  # one that ended would leave uploads forgotten in silence
                log.exception("looking for uploads without a job failed, and goes on")
            await asyncio.sleep(self._interval)

    async def adopt(self) -> int:
        """Make the jobs that are missing; how many. Raises Unavailable."""
        began = time.monotonic()
        everything = began - self._looked_at_all >= FULL_LOOK
        since = -math.inf if everything else self._looked - self._after - SLACK
        adopted = 0
        unread = list(self._unread)
        for at in range(0, len(unread), BATCH):
            adopted += await self._adopt_of(unread[at : at + BATCH])
        batch: list[UUID] = []
        async with self._uploads.ports.blobs.walk(UPLOADS) as found:
            async for activity in found:
                upload_id = upload_of(activity.key)
                if upload_id is not None and self._may_be_orphan(activity, since):
                    batch.append(upload_id)
                if len(batch) == BATCH:
                    adopted += await self._adopt_of(batch)
                    batch = []
        adopted += await self._adopt_of(batch)
        self._looked = began
        if everything:
            self._looked_at_all = began
        return adopted

    def _may_be_orphan(self, activity: BlobActivity, since: float) -> bool:
        last_used = time.monotonic() - activity.idle
        return activity.complete and activity.idle >= self._after and last_used >= since

    async def _adopt_of(self, upload_ids: Sequence[UUID]) -> int:
        jobs = await self._uploads.ports.jobs.of_uploads(upload_ids)
        self._unread -= jobs.keys()
        return sum([await self._adopt(each) for each in upload_ids if each not in jobs])

    async def _adopt(self, upload_id: UUID) -> bool:
        with also_bound_ids(upload_id=upload_id):
            try:
                # Only a look: a part must not outlive its time by being looked at.
                blob = await self._uploads.ports.blobs.peek(upload_key(upload_id))
                upload = Upload(upload_id, blob)
                if upload.is_part or upload.awaits_mark:
                    self._unread.discard(upload_id)
                    return False
                adopted = await self._uploads.look_up(upload_id)
            except BlobNotFound:
                self._unread.discard(upload_id)
                return False
            except DatabaseUnavailable:
                raise
            except CsvmillError as error:
                # One that cannot be read must not keep all the others.
                if upload_id not in self._unread:
                    log.warning("upload %s has no job, and gets none for now: %s", upload_id, error)
                self._unread.add(upload_id)
                return False
            self._unread.discard(upload_id)
            if adopted is None or adopted.job is None:
                return False
            self._uploads.events.upload_adopted(adopted.job)
            return True


async def adopting(app: web.Application) -> AsyncIterator[None]:
    """Adopt for as long as the application runs."""
    uploads = Uploads.of(app)
    settings = uploads.settings
    adoption = Adoption(uploads, interval=settings.adopt_interval, after=settings.adopt_after)
    task = asyncio.create_task(adoption.run())
    yield
    task.cancel()
    await asyncio.wait((task,))
