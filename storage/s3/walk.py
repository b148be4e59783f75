"""List the blobs of one kind that are here or in object storage."""

from __future__ import annotations

import asyncio
import math
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.blobs.blob import BlobActivity
from storage.s3.client import ObjectGone

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from shared.blobs.blob import BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket, Listed
    from storage.s3.names import Names
    from storage.s3.notes import Notes


async def walk_here(kind: str, local: FilesystemBlobs) -> AsyncGenerator[BlobActivity, None]:
    """Yield the blobs on this server's disk; complete ones are not in object storage yet."""
    async with local.walk(kind) as found:
        async for each in found:
            yield BlobActivity(each.key, each.idle, complete=False, used=each.used)


async def walk(
    kind: str,
    local: FilesystemBlobs,
    bucket: Bucket,
    names: Names,
    notes: Notes,
    clock: Callable[[], float],
) -> AsyncGenerator[BlobActivity, None]:
    """Yield the blobs on this server's disk, then those in object storage, each once.

    Memory grows with the number of uploads in flight here. A blob that is complete here and not in
    object storage yet counts as incomplete. Raises StorageUnavailable.
    """
    seen: set[BlobKey] = set()
    async with aclosing(walk_here(kind, local)) as here:
        async for each in here:
            seen.add(each.key)
            yield each

    async def activity(key: BlobKey, listed: Listed, *, complete: bool) -> BlobActivity:
        noted = await asyncio.to_thread(notes.last_use, key)
        used = math.floor(listed.modified) if noted is None else noted
        return BlobActivity(key, max(0.0, clock() - used), complete, used)

    # First those in flight: one that becomes complete meanwhile is in the second list. So is one
    # of which storage died before it could remove what described it in flight.
    async for listed in bucket.objects(names.inflights(kind)):
        key = names.key_of_inflight(listed.name)
        if key is None or key in seen or await _exists(bucket, names.about(key)):
            continue
        seen.add(key)
        yield await activity(key, listed, complete=False)
    async for listed in bucket.objects(names.abouts(kind)):
        key = names.key_of_about(listed.name)
        if key is not None and key not in seen:
            yield await activity(key, listed, complete=True)


async def _exists(bucket: Bucket, name: str) -> bool:
    try:
        await bucket.size(name)
    except ObjectGone:
        return False
    return True
