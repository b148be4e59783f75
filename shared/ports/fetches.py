"""The port to the fetches: inputs of jobs that processors fetch from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.jobs.dataset import Dataset
    from shared.jobs.fetch import Fetch
    from shared.jobs.job import Job


class Fetches(Protocol):
    """Hands fetches to processors, and lets their jobs be claimed once all of them are done.

    `JobControl.ask` creates fetches with their job, which nothing claims until then. Times are
    parameters, in Unix seconds. Adapter: `shared.jobs.fetches`, which belongs to the job store.
    Every method raises DatabaseUnavailable when the database does not answer in time, and every one
    with a token LeaseLost if another processor has taken the fetch, or it has ended.
    """

    async def take(self, *, worker: str, held_until: float, now: float) -> Fetch | None:
        """Take a fetch that is due, with a new token; None if there is none.

        It is one of the tenant for which the fewest are held. One whose `held_until` has passed is
        taken from its processor.
        """
        ...

    async def renew(
        self, upload_id: UUID, token: int, *, held_until: float, bytes_done: int
    ) -> None:
        """Hold a fetch for longer, and show how far it is. Raises LeaseLost for a cancelled job."""
        ...

    async def identify(
        self,
        upload_id: UUID,
        token: int,
        *,
        tag: str | None,
        modified: str | None,
        size: int | None,
    ) -> None:
        """Record which file it is whose bytes are received from now on."""
        ...

    async def postpone(
        self, upload_id: UUID, token: int, *, due_at: float, failures: int, reason: str | None
    ) -> None:
        """Give a fetch back until `due_at`. With None the reason stays."""
        ...

    async def finish(self, dataset: Dataset, token: int, *, now: float) -> Job | None:
        """Record that the upload is complete. Returns its job if that can be claimed now."""
        ...

    async def give_up(self, upload_id: UUID, token: int, reason: str, *, now: float) -> Job | None:
        """Record that the file cannot be had, and end the other fetches of its job.

        Returns the job if it can be claimed now: its attempt fails for this reason.
        """
        ...

    async def failure_of(self, job_id: UUID) -> str | None:
        """Return why an input of a job could not be had; None if that did not happen."""
        ...

    async def end_abandoned(self, *, now: float, held: Fetch | None = None) -> Sequence[Fetch]:
        """End the fetches of cancelled jobs, and return them.

        Not those that a processor holds, but for the one that the caller has `held`.
        """
        ...

    async def remove_old(self) -> None:
        """Remove the fetches of jobs that have expired."""
        ...
