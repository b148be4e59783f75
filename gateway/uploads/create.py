"""Creates uploads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from gateway.access.webhook_secret import require_secret
from gateway.uploads.complete import with_job
from gateway.uploads.find import look_up
from gateway.uploads.form_check import refuse_form
from shared.aggregation.spec import SONG_PLAYS
from shared.blobs.blob import Declaration
from shared.blobs.content import WholeBytes
from shared.errors import BlobConflict, IdempotencyKeyReused, StorageFull
from shared.jobs.engine_choice import EngineChoice
from shared.telemetry.ids import bind_ids
from shared.uploads.metadata import (
    COMPLETION,
    ENGINE,
    EXPLICIT,
    FAIL_EARLY,
    FILENAME,
    JOB,
    KEEP,
    NONE,
    SPEC_NAME,
    YES,
    aggregation_of,
    metadata_of,
    spec_name_of,
    with_notify,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.aggregation.spec import Aggregation


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a client declares of a file when it creates an upload."""

    filename: str
    size: int | None
    """Bytes; None if the size is not known yet."""
    sha256: str | None = None
    """Lower-case hex digest of the file."""
    aggregation: Aggregation = SONG_PLAYS
    awaits_mark: bool = False
    """Whether the upload becomes a job only once its client marks it as complete."""
    fail_early: bool = False
    """Whether more bytes are refused once rows are found that fail the job."""
    notify: tuple[str, ...] = ()
    """URLs that are notified when the job ends."""
    job: bool = True
    """Whether it becomes a job when it is complete."""
    keep: float | None = None
    """The seconds for which it is kept after its last byte; None if only while jobs need it."""
    spec_name: str | None = None
    """The name of the saved spec that `aggregation` is, if it is one."""
    engine: EngineChoice = EngineChoice.AUTO
    """Where the job is to be computed."""
    others: Mapping[str, str] = field(default_factory=dict)
    """More metadata, of the protocol."""

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the upload's blob."""
        marks = {COMPLETION: EXPLICIT} if self.awaits_mark else {}
        if self.fail_early:
            marks[FAIL_EARLY] = YES
        if not self.job:
            marks[JOB] = NONE
        if self.keep is not None:
            marks[KEEP] = f"{self.keep:.0f}"
        if self.spec_name is not None:
            marks[SPEC_NAME] = self.spec_name
        if self.engine is not EngineChoice.AUTO:
            marks[ENGINE] = self.engine
        own = {FILENAME: self.filename, **self.others, **metadata_of(self.aggregation), **marks}
        return with_notify(own, self.notify)


async def create_upload(context: UploadContext, upload_id: UUID, new: NewUpload) -> Upload:
    """Create an upload, or return it as it is if it exists.

    An upload of no bytes becomes a job at once, unless it `awaits_mark`. Raises BlobConflict if it
    exists with another size or digest, DigestMismatch if an empty file has another digest, and
    NoWebhookSecret.
    """
    bind_ids(upload_id=upload_id)
    await _check_secret(context, new)
    await context.quotas.check(context.tenant, new.size or 0, job=new.job)
    await context.quotas.reserve(context.tenant, upload_id, new.size or 0)
    try:
        blob = await context.ports.blobs.create(
            context.key(upload_id),
            new.size,
            sha256=new.sha256,
            metadata=context.declared(new.metadata),
        )
    except StorageFull:  # it is not created
        await context.quotas.release(upload_id)
        raise
    return await with_job(context, upload_id, blob)


async def create_with_content(
    context: UploadContext, upload_id: UUID, new: NewUpload, content: bytes
) -> Upload:
    """Create an upload of a small file that has arrived, with one request to storage.

    It becomes a job at once. Raises as `create_upload` and `Blobs.write`, and UnsupportedMedia if
    the file is a form.
    """
    refuse_form(content)
    bind_ids(upload_id=upload_id)
    await _check_secret(context, new)
    await context.quotas.check(context.tenant, len(content), job=new.job)
    blob = await context.ports.blobs.write(
        context.key(upload_id),
        0,
        WholeBytes(content),
        declaration=Declaration(new.size, new.sha256, context.declared(new.metadata)),
    )
    context.events.chunk_stored(len(content), context.tenant)
    return await with_job(context, upload_id, blob, marked=True)


async def create_once(context: UploadContext, key: str | None, new: NewUpload) -> Upload:
    """Create the upload of an Idempotency-Key, or return it as it is; without a key, a new one.

    Raises IdempotencyKeyReused if the upload of `key` was declared differently, and as
    `create_upload`.
    """
    if key is None:
        return await create_upload(context, uuid4(), new)
    upload_id = context.id_of(key)
    reused = IdempotencyKeyReused(
        f"Idempotency-Key {key!r} belongs to another upload; "
        "send the same request as before, or use a new key"
    )
    # If it became a job whose bytes are not kept any longer, it is not created anew.
    upload = await look_up(context, upload_id)
    if upload is None:
        try:
            upload = await create_upload(context, upload_id, new)
        except BlobConflict as error:
            raise reused from error
    blob = upload.blob
    declared = (new.filename, blob.size if new.size is None else new.size, new.sha256)
    known = (upload.filename, blob.size, blob.sha256 if upload.digest_is_known else new.sha256)
    if upload.kept and (new.metadata.get(JOB), new.metadata.get(KEEP)) != (
        blob.metadata.get(JOB),
        blob.metadata.get(KEEP),
    ):
        raise reused
    if declared != known or not _is_same_spec(new, blob.metadata):
        raise reused
    return upload


async def _check_secret(context: UploadContext, new: NewUpload) -> None:
    if new.notify:
        await require_secret(context.ports.jobs.access, context.tenant)


def _is_same_spec(new: NewUpload, metadata: Mapping[str, str]) -> bool:
    """Whether an upload was declared with the same spec; a saved one may have changed since."""
    if new.spec_name != spec_name_of(metadata):
        return False
    return new.spec_name is not None or new.aggregation == aggregation_of(metadata)
