"""One of several storage servers, and what is known of it."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from shared.blobs import protocol, responses
from shared.blobs.client import HttpBlobs
from shared.errors import CsvmillError, StorageFull, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.blobs.blob import BlobActivity

PROBE_TIMEOUT = 5.0
"""Seconds in which a server has to answer a probe."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """What the last probe of a server has found."""

    fault: CsvmillError | None
    """Why it takes no new blobs; None if it does."""
    silent_since: float | None = None
    """When it first failed to answer, in seconds of the monotonic clock; None if it answers."""


class StorageServer(HttpBlobs):
    """A client of a storage server that can be one of several (see `shared.ports.adoption`)."""

    state = ServerState(StorageUnavailable("the storage server was not asked yet"))

    @property
    def name(self) -> str:
        """The URL, which identifies the server."""
        return self._base_url

    @property
    def ready(self) -> bool:
        """Whether it takes new blobs."""
        return self.state.fault is None

    @property
    def answers(self) -> bool:
        """Whether its blobs can be used: it takes new ones, or would with more space."""
        return self.ready or isinstance(self.state.fault, StorageFull)

    def silence(self) -> float:
        """Return for how many seconds it has not answered."""
        since = self.state.silent_since
        return 0.0 if since is None else time.monotonic() - since

    async def probe(self) -> None:
        """Ask whether it takes new blobs, and remember what it answers."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await responses.content_of(await self._send("GET", protocol.SHARED_PATH))
        except (CsvmillError, TimeoutError) as error:
            silent = isinstance(error, TimeoutError) or isinstance(
                error.__cause__, (aiohttp.ClientError, OSError)
            )
            since = began if self.state.silent_since is None else self.state.silent_since
            known = error if isinstance(error, CsvmillError) else responses.unavailable(error)
            self.state = ServerState(known, since if silent else None)
        else:
            self.state = ServerState(None)

    @asynccontextmanager
    async def walk_here(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See `AdoptsUploads`."""
        response = await self._send("GET", protocol.walk_path(kind, here=True))
        async with response, aclosing(responses.activities_of(response)) as found:
            yield found
