"""An upload, and the ids and names by which it is found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.uploads.metadata import awaits_mark, filename_of, is_part, metadata_of

if TYPE_CHECKING:
    from shared.jobs.head_start import HeadStart
    from shared.jobs.job import Job

_NAMESPACE = UUID("5b7c1f0e-53c1-4d0c-9d7e-0f6a7f0c2f61")


def upload_id_of(name: str) -> UUID:
    """Return the id of the upload with a client-given name: a `dzuuid` or an Idempotency-Key.

    The id is the same on every gateway, and safe in a path.
    """
    return uuid5(_NAMESPACE, name)


def candidate_ids(name: str) -> tuple[UUID, ...]:
    """Return the ids that an upload with this id or client-given name may have.

    The id comes first, so that no client can hide an upload by naming another one after its id.
    """
    with suppress(ValueError):
        return UUID(name), upload_id_of(name)
    return (upload_id_of(name),)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload of any protocol, at one moment."""

    id: UUID
    blob: BlobInfo
    job: Job | None = None
    kept: bool = True
    """Whether its bytes are kept; if not, only its job is known."""
    head_start: HeadStart | None = None
    """How far a processor has aggregated it, where that was asked for."""

    @property
    def filename(self) -> str:
        """The name of the file."""
        return filename_of(self.id, self.blob.metadata)

    @property
    def awaits_mark(self) -> bool:
        """Whether it becomes a job only once its client marks it as complete."""
        return awaits_mark(self.blob.metadata)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of another upload, and so never becomes a job."""
        return is_part(self.blob.metadata)


def upload_of_job(job: Job) -> Upload:
    """Return the upload that became `job`, whose bytes are not kept any longer."""
    whole = RangeSet.of([(0, job.input_size)])
    metadata = {"filename": job.filename, **metadata_of(job.aggregation)}
    blob = BlobInfo(job.input_key, job.input_size, whole, metadata=metadata)
    return Upload(job.upload_id, blob, job, kept=False)
