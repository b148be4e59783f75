"""The port to the job store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.access.tenant import DEFAULT_TENANT
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from uuid import UUID

    from shared.access.port import Access
    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey
    from shared.jobs.job import (
        Aggregation,
        Attempt,
        Found,
        Job,
        JobFilter,
        JobPosition,
        JobProgress,
        JobResult,
        Unfinished,
    )
    from shared.jobs.job_request import JobRequest
    from shared.jobs.report import Report
    from shared.jobs.turns import Claimed
    from shared.jobs.wake_up import WakeUp
    from shared.ports.datasets import Datasets
    from shared.ports.deliveries import Deliveries
    from shared.ports.fetches import Fetches
    from shared.ports.head_starts import HeadStarts
    from shared.ports.notifications import Notifications
    from shared.ports.saved_specs import SavedSpecs


class JobStore(Protocol):
    """Holds the state of all jobs. Every transition is a compare-and-set in the database.

    Times are parameters, in Unix seconds. Adapter: `shared.jobs.store` on PostgreSQL or SQLite.
    An attempt whose lease has run out still holds the job until another claims it: a late worker
    may renew the lease, or finish.
    With a `tenant`, a method knows only the jobs of that tenant: another's job is as one that does
    not exist. A caller that acts on behalf of a client names the tenant; processors see all jobs.
    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    @property
    def head_starts(self) -> HeadStarts:
        """The uploads that processors aggregate while they are received, in the same database."""
        ...

    @property
    def datasets(self) -> Datasets:
        """The complete uploads, of which jobs can be asked, in the same database."""
        ...

    @property
    def specs(self) -> SavedSpecs:
        """The specs that tenants have saved under names, in the same database."""
        ...

    @property
    def notifications(self) -> Notifications:
        """What URLs are told of the outcomes of jobs, in the same database."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """Results that are sent elsewhere, in the same database."""
        ...

    @property
    def fetches(self) -> Fetches:
        """What is fetched from elsewhere for jobs, in the same database."""
        ...

    @property
    def access(self) -> Access:
        """API keys, audit trail and signing secrets, in the same database."""
        ...

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
        (see `notifications`) in the step that records the outcome. `spec_name` is the saved spec
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

    async def answered(self, tenant: Tenant, answer_key: str) -> Job | None:
        """Return the latest job of a tenant with this `answer_key` whose result is kept."""
        ...

    async def get(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job:
        """Return a job. Raises JobNotFound."""
        ...

    async def of_upload(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """Return the job of an upload, if it has one."""
        ...

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """Record that the broker has confirmed a wake-up of this job. Raises JobNotFound."""
        ...

    async def claim(
        self, job_id: UUID, *, worker: str, lease_until: float, now: float, durable: bool = True
    ) -> Job | None:
        """Start a new attempt at the job: increment `attempt`, and lease the job to `worker`.

        Returns None if the job cannot be claimed: it has ended, another attempt holds a lease that
        has not run out, the next attempt is delayed (see `get`), or another worker has a head start
        and comes first, for at most `HEAD_START_PRIORITY` seconds after the job was created. An
        attempt whose lease has run out is recorded as lost. If it was the last permitted one, the
        job fails here, its dead letter becomes due, and None is returned. Raises JobNotFound.

        A claim that is not `durable` may be lost if the machine with the database crashes, and with
        SQLite the worker is on that machine.
        """
        ...

    async def claim_next(
        self,
        wakeup: WakeUp,
        *,
        worker: str,
        lease_until: float,
        now: float,
        max_running: int | None = None,
        last_slot: bool = False,
        durable: bool = True,
    ) -> Claimed | None:
        """Claim the job whose turn it is, among those that are small or those that are not.

        That is the job of the wake-up, if it is the turn of its tenant, or if its last attempt is
        lost. Tenants take turns: the fewest running jobs for its weight come first, and then who
        was served least for its weight. A tenant that runs `max_running` jobs (None: any number;
        the table `tenants` may say otherwise) has no turn. If the job of the wake-up waits, and
        another is claimed, then the wake-up of that other one is left for it. For the `last_slot`
        of a processor that is free, only tenants that run no job of this size have a turn, if
        there are several tenants.

        Returns None if no such job can be claimed, nor that of the wake-up. Otherwise as `claim`.
        """
        ...

    async def claimed(self, *, worker: str, lease_until: float) -> Job | None:
        """Return the running job that this worker holds by a lease that ends at this very time."""
        ...

    async def is_full(self, tenant: Tenant, *, max_running: int | None) -> bool:
        """Whether a tenant runs as many jobs as it may. `max_running`: see `claim_next`."""
        ...

    async def first_waiting(
        self, tenant: Tenant, *, max_running: int | None, now: float
    ) -> Sequence[WakeUp]:
        """Return the wake-ups of the tenant's first waiting small job, and of the first other.

        Returns none if the tenant may run any number of jobs: then no wake-up has to wait for the
        end of another job. `max_running`: see `claim_next`.
        """
        ...

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """Renew the lease of a running attempt; a lease that lasts longer is not shortened.

        Raises LeaseLost if the attempt no longer holds the job: another has claimed it, it was
        cancelled, or it has ended.
        """
        ...

    async def record_progress(self, job_id: UUID, attempt: int, progress: JobProgress) -> bool:
        """Record the progress of a running attempt; return whether it still holds the job.

        The lease is not changed. The next attempt starts without progress.
        """
        ...

    async def succeed(
        self,
        job_id: UUID,
        attempt: int,
        result: JobResult,
        *,
        now: float,
        report: Report | None = None,
        answer_key: str | None = None,
        cached_from: UUID | None = None,
    ) -> None:
        """Record success, the result and the report in one step. Raises LeaseLost.

        `answer_key` is the digest of all that the result depends on: see `answered`. `cached_from`
        is the job whose result it is, if it was copied.
        The same attempt may repeat the call with the same result: after DatabaseUnavailable it
        cannot know whether the first call was committed.
        """
        ...

    async def fail(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        final: bool,
        now: float,
        retry_at: float | None = None,
        report: Report | None = None,
    ) -> Job:
        """Record a failed attempt. The job fails if `final` or if attempts are used up.

        `final` means that any further attempt would fail in the same way. If the attempts are used
        up, and only then, a dead letter becomes due (`Job.dead_letter_due_at`). Otherwise the next
        attempt starts at `retry_at` or later, and needs a new wake-up. `report` has the problems
        of the file, if they are the reason, and what the attempt used.

        Returns the job afterwards. Raises LeaseLost.
        """
        ...

    async def release(
        self,
        job_id: UUID,
        attempt: int,
        reason: str,
        *,
        now: float,
        retry_at: float | None = None,
        outgrown: bool = False,
    ) -> None:
        """Give the job back without an outcome, for another worker to claim.

        The next attempt starts at `retry_at` or later; without it, at any time. A job that has
        `outgrown` the small ones waits among the others. The attempt is recorded as released and
        does not count towards `max_attempts`. Raises LeaseLost.
        """
        ...

    async def cancel(self, job_id: UUID, *, now: float, tenant: Tenant | None = None) -> Job:
        """Cancel the job unless it has ended; return it afterwards. Raises JobNotFound."""
        ...

    async def retry(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """Give a failed job another `max_attempts` attempts. It needs a wake-up then.

        Returns the job; None if it has expired or has not failed (see `get`). Its earlier attempts
        are kept, and attempt numbers continue. A due dead letter is no longer due.
        Raises JobNotFound, and InputRemoved as `ask`.
        """
        ...

    async def overdue(
        self, *, now: float, unpublished_for: float, lost_before: float, limit: int
    ) -> Sequence[WakeUp]:
        """Return the wake-ups of the jobs that need one, oldest first.

        These are jobs that wait for an attempt without a recorded wake-up, if they were created
        `unpublished_for` seconds ago or earlier (younger ones are left to their creator); jobs
        whose lease has run out without a wake-up since; and jobs whose wake-up was published at
        `lost_before` or earlier, which counts as lost. A delayed job is not returned before its
        `retry_at`. After `mark_published`, the wake-up of a job is not returned again.
        """
        ...

    async def take_dead_letter(self, *, now: float, due_for: float) -> Job | None:
        """Return the job whose dead letter has been due longest, for the caller to publish it.

        Returns None if none has been due for `due_for` seconds. The returned job's dead letter is
        due again from now on, so no other caller gets it until `due_for` seconds later. Of two
        concurrent calls, one may get None although another dead letter is due.
        """
        ...

    async def mark_dead_lettered(self, job_id: UUID, attempt: int, *, now: float) -> None:
        """Record that the broker has confirmed the dead letter of the failure of `attempt`.

        Does nothing if that is recorded already, or if the job was retried since.
        """
        ...

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """Expire up to `limit` jobs, oldest first, and return their number.

        Expires jobs that finished before `finished_before`, and cancelled jobs of any age. Final:
        an expired job can never be retried or claimed, so its blobs are neither read nor written
        again.
        """
        ...

    async def expire_failed(self, job_id: UUID, *, now: float) -> Job:
        """Expire a failed job of any age; a job in another state is not changed.

        Returns the job afterwards. Final, as `expire`. Raises JobNotFound.
        """
        ...

    async def expire_ended(self, job_id: UUID, *, now: float) -> Job:
        """Expire a job that has ended, however and whenever; another job is not changed.

        Returns the job afterwards. Final, as `expire`. Raises JobNotFound.
        """
        ...

    async def delete_result(self, job_id: UUID, *, now: float) -> Job:
        """Record that the result of a job, with rejects and preview, is not needed any more.

        A job that has not succeeded, or has expired, is not changed. Returns the job afterwards.
        Final, as `expire`. Raises JobNotFound.
        """
        ...

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return the existing ones of these jobs by id. For some hundreds at a time."""
        ...

    async def newest(
        self, wanted: JobFilter, *, after: JobPosition | None = None, limit: int
    ) -> Sequence[Job]:
        """Return up to `limit` jobs of a tenant that match a filter, newest first.

        `after`: only the jobs that follow this position in the list. Continuing from the last job
        of each page returns every job that existed at the start exactly once, also while jobs are
        created. With a filter on states, a job that changes its state may be missed.
        The cost depends on `limit` and not on the number of jobs; with a `filename`, on the number
        of the tenant's jobs that have it.
        """
        ...

    async def search(
        self,
        part: str,
        wanted: JobFilter,
        *,
        after: JobPosition | None = None,
        limit: int,
        examine: int,
    ) -> Found:
        """Return jobs whose file names contain `part`, newest first.

        Upper and lower case, and the Unicode forms of letters with accents, do not matter. Among
        the next `examine` jobs that match the filter (without its `filename`) after the position
        `after`, up to `limit` are returned: fewer, or none, does not mean that nothing is left.
        Continuing after each `rest` finds every job once, as `newest`. The cost depends on
        `examine` and `limit` alone.
        """
        ...

    async def of_uploads(self, upload_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Return the jobs of these uploads by upload id."""
        ...

    async def unfinished(self, *, limit: int) -> Unfinished:
        """Count the jobs that have not ended, up to the `limit` oldest."""
        ...

    async def attempts(self, job_id: UUID) -> Sequence[Attempt]:
        """Return every attempt of a job in order."""
        ...

    async def attempts_of_many(
        self, job_ids: Sequence[UUID], *, first: int, last: int
    ) -> Mapping[UUID, Sequence[Attempt]]:
        """Return attempts of these jobs by job id, in order. For some hundreds at a time.

        Of each job, these are the `first` and the `last` ones.
        """
        ...

    def on_end(self, ended: Callable[[UUID], None]) -> AbstractContextManager[None]:
        """Call `ended` with the id of each job soon after it has ended, within the context.

        Not reliable: some ends are missed, such as those while the database is unavailable, and on
        SQLite those of other processes. `ended` neither waits nor raises. Enter it in the event
        loop.
        """
        ...

    async def ping(self) -> None:
        """Return if the database is available. Raises DatabaseUnavailable."""
        ...

    async def check_writable(self) -> None:
        """Return if jobs can be created and changed: the database takes writes, and has space.

        Raises DatabaseUnavailable.
        """
        ...
