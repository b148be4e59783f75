"""The port for wake-ups and dead letters: which ones the broker is to receive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from shared.jobs.job import Job
    from shared.jobs.wake_up import WakeUp


class JobMessages(Protocol):
    """Knows which wake-ups and dead letters are to be published. See `JobStore`."""

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """Record that the broker has confirmed a wake-up of this job. Raises JobNotFound."""
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
