"""The port for what clients do with jobs: create, cancel, retry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.access.tenant import DEFAULT_TENANT
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import Aggregation, Job
    from shared.jobs.job_request import JobRequest


class JobControl(Protocol):
    """Creates, cancels and retries jobs. See `JobStore`."""

    async def create(
        self,
        *,
        upload_id: UUID,
        input_key: BlobKey,
        input_size: int,
        filename: str,
        aggregation: Aggregation,
        max_attempts: int,
        now: float,
        tenant: Tenant = DEFAULT_TENANT,
        input_version: str | None = None,
        input_sha256: str | None = None,
        notify: Sequence[str] = (),
        spec_name: str | None = None,
        engine: EngineChoice = EngineChoice.AUTO,
    ) -> Job:
        """Create the pending job of an upload, or return the job that it has.

        An upload has exactly one job, also after concurrent calls. The URLs in `notify` are told
        how the job ends: `succeed`, `fail`, `cancel` and `claim` store a notification for each
        (see `Notifications`) in the step that records the outcome. `spec_name` is the saved spec
        that `aggregation` was, `engine` where it is to be computed.
        """
        ...

    async def ask(self, request: JobRequest, *, now: float) -> Job:
        """Create the pending job of a request, or return the job that it has.

        A request has exactly one job, by its id, also after concurrent calls. From then on its
        inputs are needed (see `Datasets`). Raises InputRemoved if a client has begun to delete one
        of them: of a call of this method and one of `Datasets.remove`, one comes first.
        """
        ...

    async def cancel(self, job_id: UUID, *, now: float, tenant: Tenant | None = None) -> Job:
        """Cancel the job unless it has ended; return it afterwards. Raises JobNotFound."""
        ...

    async def retry(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """Give a failed job another `max_attempts` attempts. It needs a wake-up then.

        Returns the job; None if it has expired or has not failed. Its earlier attempts are kept,
        and attempt numbers continue. A due dead letter is no longer due.
        Raises JobNotFound, and InputRemoved as `ask`.
        """
        ...
