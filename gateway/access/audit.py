"""Writes what requests do into the audit trail, before they are answered.

What they do to jobs, the job store records in the same transaction (`shared.access.acting`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.caller import BY_LINK
from gateway.acts import Act, noted_acts
from shared.access.acting import acting, acts_as
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiohttp.typedefs import Handler

    from shared.access.acting import Acting
    from shared.access.audit import Action, AuditEntry
    from shared.access.port import AuditTrail

ONCE = 600.0
"""Seconds in which the same download by the same caller is one entry: downloads come in ranges."""
REMEMBERED = 10_000
"""The most downloads that are remembered for that."""
WAITING_LIMIT = 10_000
"""The most entries that are kept while the database does not answer."""
REMOVAL_INTERVAL = 3600.0
"""Seconds between two removals of entries whose retention has ended."""
REMOVED_AT_ONCE = 1000
"""Entries that one statement removes."""

log = logging.getLogger(__name__)


class Auditor:
    """Records the acts of the requests of one application. Call `install` once."""

    def __init__(self, trail: AuditTrail, ttl: float) -> None:
        """`ttl` is the seconds for which entries are kept."""
        self._trail = trail
        self._ttl = ttl
        self._seen: OrderedDict[tuple[object, ...], float] = OrderedDict()
        self._waiting: list[AuditEntry] = []
        """Entries that are not written yet."""
        self._writing: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        """Writes what waits when `_writing` has ended."""

    def install(self, app: web.Application) -> None:
        """Let the handlers of `app` find this, and remove old entries while it runs."""
        app[AUDITOR] = self
        app.cleanup_ctx.append(self._remove_old)

    async def record_acts(
        self, who: Acting, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        """Return what `handler` answers to a request, and record what `who` has done by it."""
        with acts_as(who), noted_acts() as acts:
            try:
                return await handler(request)
            finally:
                if acts:
                    # Also if the client has gone, and the handler was cancelled.
                    await self._record(who, acts)

    async def record_read(self, request: web.Request, action: Action, of: str) -> None:
        """Record that a request reads an output, unless its caller has done so just before.

        Raises DatabaseUnavailable.
        """
        who = acting()
        caller = (who, action, of)
        now = time.monotonic()
        if who is None or now - self._seen.get(caller, -ONCE) < ONCE:
            return
        await self._record(who, [Act(action, of, "signed link" if request.get(BY_LINK) else None)])
        self._seen[caller] = now
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    async def _record(self, who: Acting, acts: Sequence[Act]) -> None:
        now = time.time()
        entries = [who.entry(act.action, act.object, now, act.detail) for act in acts]
        self._waiting += entries
        if self._next is None:
            self._next = asyncio.create_task(self._write(self._writing))
        # Entries of requests at the same time are written together; and also if the client of this
        # one has gone.
        await asyncio.shield(self._next)

    async def _write(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._writing, self._next = self._next, None
        entries, self._waiting = self._waiting, []
        try:
            await self._trail.record(*entries)
        except DatabaseUnavailable:
            # What was done is done: the entries are written with the next ones.
            self._waiting = [*entries, *self._waiting][:WAITING_LIMIT]
            log.warning(
                "%d entries of the audit trail wait for the database: %s",
                len(self._waiting),
                "; ".join(f"{entry.action} {entry.object}" for entry in entries),
            )
            raise

    async def _remove_old(self, _app: web.Application) -> AsyncIterator[None]:
        removing = asyncio.create_task(self._keep_removing())
        yield
        removing.cancel()
        with suppress(asyncio.CancelledError):
            await removing
        if self._next is not None:
            await asyncio.wait([self._next])
        if self._waiting:
            await self._trail.record(*self._waiting)

    async def _keep_removing(self) -> None:
        while True:
            await asyncio.sleep(REMOVAL_INTERVAL)
            try:
                await self.remove_old(time.time())
            except DatabaseUnavailable as error:
                log.warning("old entries of the audit trail are not removed now: %s", error)

    async def remove_old(self, now: float) -> None:
        """Remove the entries whose retention has ended. Raises DatabaseUnavailable."""
        while await self._trail.remove_before(now - self._ttl, limit=REMOVED_AT_ONCE):
            pass


AUDITOR = web.AppKey("auditor", Auditor)


async def record_read(request: web.Request, action: Action, of: object) -> None:
    """Record that a request is about to be sent bytes of an output, if there is an audit trail.

    Raises DatabaseUnavailable.
    """
    auditor = request.app.get(AUDITOR)
    if auditor is not None:
        await auditor.record_read(request, action, str(of))
