"""Opens the files of fetches: behind URLs, or in object storage."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from processor.fetching.http_file import HttpFile
from processor.fetching.object_file import ObjectFile, check_installed
from processor.fetching.remote import RemoteRefused
from shared.errors import AddressRefused
from shared.http.elsewhere import S3, check_source, read_place
from shared.http.outgoing import open_session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from processor.fetching.remote import Remote
    from processor.settings import WorkSettings
    from shared.jobs.fetch import Fetch

    Open = Callable[[Fetch], Remote]

CONNECT, STALL = 30.0, 60.0
"""Seconds for a connection to be made, and without a byte, after which it counts as lost."""


@asynccontextmanager
async def opened_places(settings: WorkSettings) -> AsyncIterator[Open]:
    """Yield what returns the file of a fetch, or raises RemoteRefused.

    A place is judged again here, by the settings of this processor: they may differ from those of
    the gateway that accepted it, and have changed since.
    """
    policy = settings.fetch_policy()
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=STALL)
    async with open_session(policy, timeout=timeout) as session:

        def opened(fetch: Fetch) -> Remote:
            try:
                url = check_source(settings, fetch.url, fetch.tenant)
            except AddressRefused as error:
                raise RemoteRefused(str(error)) from error
            if url.startswith(S3):
                check_installed()
                return ObjectFile(read_place(url), settings)
            return HttpFile(session, policy, url, least_rate=settings.fetch_min_rate)

        yield opened
