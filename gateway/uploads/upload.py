"""An upload, and the ids and names by which it is found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import BlobInfo
from shared.blobs.byte_ranges import RangeSet
from shared.uploads.metadata import (
    SPEC_NAME,
    awaits_mark,
    becomes_no_job,
    engine_of,
    filename_of,
    is_part,
    metadata_of,
)

if TYPE_CHECKING:
    from shared.access.tenant import Tenant
    from shared.jobs.engine_choice import EngineChoice
    from shared.jobs.head_start import HeadStart
    from shared.jobs.job import Job

_NAMESPACE = UUID("5b7c1f0e-53c1-4d0c-9d7e-0f6a7f0c2f61")


def upload_id_of(
    name: str, tenant: Tenant = DEFAULT_TENANT, *, namespace: UUID = _NAMESPACE
) -> UUID:
    """Return the id of a tenant's upload with a client-given name.

    The name is a `dzuuid` or an Idempotency-Key; names of another kind have another `namespace`.
    The id is the same on every gateway, and safe in a path. The same name of two tenants gives two
    ids. Those of the default tenant are the ids from before there were tenants.
    """
    return uuid5(namespace if tenant == DEFAULT_TENANT else uuid5(namespace, tenant), name)


def candidate_ids(name: str, tenant: Tenant = DEFAULT_TENANT) -> tuple[UUID, ...]:
    """Return the ids that a tenant's upload with this id or client-given name may have.

    The id comes first, so that no client can hide an upload by naming another one after its id.
    """
    with suppress(ValueError):
        return UUID(name), upload_id_of(name, tenant)
    return (upload_id_of(name, tenant),)


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
    def digest_is_known(self) -> bool:
        """Whether the digest that was declared for it is known, or that none was."""
        return self.kept or (self.job is not None and self.job.inputs[0].version is not None)

    @property
    def awaits_mark(self) -> bool:
        """Whether it becomes a job only once its client marks it as complete."""
        return awaits_mark(self.blob.metadata)

    @property
    def becomes_no_job(self) -> bool:
        """Whether it becomes no job when it is complete, and waits until jobs are asked of it."""
        return becomes_no_job(self.blob.metadata)

    @property
    def engine(self) -> EngineChoice:
        """Where its job is to be computed."""
        return engine_of(self.blob.metadata)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of another upload, and so never becomes a job."""
        return is_part(self.blob.metadata)


def upload_of_job(job: Job) -> Upload:
    """Return the upload that became `job`, whose bytes are not kept any longer."""
    (read,) = job.inputs
    whole = RangeSet.of([(0, read.size)])
    metadata = {"filename": job.filename, **metadata_of(job.aggregation)}
    if job.spec_name is not None:
        metadata[SPEC_NAME] = job.spec_name
    blob = BlobInfo(read.key, read.size, whole, sha256=read.sha256, metadata=metadata)
    return Upload(read.upload_id, blob, job, kept=False)
