"""One try to receive a file from elsewhere into an upload."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from processor.fetching.remote import Entity, RemoteChanged, RemoteFailed, RemoteRefused
from shared.access.limits import Limits
from shared.errors import BlobConflict, BlobNotFound, BytesDiffer, ChunkOutOfBounds
from shared.jobs.dataset import Dataset
from shared.uploads.metadata import FILENAME, JOB, NONE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from processor.fetching.remote import Answer, Remote
    from shared.blobs.blob import BlobInfo
    from shared.jobs.fetch import Fetch
    from shared.ports import Ports

RESERVED_AT_A_TIME = 64 << 20
"""Bytes by which the reservation of a file of unknown length grows."""


class Receiving:
    """Receives the rest of a file, from where storage has it."""

    def __init__(self, ports: Ports, fetch: Fetch) -> None:
        self._ports = ports
        self._blobs = ports.blobs
        self._fetch = fetch
        self._digest = hashlib.sha256()
        self._hashed = 0
        self._reserved = 0
        self.bytes_done = 0
        """Bytes that were received without a gap, in this try and before."""
        self.bytes_received = 0
        """Bytes that were received in this try, and not before."""

    async def run(self, remote: Remote) -> Dataset:
        """Receive the file, and return the upload that it is now.

        Raises RemoteRefused, RemoteFailed, LeaseLost, DigestMismatch, StorageUnavailable,
        StorageFull and DatabaseUnavailable. What was received is kept.
        """
        blob = await self._found()
        if blob is None or not blob.complete:
            blob = await self._received(remote, blob)
        return await self._dataset(blob)

    async def _found(self) -> BlobInfo | None:
        try:
            blob = await self._blobs.info(self._fetch.key)
        except BlobNotFound:
            return None
        self.bytes_done = blob.prefix
        return blob

    async def _received(self, remote: Remote, blob: BlobInfo | None) -> BlobInfo:
        fetch = self._fetch
        offset = 0 if blob is None else blob.prefix
        known = Entity(fetch.tag, fetch.modified, fetch.size) if offset else None
        try:
            async with remote.open(offset, known) as answer:
                await self._accept(answer, known)
                if blob is None:
                    blob = await self._created(answer.entity.size)
                blob = await self._blobs.append(fetch.key, answer.start, self._pieces(answer))
                if blob.size is None:
                    blob = await self._blobs.declare_size(fetch.key, blob.prefix)
        except (BytesDiffer, ChunkOutOfBounds, BlobConflict) as error:
            raise RemoteChanged("the file has changed since its first bytes came") from error
        if not blob.complete:
            raise RemoteFailed(f"the file ended after {blob.prefix} of {blob.size} bytes")
        return blob

    async def _accept(self, answer: Answer, known: Entity | None) -> None:
        """Record which file it is, and reserve its bytes. Raises RemoteRefused."""
        size = answer.entity.size
        if size is not None:
            await self._reserve(size)
        if known is None or answer.entity != known:
            await self._ports.jobs.fetches.identify(
                self._fetch.upload_id,
                self._fetch.token,
                tag=answer.entity.tag,
                modified=answer.entity.modified,
                size=size,
            )

    async def _created(self, size: int | None) -> BlobInfo:
        fetch = self._fetch
        return await self._blobs.create(
            fetch.key, size, sha256=fetch.sha256, metadata={FILENAME: fetch.name, JOB: NONE}
        )

    async def _pieces(self, answer: Answer) -> AsyncIterator[bytes]:
        at = answer.start
        whole = at == 0
        async for piece in answer.pieces:
            end = at + len(piece)
            if answer.entity.size is None:
                await self._reserve(end)
            if whole:
                self._digest.update(piece)
                self._hashed = end
            yield piece
            at = end
            if at > self.bytes_done:
                self.bytes_received += at - self.bytes_done
                self.bytes_done = at
        if answer.entity.size is not None and at < answer.entity.size:
            raise RemoteFailed(f"the file ended after {at} of {answer.entity.size} bytes")

    async def _reserve(self, size: int) -> None:
        """Check that a file of `size` bytes may be stored, and reserve them for it."""
        fetch = self._fetch
        if fetch.max_size is not None and size > fetch.max_size:
            raise RemoteRefused(
                f"the file has {size} bytes or more, and an upload has at most {fetch.max_size}"
            )
        if fetch.max_bytes is None or size <= self._reserved:
            return
        self._reserved = max(size, min(self._reserved + RESERVED_AT_A_TIME, fetch.max_bytes))
        quotas = self._ports.jobs.access.quotas
        usage = await quotas.usage_of(fetch.tenant, most_waiting=1)
        refusal = await quotas.reserve(
            fetch.upload_id,
            fetch.tenant,
            self._reserved,
            Limits(max_bytes=fetch.max_bytes),
            stored=usage.stored,
            now=time.time(),
        )
        if refusal is not None:
            raise RemoteRefused(
                f"tenant {fetch.tenant} stores {refusal.used} bytes; with {size} more it exceeds "
                f"its {fetch.max_bytes} bytes"
            )

    async def _dataset(self, blob: BlobInfo) -> Dataset:
        fetch = self._fetch
        size = blob.size or 0
        return Dataset(
            fetch.upload_id,
            fetch.tenant,
            fetch.key,
            fetch.name,
            size,
            blob.version or None,
            blob.sha256 or await self._sha256(size),
            blob.completed_at or time.time(),
        )

    async def _sha256(self, size: int) -> str:
        """Return the digest of the bytes: read again, if they came in several tries."""
        if self._hashed != size:
            digest = hashlib.sha256()
            async with self._blobs.open(self._fetch.key) as pieces:
                async for piece in pieces:
                    digest.update(piece)
            return digest.hexdigest()
        return self._digest.hexdigest()
