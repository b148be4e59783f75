"""The whole port to the job store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from shared.ports.jobs.attempts import JobAttempts
from shared.ports.jobs.claims import JobClaims
from shared.ports.jobs.control import JobControl
from shared.ports.jobs.expiry import JobExpiry
from shared.ports.jobs.messages import JobMessages
from shared.ports.jobs.reader import JobReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from uuid import UUID

    from shared.access.port import Access
    from shared.ports.datasets import Datasets
    from shared.ports.deliveries import Deliveries
    from shared.ports.fetches import Fetches
    from shared.ports.head_starts import HeadStarts
    from shared.ports.notifications import Notifications
    from shared.ports.saved_specs import SavedSpecs


class JobStore(JobReader, JobControl, JobClaims, JobAttempts, JobMessages, JobExpiry, Protocol):
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
        """The notifications of the outcomes of jobs, in the same database."""
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
