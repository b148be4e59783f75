"""The place of an upload that its first chunk creates, within the quota of its tenant."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shared.errors import QuotaExceeded, TooManyJobs, TooManyUploads
from shared.jobs.wake_up import SMALL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from shared.blobs.blob import BlobInfo, Declaration


class Place:
    """Reserves what an upload may need when its first chunk arrives. Later chunks cost nothing.

    A small upload is reserved only if its first chunk does not complete it: most do, and then its
    job tells its size.
    """

    def __init__(
        self, context: UploadContext, upload_id: UUID, declaration: Declaration | None
    ) -> None:
        self._context = context
        self._upload_id = upload_id
        self._size = (declaration and declaration.size) or 0
        self._declared = declaration is not None
        self._first = False

    async def admit(self, blob: BlobInfo) -> None:
        """Check the quota before the first byte; the upload is removed if it does not fit in.

        Raises TooManyJobs, TooManyUploads, QuotaExceeded.
        """
        self._first = self._declared and not blob.received
        if not self._first:
            return
        async with self._removed_if_refused():
            await self._context.quotas.check(self._context.tenant, self._size)
            if self._size > SMALL:
                await self._reserve()

    async def keep(self, blob: BlobInfo) -> None:
        """Reserve what is left to come of a small upload. Raises as `admit`."""
        if self._first and self._size <= SMALL and not blob.complete:
            async with self._removed_if_refused():
                await self._reserve()

    async def _reserve(self) -> None:
        await self._context.quotas.reserve(self._context.tenant, self._upload_id, self._size)

    @asynccontextmanager
    async def _removed_if_refused(self) -> AsyncIterator[None]:
        try:
            yield
        except (QuotaExceeded, TooManyJobs, TooManyUploads):
            await self._context.ports.blobs.delete(self._context.key(self._upload_id))
            raise
