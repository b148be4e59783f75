"""An upload as it stands, and the names that it goes by."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.uploads.metadata import awaits_mark, filename_of, is_part, metadata_of

if TYPE_CHECKING:
    from shared.jobs.job import Job

_NAMESPACE = UUID("5b7c1f0e-53c1-4d0c-9d7e-0f6a7f0c2f61")


def upload_id_of(name: str) -> UUID:
    """The upload that a client's own name for it means, be it `dzuuid` or `Idempotency-Key`.

    The same on every gateway, and safe in a path.
    """
    return uuid5(_NAMESPACE, name)


def candidate_ids(name: str) -> tuple[UUID, ...]:
    """The ids that an upload may have which goes by this name: its id, or the client's own name.

    The id comes first, so that nobody can take another's place by naming an upload after its id.
    """
    with suppress(ValueError):
        return UUID(name), upload_id_of(name)
    return (upload_id_of(name),)


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands, in whichever dialect it was begun."""

    id: UUID
    blob: BlobInfo
    job: Job | None = None
    kept: bool = True
    """Whether its bytes are; if not, all that is known of it is its job."""

    @property
    def filename(self) -> str:
        """The name of the file."""
        return filename_of(self.id, self.blob.metadata)

    @property
    def awaits_mark(self) -> bool:
        """Whether it becomes a job only once its client says that it is complete."""
        return awaits_mark(self.blob.metadata)

    @property
    def is_part(self) -> bool:
        """Whether it is meant to become a part of another upload, and no job."""
        return is_part(self.blob.metadata)


def upload_of_job(job: Job) -> Upload:
    """The upload that has become `job`, whose bytes are not kept any longer."""
    whole = RangeSet.of([(0, job.input_size)])
    metadata = {"filename": job.filename, **metadata_of(job.aggregation)}
    blob = BlobInfo(job.input_key, job.input_size, whole, metadata=metadata)
    return Upload(job.upload_id, blob, job, kept=False)
