"""The use case of sending a file in order: what arrives stays, and the next request goes on there.

Whoever sends has a turn, which ends all turns before it: a client whose connection hangs comes
back at once, on any gateway, and is told what had arrived.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.uploads.upload import Upload, candidate_ids
from gateway.uploads.uploads import PATIENCE
from shared.blobs.blob import upload_key
from shared.errors import (
    BlobNotFound,
    InconsistentLength,
    OffsetConflict,
    UploadGone,
    UploadNotFound,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from uuid import UUID

    from gateway.uploads.uploads import Uploads
    from shared.blobs.blob import BlobInfo


@dataclass(frozen=True, slots=True)
class Sending:
    """An upload as it stood when the turn began, and the turn's token."""

    upload: Upload
    token: int

    @property
    def offset(self) -> int:
        """Where the next byte belongs."""
        return self.upload.blob.prefix

    def check_offset(self, offset: int) -> None:
        """Raise OffsetConflict if that is not where the next byte belongs."""
        if offset != self.offset:
            raise OffsetConflict(
                f"the upload is at {self.offset}, not at {offset}",
                expected=self.offset,
                provided=offset,
            )


@dataclass(frozen=True, slots=True)
class Appends:
    """Has no state: any gateway can go on where another has stopped."""

    uploads: Uploads

    async def take_over_named(self, name: str) -> Sending:
        """As `lease_append`, for the upload with this id or client-given name."""
        for upload_id in candidate_ids(name):
            with suppress(UploadNotFound):
                return await self.lease_append(upload_id)
        raise UploadNotFound(f"There is no upload {name!r}")

    async def lease_append(self, upload_id: UUID) -> Sending:
        """Begin a turn. Whoever was sending is told AppendLeaseLost, and what had arrived is kept.

        Raises UploadNotFound, and UploadGone if it became a job whose bytes are not kept.
        """
        ports = self.uploads.ports
        try:
            turn = await ports.blobs.lease_append(upload_key(upload_id))
        except BlobNotFound:
            job = await ports.jobs.of_upload(upload_id)
            if job is None:
                raise UploadNotFound(f"There is no upload {str(upload_id)!r}") from None
            raise UploadGone(
                f"the upload became job {job.id}, and its bytes are not kept any longer"
            ) from None
        return Sending(Upload(upload_id, turn.blob), turn.token)

    async def declare_size(self, sending: Sending, size: int) -> Sending:
        """Tell the size of an upload; raises as `Blobs.declare_size`, and UploadTooLarge."""
        self.uploads.check_size(size, field="Upload-Length")
        key = sending.upload.blob.key
        blob = await self.uploads.ports.blobs.declare_size(key, size)
        return Sending(Upload(sending.upload.id, blob), sending.token)

    async def send(
        self,
        sending: Sending,
        offset: int,
        data: AsyncGenerator[bytes, None],
        *,
        whole: bool = False,
        last: bool = False,
    ) -> Upload:
        """Store `data` from `offset` on, and close it; the upload with its job, if it is complete.

        What has arrived is kept, however `data` ends; with `whole`, all of it or nothing. With
        `last` the file ends where `data` does, which makes it complete.
        Raises as `Blobs.append`, but UploadNotFound if the upload is removed meanwhile;
        UploadTooLarge; SpecMismatch, after what shows it was kept; and with `last` as
        `Blobs.declare_size`, or InconsistentLength if the file was declared to end elsewhere.
        """
        try:
            blob, end = await self._store(sending, offset, data, whole=whole)
            if last and blob.size is None:
                blob = await self.uploads.ports.blobs.declare_size(blob.key, end)
        except BlobNotFound as error:
            raise UploadNotFound(f"upload {sending.upload.id} was removed meanwhile") from error
        if last and blob.size != end:
            raise InconsistentLength(f"the upload has {blob.size} bytes, but ends at {end}")
        return await self.uploads.finished(sending.upload.id, blob, marked=last)

    async def _store(
        self, sending: Sending, offset: int, data: AsyncGenerator[bytes, None], *, whole: bool
    ) -> tuple[BlobInfo, int]:
        """The blob with `data`, and up to where that reaches."""
        upload, blobs = sending.upload, self.uploads.ports.blobs
        beginnings = self.uploads.beginnings
        counted = _Counted(self.uploads.within_limit(offset, data))
        async with aclosing(counted.pieces()) as pieces:
            await beginnings.check(blobs, upload)
            watched = beginnings.watched(upload, offset, pieces, PATIENCE if whole else 0)
            async with aclosing(watched):
                blob = await blobs.append(
                    upload.blob.key, offset, watched, token=sending.token, whole=whole
                )
        await beginnings.check(blobs, Upload(upload.id, blob))
        return blob, offset + counted.size


class _Counted:
    """How many bytes have passed."""

    def __init__(self, data: AsyncGenerator[bytes, None]) -> None:
        self.size = 0
        self._data = data

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes as they are; their source is closed then."""
        async with aclosing(self._data) as data:
            async for piece in data:
                self.size += len(piece)
                yield piece
