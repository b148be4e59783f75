"""The use case of uploading: chunks go to storage, and the last missing byte makes a job."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.events import EVENTS
from gateway.keys import PORTS, SETTINGS
from gateway.uploads.header_check import BEGINNINGS
from gateway.uploads.upload import (
    Upload,
    candidate_ids,
    upload_id_of,
    upload_of_job,
)
from shared.aggregation.spec import SONG_PLAYS
from shared.blobs.blob import upload_key
from shared.errors import (
    BlobConflict,
    BlobNotFound,
    ChunkOutOfBounds,
    IdempotencyKeyReused,
    InvalidInput,
    SizeConflict,
    UploadNotFound,
    UploadTooLarge,
)
from shared.telemetry.ids import bind_ids
from shared.uploads.metadata import COMPLETION, EXPLICIT, aggregation_of, metadata_of
from shared.uploads.start_job import start_job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from uuid import UUID

    from aiohttp import web

    from gateway.events import GatewayEvents
    from gateway.keys import GatewayPorts
    from gateway.settings import GatewaySettings
    from gateway.uploads.header_check import Beginnings
    from shared.aggregation.spec import Aggregation
    from shared.blobs.blob import BlobInfo
    from shared.jobs.job import Job


PATIENCE = 64 << 20
"""Bytes of a chunk that are taken to be kept, though they are of no use."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """Takes uploads in. Has no state: any gateway can take any chunk of any upload."""

    ports: GatewayPorts
    settings: GatewaySettings
    events: GatewayEvents
    beginnings: Beginnings

    @classmethod
    def of(cls, app: web.Application) -> Uploads:
        """Those of a gateway."""
        return cls(app[PORTS], app[SETTINGS], app[EVENTS], app[BEGINNINGS])

    async def write(
        self,
        upload_id: UUID,
        size: int,
        offset: int,
        data: AsyncGenerator[bytes, None],
        metadata: Mapping[str, str],
    ) -> BlobInfo:
        """Store `data` at `offset` of an upload of `size` bytes; `data` is closed afterwards.

        All or nothing, as `Blobs.write`, whose errors this raises, besides BlobConflict for
        another size than before, InvalidInput for another aggregation, and UploadTooLarge.
        """
        async with aclosing(data):
            bind_ids(upload_id=upload_id)
            self.check_size(size)
            key = upload_key(upload_id)
            blob = await self.ports.blobs.create(key, size, metadata=metadata)
            if aggregation_of(blob.metadata) != aggregation_of(metadata):
                raise InvalidInput(
                    "the upload was begun with another spec, or with none; "
                    "send the same with each chunk, or begin another upload",
                    field="spec",
                )
            return await self.write_chunk(Upload(upload_id, blob), offset, data)

    async def create(
        self,
        upload_id: UUID,
        filename: str,
        size: int | None,
        *,
        sha256: str | None = None,
        aggregation: Aggregation = SONG_PLAYS,
        awaits_mark: bool = False,
    ) -> Upload:
        """Declare an upload; one of no bytes becomes a job at once, unless it `awaits_mark`.

        Raises BlobConflict if it was declared with another size or digest, and DigestMismatch if
        there are no bytes, and the digest is not that of none.
        """
        metadata = {"filename": filename, **metadata_of(aggregation)}
        if awaits_mark:
            metadata[COMPLETION] = EXPLICIT
        return await self.declare(upload_id, size, metadata, sha256=sha256)

    async def declare(
        self,
        upload_id: UUID,
        size: int | None,
        metadata: Mapping[str, str],
        *,
        sha256: str | None = None,
    ) -> Upload:
        """As `create`, with all that shall be remembered of the upload."""
        bind_ids(upload_id=upload_id)
        key = upload_key(upload_id)
        blob = await self.ports.blobs.create(key, size, sha256=sha256, metadata=metadata)
        return await self.finished(upload_id, blob)

    async def create_once(
        self,
        name: str,
        filename: str,
        size: int | None,
        *,
        sha256: str | None = None,
        aggregation: Aggregation = SONG_PLAYS,
        awaits_mark: bool = False,
    ) -> Upload:
        """Declare the upload that a client calls `name`, or return it as it stands.

        With None, the size is not known yet.
        Raises IdempotencyKeyReused if it was declared otherwise.
        """
        upload_id = upload_id_of(name)
        reused = IdempotencyKeyReused(
            f"Idempotency-Key {name!r} stands for another upload; "
            "send what you sent with it before, or take a new key"
        )
        # It may be a job whose bytes are not kept any longer: then it is not begun anew.
        upload = await self.look_up(upload_id)
        if upload is None:
            try:
                upload = await self.create(
                    upload_id,
                    filename,
                    size,
                    sha256=sha256,
                    aggregation=aggregation,
                    awaits_mark=awaits_mark,
                )
            except BlobConflict as error:
                raise reused from error
        blob = upload.blob
        declared = (filename, blob.size if size is None else size, sha256)
        known = (upload.filename, blob.size, blob.sha256 if upload.kept else sha256)
        if declared != known or aggregation != aggregation_of(blob.metadata):
            raise reused
        return upload

    async def find(self, name: str) -> Upload:
        """The upload that goes by this id, or by this name of the client's.

        One that is whole has its job afterwards, if the request that made it whole got no further.
        Raises UploadNotFound.
        """
        for upload_id in candidate_ids(name):
            upload = await self.look_up(upload_id)
            if upload is not None:
                return upload
        raise UploadNotFound(f"There is no upload {name!r}")

    async def write_chunk(
        self, upload: Upload, offset: int, data: AsyncGenerator[bytes, None]
    ) -> BlobInfo:
        """Store `data` at `offset`, all or nothing, as `Blobs.write`; `data` is closed then.

        Raises SpecMismatch if the upload shows that what was asked is not for such a file; a chunk
        that shows it is kept, unless it is large.
        """
        bind_ids(upload_id=upload.id)
        blobs = self.ports.blobs
        async with aclosing(self.within_limit(offset, data)) as bounded:
            await self.beginnings.check(blobs, upload)
            watched = self.beginnings.watched(upload, offset, bounded, PATIENCE)
            async with aclosing(watched):
                blob = await blobs.write(upload.blob.key, offset, watched)
        await self.beginnings.check(blobs, Upload(upload.id, blob))
        return blob

    async def declare_size(self, upload: Upload, size: int) -> Upload:
        """Tell the size of an upload that was declared without, which completes it if it is whole.

        Repeating it is harmless. Raises SizeConflict if it has another size or bytes beyond that
        one, UploadNotFound, DigestMismatch, StorageFull.
        """
        bind_ids(upload_id=upload.id)
        if not upload.kept and upload.blob.size == size:
            return upload
        try:
            blob = await self.ports.blobs.declare_size(upload.blob.key, size)
        except BlobNotFound:
            if upload.job is None:
                raise UploadNotFound(f"There is no upload {str(upload.id)!r}") from None
            raise SizeConflict(
                f"the upload became job {upload.job.id}, of {upload.blob.size} bytes"
            ) from None
        except (BlobConflict, ChunkOutOfBounds) as error:
            raise SizeConflict(f"upload {upload.id} cannot have {size} bytes: {error}") from error
        return await self.finished(upload.id, blob, marked=True)

    async def finished(self, upload_id: UUID, blob: BlobInfo, *, marked: bool = False) -> Upload:
        """The upload with its job, which is made if need be, if it is whole and no part.

        One that `awaits_mark` is made a job only with `marked`: its client has just said that it
        is complete.
        """
        upload = Upload(upload_id, blob)
        if not blob.complete or upload.is_part:
            return upload
        if upload.awaits_mark and not marked:
            return replace(upload, job=await self.ports.jobs.of_upload(upload_id))
        return replace(upload, job=await self.start_job(upload_id, blob, upload.filename))

    async def within_limit(
        self, offset: int, data: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """`data`, which is closed then. Raises UploadTooLarge before a byte too many is stored."""
        async with aclosing(data):
            async for piece in data:
                offset += len(piece)
                self.check_size(offset, field="size")
                yield piece

    async def look_up(self, upload_id: UUID) -> Upload | None:
        """The upload of that id, as `find` gives it; None if there is none."""
        try:
            blob = await self.ports.blobs.info(upload_key(upload_id))
        except BlobNotFound:
            job = await self.ports.jobs.of_upload(upload_id)
            return None if job is None else upload_of_job(job)
        return await self.finished(upload_id, blob)

    def check_size(self, size: int, *, field: str = "dztotalfilesize") -> None:
        """Raise UploadTooLarge, which names `field`, if no upload of `size` bytes is taken."""
        if size > self.settings.max_upload_size:
            raise UploadTooLarge(
                f"{size} bytes are more than this service takes, "
                f"which is {self.settings.max_upload_size}",
                field=field,
            )

    async def start_job(self, upload_id: UUID, blob: BlobInfo, filename: str) -> Job:
        """Return the job of a complete upload; create it if it has none."""
        attempts = self.settings.max_attempts
        return await start_job(
            self.ports, self.events, upload_id, blob, filename, max_attempts=attempts
        )
