"""The table of deliveries. Its statements are compare-and-sets with a fencing token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.tenant import Tenant
from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.errors import LeaseLost
from shared.jobs.delivery import Delivery, DeliveryState
from shared.jobs.job import JobState
from shared.jobs.notifications import announce

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.database.port import Database, Row, Steps

REASON_LIMIT = 1000
"""The most characters of a reason."""


@dataclass(frozen=True, slots=True)
class DeliveryQueries:
    """The statements of `deliveries.sql`. A missing or unknown one fails at the start."""

    ask: str
    insert: str
    any_due: str
    take: str
    renew: str
    postpone: str
    end_delivery: str
    show: str
    remove_old: str


_SQL = DeliveryQueries(**load_queries("deliveries.sql"))


class SqlDeliveries:
    """`Deliveries` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, *, held_until: float, now: float) -> Delivery | None:
        """See `Deliveries`."""
        # Mostly none is due: a read then disturbs no writer.
        if not await self._database.read(_SQL.any_due, now):
            return None
        rows = await self._database.write(_SQL.take, held_until, now)
        return _delivery_of(rows[0]) if rows else None

    async def renew(self, delivery: Delivery, *, held_until: float) -> None:
        """See `Deliveries`."""
        rows = await self._database.write(
            _SQL.renew, str(delivery.job_id), delivery.token, held_until, idempotent=True
        )
        _check_held(delivery, rows)

    async def postpone(
        self, delivery: Delivery, *, due_at: float, failures: int, reason: str | None
    ) -> None:
        """See `Deliveries`."""
        job_id = str(delivery.job_id)

        def steps() -> Steps[None]:
            rows = yield Statement(_SQL.postpone, (job_id, delivery.token, due_at, failures))
            _check_held(delivery, rows)
            if reason is not None:
                text = storable(reason, REASON_LIMIT)
                yield Statement(_SQL.show, (job_id, str(DeliveryState.PENDING), text))

        await self._database.perform(steps())

    async def end(
        self, delivery: Delivery, state: DeliveryState, reason: str | None, *, now: float
    ) -> None:
        """See `Deliveries`."""
        job_id = str(delivery.job_id)
        text = None if reason is None else storable(reason, REASON_LIMIT)

        def steps() -> Steps[None]:
            rows = yield Statement(_SQL.end_delivery, (job_id, delivery.token, str(state), now))
            _check_held(delivery, rows)
            (job,) = yield Statement(_SQL.show, (job_id, str(state), text))
            yield from announce(job, JobState.SUCCESS, now)

        await self._database.perform(steps())

    async def remove_old(self) -> None:
        """See `Deliveries`."""
        await self._database.write(_SQL.remove_old, idempotent=True)


def delivery_asked(job_id: UUID, url: str) -> Steps[Sequence[Row]]:
    """Record where the result of a new job is to be sent, and return its row."""
    return (yield Statement(_SQL.ask, (str(job_id), url)))


def delivery_due(job: Row, now: float) -> Steps[None]:
    """Create the delivery of a job that succeeds. `job`: `id`, `tenant` and `output_to`."""
    yield Statement(_SQL.insert, (job["id"], job["tenant"], job["output_to"], now))


def _check_held(delivery: Delivery, rows: Sequence[Row]) -> None:
    if not rows:
        raise LeaseLost(f"the delivery of job {delivery.job_id} is another processor's, or ended")


def _delivery_of(row: Row) -> Delivery:
    return Delivery(
        UUID(row["job_id"]), Tenant(row["tenant"]), row["url"], row["token"], row["failures"]
    )
