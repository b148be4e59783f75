"""The job store on SQL: every transition of a job is one compare-and-set in one transaction."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.store import SqlAccess
from shared.database import connect
from shared.database.connections import Connections
from shared.database.migrate import migrate_at_start
from shared.jobs.attempts import SqlJobAttempts
from shared.jobs.claims import SqlJobClaims
from shared.jobs.control import SqlJobControl
from shared.jobs.deliveries import SqlDeliveries
from shared.jobs.expiry import SqlJobExpiry
from shared.jobs.fetches import SqlFetches
from shared.jobs.head_starts import SqlHeadStarts
from shared.jobs.messages import SqlJobMessages
from shared.jobs.notifications import SqlNotifications
from shared.jobs.places import SqlPlaces
from shared.jobs.saved_specs import SqlSavedSpecs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractContextManager

    from shared.database.port import Database
    from shared.jobs.datasets import SqlDatasets
    from shared.jobs.sql_jobs import AttemptLost


@asynccontextmanager
async def open_job_store(
    url: str,
    *,
    attempt_lost: AttemptLost | None = None,
    connections: Connections = Connections(),  # noqa: B008 - it is frozen
) -> AsyncIterator[SqlJobStore]:
    """Open the job store in the database at `url` (see `shared.database.connect`); migrate it.

    `attempt_lost` is called with the job and the number of each attempt that a claim records as
    lost. Waits without limit for a server that is unavailable. Raises the errors of `migrate`, and
    DatabaseUnavailable if the server refuses this user, or the file cannot be opened.
    """
    database = await connect(url, start_timeout=None, connections=connections)
    try:
        await migrate_at_start(database)
        yield SqlJobStore(database, attempt_lost)
    finally:
        await database.close()


class SqlJobStore(SqlJobControl, SqlJobClaims, SqlJobAttempts, SqlJobMessages, SqlJobExpiry):
    """`JobStore` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database, attempt_lost: AttemptLost | None = None) -> None:
        super().__init__(database, attempt_lost)
        self._fetches = SqlFetches(database, self._datasets)
        self._head_starts = SqlHeadStarts(database)
        self._access = SqlAccess(database)
        self._notifications = SqlNotifications(database)
        self._deliveries = SqlDeliveries(database)
        self._specs = SqlSavedSpecs(database)
        self._places = SqlPlaces(database)

    @property
    def head_starts(self) -> SqlHeadStarts:
        """See `JobStore`."""
        return self._head_starts

    @property
    def access(self) -> SqlAccess:
        """See `JobStore`."""
        return self._access

    @property
    def deliveries(self) -> SqlDeliveries:
        """See `JobStore`."""
        return self._deliveries

    @property
    def datasets(self) -> SqlDatasets:
        """See `JobStore`."""
        return self._datasets

    @property
    def fetches(self) -> SqlFetches:
        """See `JobStore`."""
        return self._fetches

    @property
    def places(self) -> SqlPlaces:
        """Which storage server receives a blob, where there are several."""
        return self._places

    @property
    def notifications(self) -> SqlNotifications:
        """See `JobStore`."""
        return self._notifications

    @property
    def specs(self) -> SqlSavedSpecs:
        """See `JobStore`."""
        return self._specs

    def on_end(self, ended: Callable[[UUID], None]) -> AbstractContextManager[None]:
        """See `JobStore`."""

        def heard(text: str) -> None:
            # Another version may tell something else.
            with suppress(ValueError):
                ended(UUID(text))

        return self._database.listen(heard)

    async def ping(self) -> None:
        """See `JobStore`."""
        await self._database.ping()

    async def check_writable(self) -> None:
        """See `JobStore`."""
        await self._database.check_writable()
