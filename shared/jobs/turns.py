"""Claims jobs in turn: which tenant's job is next, and how many a tenant may run at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.jobs.head_starts import HEAD_START_PRIORITY
from shared.jobs.rows import job_of
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.tenant import Tenant
    from shared.database.port import Database, Steps, Value
    from shared.jobs.job import Job

TRIES = 100
"""How often a claim looks for the next job, if others claim it in the same moment. Each time, one
of them succeeds."""


@dataclass(frozen=True, slots=True)
class TurnQueries:
    """The statements of `turns.sql`. A missing or unknown one fails at the start."""

    chosen: str
    next_job: str
    claim_next: str
    several_tenants: str
    limit_of: str
    lock_tenant: str
    running_of: str
    claimed: str
    pass_on: str
    forget_wake_up: str
    first_waiting: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that a worker has claimed."""

    job: Job
    limited: bool
    """Whether its tenant may run only so many jobs at a time."""


class TenantIsFull(Exception):
    """Others have claimed as many jobs of the tenant as it may run, in the same moment."""


class Turns:
    """The statements of the job store that know of turns. See `JobClaims` in `shared.ports`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        sql = TurnQueries(**load_queries("turns.sql"))
        self._sql = sql
        chosen = sql.chosen.removesuffix(";")
        self._claim_next = f"{chosen}\n{sql.claim_next}"
        self._next_job = f"{chosen}\n{sql.next_job}"

    def claim(
        self,
        wakeup: WakeUp,
        *,
        worker: str,
        lease_until: float,
        now: float,
        max_running: int | None,
        last_slot: bool,
    ) -> Steps[Claimed | None]:
        """Claim the next job, if there is one. Its attempt is not recorded yet.

        For the `last_slot` of a processor: see `JobClaims.claim_next`.
        Raises TenantIsFull, which must roll the transaction back.
        """
        if last_slot:
            (found,) = yield Statement(self._sql.several_tenants)
            last_slot = bool(found["several"])
        values = _values(wakeup, worker, now, max_running, last_slot=last_slot)
        for _ in range(TRIES):
            rows = yield Statement(self._claim_next, (*values, lease_until))
            if rows:
                job = job_of(rows[0])
                own = rows[0]["tenant_max_running"]
                limit = max_running if own is None else own
                # A job that was lost with its worker is one of those that run already.
                if limit is not None and rows[0]["level"] >= 0:
                    yield from self._check(job.tenant, limit)
                return Claimed(job, limited=limit is not None)
            if not (yield Statement(self._next_job, values)):
                break
        return None

    async def has_next(
        self, wakeup: WakeUp, *, worker: str, now: float, max_running: int | None
    ) -> bool:
        """See `JobClaims`."""
        values = _values(wakeup, worker, now, max_running, last_slot=False)
        return bool(await self._database.read(self._next_job, *values))

    def limit(self, tenant: Tenant, max_running: int | None, *, check: bool) -> Steps[int | None]:
        """Return how many jobs the tenant may run at a time; None for any number.

        With `check`, raises TenantIsFull if it runs more in this transaction.
        """
        (row,) = yield Statement(self._sql.limit_of, (tenant, max_running))
        limit: int | None = row["max_running"]
        if check and limit is not None:
            yield from self._check(tenant, limit)
        return limit

    def _check(self, tenant: Tenant, limit: int) -> Steps[None]:
        """Wait for the transactions that start jobs of the tenant; raise TenantIsFull if needed."""
        yield Statement(self._sql.lock_tenant, (tenant,))
        (row,) = yield Statement(self._sql.running_of, (tenant,))
        if row["running"] > limit:
            raise TenantIsFull

    async def claimed(self, *, worker: str, lease_until: float) -> Job | None:
        """See `JobClaims`."""
        rows = await self._database.read(self._sql.claimed, storable(worker), lease_until)
        return job_of(rows[0]) if rows else None

    async def is_full(self, tenant: Tenant, *, max_running: int | None) -> bool:
        """See `JobClaims`."""
        (limit,) = await self._database.read(self._sql.limit_of, tenant, max_running)
        if limit["max_running"] is None:
            return False
        (row,) = await self._database.read(self._sql.running_of, tenant)
        return bool(row["running"] >= limit["max_running"])

    async def first_waiting(
        self, tenant: Tenant, *, max_running: int | None, now: float
    ) -> Sequence[WakeUp]:
        """See `JobClaims`."""
        (limit,) = await self._database.read(self._sql.limit_of, tenant, max_running)
        if limit["max_running"] is None:
            return []
        rows = await self._database.read(self._sql.first_waiting, tenant, now)
        return [WakeUp(UUID(row["id"]), small=bool(row["small"])) for row in rows]

    async def pass_on(self, job_id: UUID, published_at: float) -> bool:
        """Record that the wake-up of a waiting job is now one that was published then.

        Returns whether the job waits. If that is not recorded, the relay may publish another one.
        """
        return bool(
            await self._database.write(
                self._sql.pass_on, str(job_id), published_at, idempotent=True, durable=False
            )
        )

    def forget_wake_up(self, job_id: UUID, now: float) -> Steps[None]:
        """Let the relay publish a wake-up of a job that was lost with its worker before `now`."""
        yield Statement(self._sql.forget_wake_up, (str(job_id), now))


def _values(
    wakeup: WakeUp, worker: str, now: float, max_running: int | None, *, last_slot: bool
) -> tuple[Value, ...]:
    """Return the parameters of `chosen`."""
    return (
        str(wakeup.job_id),
        storable(worker),
        now,
        now - HEAD_START_PRIORITY,
        int(wakeup.small),
        max_running,
        int(last_slot),
    )
