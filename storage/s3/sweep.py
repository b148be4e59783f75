"""Removes what a crash has left in object storage: parts and objects that no blob names."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from shared.errors import CsvmillError

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.s3.bucket import Bucket
    from storage.s3.names import Names
    from storage.s3.remote import RemoteBlobs

INTERVAL = 6 * 3600.0
"""Seconds between two sweeps. Each asks for the description of every blob that is old enough."""

log = logging.getLogger(__name__)


class Sweep:
    """Removes orphans that are older than `age` seconds. A context, within which it sweeps.

    The age has to exceed the time between the last part of a blob and its description, which is
    seconds. `clock` returns Unix seconds, and may differ from that of object storage by less.
    """

    def __init__(
        self,
        remote: RemoteBlobs,
        bucket: Bucket,
        names: Names,
        *,
        age: float,
        clock: Callable[[], float],
    ) -> None:
        self._remote = remote
        self._bucket = bucket
        self._names = names
        self._age = age
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> None:
        """Remove orphans once. Raises StorageUnavailable."""
        before = self._clock() - self._age
        async for each in self._bucket.unfinished(self._names.data):
            if each.begun < before and not await self._named(each.name, each.upload_id):
                await self._bucket.abort(each.name, each.upload_id)
                log.info("aborted the orphaned multipart upload of %s", each.name)
        async for listed in self._bucket.objects(self._names.data):
            if listed.modified < before and not await self._named(listed.name, None):
                await self._bucket.delete(listed.name)
                log.info("removed the orphaned object %s", listed.name)
        async for listed in self._bucket.objects(self._names.inflights()):
            key = self._names.key_of_inflight(listed.name)
            if (
                key is not None
                and listed.modified < before
                and await self._is_complete(listed.name)
            ):
                await self._bucket.delete(listed.name)

    async def _named(self, name: str, upload_id: str | None) -> bool:
        """Whether a blob is, or will be, in the object or multipart upload."""
        key = self._names.key_of_data(name)
        if key is None:
            return True  # not of this service
        inflight = await self._remote.inflight(key)
        if inflight is not None and inflight.data == name:
            return True
        about = await self._remote.find(key)
        return upload_id is None and about is not None and about.data == name

    async def _is_complete(self, name: str) -> bool:
        key = self._names.key_of_inflight(name)
        return key is not None and await self._remote.find(key) is not None

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.sweep()
            except CsvmillError as error:
                log.warning("orphans in object storage are removed later: %s", error)
            except Exception:  # without the task, orphans would stay unnoticed
                log.exception("the sweep of object storage failed")
