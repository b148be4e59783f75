"""Fetches what jobs read from elsewhere into uploads, several files at a time.

A row of the database says what is to be fetched, and which processor does so until when. It is held
by renewing that; a processor that was killed loses it to another, which continues where storage has
the bytes. Each try ends the fetch, or gives it back for a later try: so nothing is in memory that a
kill would lose but the bytes on their way.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from processor.fetching.places import opened_places
from processor.fetching.receiving import Receiving
from processor.fetching.remote import RemoteFailed, RemoteRefused
from shared.errors import (
    CsvmillError,
    DatabaseUnavailable,
    DigestMismatch,
    LeaseLost,
    StorageFull,
    StorageUnavailable,
    Unavailable,
)
from shared.telemetry.ids import also_bound_ids
from shared.uploads.start_job import try_publish_wake_up

if TYPE_CHECKING:
    from processor.events import ProcessorEvents
    from processor.fetching.places import Open
    from processor.fetching.remote import Remote
    from processor.settings import WorkSettings
    from shared.jobs.dataset import Dataset
    from shared.jobs.fetch import Fetch
    from shared.jobs.job import Job
    from shared.ports import Ports

FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before the second try, and the most before a later one."""
RENEWALS = 5
"""How often in its length a lease is renewed."""
RELEASE_TIMEOUT = 5.0
"""Seconds that a stopping processor may take to give a fetch back."""
REMOVAL_INTERVAL = 60.0

log = logging.getLogger(__name__)


