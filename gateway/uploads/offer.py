"""Offers large uploads to processors, which aggregate them while they are received."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from aiohttp import web

from shared.errors import DatabaseUnavailable
from shared.jobs.engine_choice import EngineChoice
from shared.uploads.keys import tenant_of

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.uploads.upload import Upload
    from shared.access.tenant import Tenant
    from shared.ports import HeadStarts

AGAIN = 10.0
"""Seconds after which an upload of which bytes still arrive is offered again: the processor that
followed it may have given up while no bytes arrived."""
_REMEMBERED = 10_000

log = logging.getLogger(__name__)


class HeadStartOffers:
    """Offers uploads in the background. An offer is a hint: it delays nothing, and may be lost."""

    def __init__(self, head_starts: HeadStarts, *, min_size: int) -> None:
        """`min_size`: bytes of the smallest upload that is worth it."""
        self._head_starts = head_starts
        self._min_size = min_size
        self._offered: OrderedDict[UUID, float] = OrderedDict()
        """When each upload was offered, in seconds of the monotonic clock."""
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, upload: Upload, received: int) -> None:
        """Offer an upload whose header was received, unless it was offered a moment ago.

        `received` is how many of its bytes have arrived without a gap, recorded or not.
        """
        if not self._is_worth_it(upload, received):
            return
        now = time.monotonic()
        if now < self._offered.get(upload.id, -AGAIN) + AGAIN:
            return
        self._offered[upload.id] = now
        self._offered.move_to_end(upload.id)
        if len(self._offered) > _REMEMBERED:
            self._offered.popitem(last=False)
        task = asyncio.create_task(self._offer(upload.id, tenant_of(upload.blob.key)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def applies_to(self, upload: Upload) -> bool:
        """Whether the upload is incomplete, becomes a job here, and is known to be large."""
        return self._is_worth_it(upload, upload.blob.prefix)

    def _is_worth_it(self, upload: Upload, received: int) -> bool:
        size = upload.blob.size
        known = received if size is None else size
        if upload.is_part or upload.becomes_no_job or upload.engine is EngineChoice.SPARK:
            return False
        return known >= self._min_size and not upload.blob.complete

    async def close(self) -> None:
        """Wait for the offers that are being made."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _offer(self, upload_id: UUID, tenant: Tenant) -> None:
        try:
            await self._head_starts.offer(upload_id, tenant=tenant, now=time.time())
        except DatabaseUnavailable as error:
            log.debug("upload %s is not offered: %s", upload_id, error)


HEAD_START_OFFERS = web.AppKey("head_start_offers", HeadStartOffers)
