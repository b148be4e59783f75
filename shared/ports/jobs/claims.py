"""The port by which workers claim jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.jobs.job import Job
    from shared.jobs.turns import Claimed
    from shared.jobs.wake_up import WakeUp


class JobClaims(Protocol):
    """Starts attempts at jobs. See `JobStore`."""

    async def claim(
        self, job_id: UUID, *, worker: str, lease_until: float, now: float, durable: bool = True
    ) -> Job | None:
        """Start a new attempt at the job: increment `attempt`, and lease the job to `worker`.

        Returns None if the job cannot be claimed: it has ended, another attempt holds a lease that
        has not run out, the next attempt is delayed (see `Job.retry_at`), or another worker has a
        head start and comes first, for at most `HEAD_START_PRIORITY` seconds after the job was
        created. An attempt whose lease has run out is recorded as lost. If it was the last
        permitted one, the job fails here, its dead letter becomes due, and None is returned.
        Raises JobNotFound.

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

    async def has_next(
        self, wakeup: WakeUp, *, worker: str, now: float, max_running: int | None = None
    ) -> bool:
        """Whether `claim_next` would claim a job for a slot that is not the last."""
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