class Fetcher:
    """Takes fetches that are due, on any number of processors."""

    def __init__(
        self,
        ports: Ports,
        events: ProcessorEvents,
        settings: WorkSettings,
        *,
        name: str,
    ) -> None:
        self._ports = ports
        self._fetches = ports.jobs.fetches
        self._events = events
        self._settings = settings
        self._name = name
        self._running: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(settings.fetches)

    async def run(self) -> None:
        """Fetch until cancelled; then give everything back. Survives outages."""
        async with opened_places(self._settings) as open_remote:
            await self._run(open_remote)

    async def _run(self, open_remote: Open) -> None:
        cleaned = 0.0
        try:
            while True:
                await self._slots.acquire()
                taken = None
                try:
                    taken = await self._take()
                    if taken is None and time.monotonic() > cleaned + REMOVAL_INTERVAL:
                        cleaned = time.monotonic()
                        await self._clean()
                except Unavailable as error:
                    log.warning("files cannot be fetched now: %s", error)
                except Exception:  # without the task, its work would stop unnoticed
                    log.exception("fetching failed and continues")
                finally:
                    if taken is None:
                        self._slots.release()
                if taken is None:
                    await asyncio.sleep(self._settings.pause_of_fetches)
                    continue
                task = asyncio.create_task(self._fetch(taken, open_remote))
                self._running.add(task)
                task.add_done_callback(self._ended)
        finally:
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=2 * RELEASE_TIMEOUT)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a fetch failed and is tried again later", exc_info=error)

    async def _take(self) -> Fetch | None:
        if self._settings.fetches == 0:
            return None
        now = time.time()
        return await self._fetches.take(
            worker=self._name, held_until=now + self._settings.lease, now=now
        )

    async def _clean(self) -> None:
        """Remove what cancelled jobs have received, and the rows of jobs that have expired."""
        for fetch in await self._fetches.end_abandoned(now=time.time()):
            await self._ports.blobs.delete(fetch.key)
        await self._fetches.remove_old()

    async def _fetch(self, fetch: Fetch, open_remote: Open) -> None:
        with also_bound_ids(job_id=fetch.job_id, upload_id=fetch.upload_id, tenant=fetch.tenant):
            self._events.fetch_began(fetch)
            try:
                await self._try(fetch, open_remote)
            except LeaseLost:
                await self._leave(fetch)
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back(fetch))
                raise
            except DatabaseUnavailable as error:
                # No other processor takes it before the lease has run out.
                log.warning("upload %s: its fetch is tried again later: %s", fetch.upload_id, error)

    async def _try(self, fetch: Fetch, open_remote: Open) -> None:
        receiving = Receiving(self._ports, fetch)
        try:
            dataset = await self._held(fetch, receiving, open_remote(fetch))
        except (RemoteRefused, DigestMismatch) as error:
            await self._give_up(fetch, str(error), receiving)
        except RemoteFailed as error:
            progressed = receiving.bytes_received > 0 and not error.counts
            failures = 0 if progressed else fetch.failures + 1
            if failures >= self._settings.fetch_tries:
                await self._give_up(fetch, f"{error} (tried {failures} times)", receiving)
                return
            wait = error.retry_after if error.retry_after is not None else backoff(failures)
            await self._postpone(fetch, str(error), failures, wait, receiving)
        except (StorageUnavailable, StorageFull) as error:
            wait = backoff(fetch.failures + 1)
            await self._postpone(fetch, str(error), fetch.failures, wait, receiving)
        else:
            job = await self._fetches.finish(dataset, fetch.token, now=time.time())
            self._events.fetch_ended(
                fetch, "done", f"{dataset.size} bytes", receiving.bytes_received
            )
            await self._wake(job)

    async def _held(self, fetch: Fetch, receiving: Receiving, remote: Remote) -> Dataset:
        """Receive the file while the fetch is held. Raises LeaseLost."""
        work = asyncio.create_task(receiving.run(remote))
        holding = asyncio.create_task(self._hold(fetch, receiving))
        try:
            await asyncio.wait({work, holding}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                holding.result()
            return await work
        finally:
            work.cancel()
            holding.cancel()
            await asyncio.gather(work, holding, return_exceptions=True)

    async def _hold(self, fetch: Fetch, receiving: Receiving) -> None:
        lease = self._settings.lease
        interval = min(lease / RENEWALS, self._settings.progress_interval)
        deadline = time.monotonic() + lease
        while True:
            await asyncio.sleep(interval)
            try:
                await self._fetches.renew(
                    fetch.upload_id,
                    fetch.token,
                    held_until=time.time() + lease,
                    bytes_done=receiving.bytes_done,
                )
                deadline = time.monotonic() + lease
            except Unavailable:
                # Another one may take it now; the bytes of both are compared.
                if time.monotonic() > deadline:
                    raise

    async def _postpone(
        self, fetch: Fetch, reason: str, failures: int, wait: float, receiving: Receiving
    ) -> None:
        await self._fetches.postpone(
            fetch.upload_id,
            fetch.token,
            due_at=time.time() + wait,
            failures=failures,
            reason=f"fetching {fetch.name}: {reason}; the next try is in {wait:.0f} s",
        )
        self._events.fetch_ended(fetch, "postponed", reason, receiving.bytes_received)

    async def _give_up(self, fetch: Fetch, reason: str, receiving: Receiving) -> None:
        job = await self._fetches.give_up(
            fetch.upload_id,
            fetch.token,
            f"the input {fetch.name} could not be fetched: {reason}",
            now=time.time(),
        )
        self._events.fetch_ended(fetch, "failed", reason, receiving.bytes_received)
        await self._wake(job)
        with suppress(CsvmillError):  # else the sweeper removes it
            await self._ports.blobs.delete(fetch.key)

    async def _wake(self, job: Job | None) -> None:
        if job is not None:
            await try_publish_wake_up(self._ports, self._events, job)

    async def _give_back(self, fetch: Fetch) -> None:
        """Let another processor go on at once. If that fails, it does when the lease runs out."""
        with suppress(LeaseLost, Unavailable, TimeoutError):
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._fetches.postpone(
                    fetch.upload_id,
                    fetch.token,
                    due_at=time.time(),
                    failures=fetch.failures,
                    reason=None,
                )

    async def _leave(self, fetch: Fetch) -> None:
        """Stop, as another processor has taken the fetch, or its job was cancelled."""
        with suppress(Unavailable):  # else it is removed later
            for each in await self._fetches.end_abandoned(now=time.time(), held=fetch):
                await self._ports.blobs.delete(each.key)
        self._events.fetch_ended(fetch, "lost", "another processor has it, or it was cancelled", 0)


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in succession."""
    longest = min(FIRST_WAIT * 2 ** max(failures - 1, 0), LONGEST_WAIT)
    return float(longest * random.uniform(0.5, 1))  # noqa: S311 - no secret
