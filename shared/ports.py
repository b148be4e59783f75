"""The three ports: what services need of the outside world, each with what it promises.

Every port has a production adapter and an embedded one. Both are product code, and both pass
the same contract suite in `tests/contract/`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from uuid import UUID

    from shared.blobs import BlobActivity, BlobInfo, BlobKey, Turn
    from shared.jobs import Aggregation, Attempt, Job, JobResult, Unfinished
    from shared.messages import WakeUp


class Blobs(Protocol):
    """Bytes under keys, written in chunks at offsets, in any order, in parallel, repeatedly.

    Adapters: `storage.blobs.filesystem`, and `shared.storage_client` over HTTP.
    Any method raises StorageUnavailable when storage does not answer in time.
    """

    async def create(
        self,
        key: BlobKey,
        size: int | None,
        *,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> BlobInfo:
        """Declare a blob of `size` bytes, or return it as it stands if it is there already.

        With None the size is not known yet: `declare_size` has to tell it before the blob can
        become complete. A blob whose size has been told meanwhile is as good as one without.
        With `sha256` (lower-case hex) the blob becomes complete only if its bytes have that
        digest. The metadata of the first creation stays. Durable on return.
        Raises BlobConflict if the blob exists with another size or digest, StorageFull.
        """
        ...

    async def declare_size(self, key: BlobKey, size: int) -> BlobInfo:
        """Tell the size of a blob that was created without; repeating it is harmless.

        Durable on return. The blob is complete then if it has all its bytes. Raises BlobNotFound,
        BlobConflict if it has another size, ChunkOutOfBounds if bytes beyond it were received,
        DigestMismatch as `write`, StorageFull.
        """
        ...

    async def write(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], *, token: int | None = None
    ) -> BlobInfo:
        """Write a chunk at `offset` (bytes) and return the blob with the chunk's range received.

        All or nothing: if `data` raises, or reaches beyond the end, no range is recorded. A
        recorded range is durable, and its bytes never change again: of a chunk that overlaps
        what was received, only the missing parts are written. An empty chunk changes nothing.
        Memory is bounded whatever the chunk's size; `data` is read no faster than it is written.
        Raises BlobNotFound, ChunkOutOfBounds, StorageFull, and DigestMismatch when the last
        missing byte arrives and the digest is not the declared one (the blob is then empty
        again). With the `token` of a turn, raises TakenOver as `append` does.
        """
        ...

    async def append(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], *, token: int
    ) -> BlobInfo:
        """Write `data` from `offset` on and keep what arrives, however it ends.

        What `data` raises comes out after all that it had yielded was recorded. If the process
        that calls is killed, most of what it had sent is recorded; if storage is, all but the
        latest 16 MiB. Otherwise as `write`, but that of what reaches beyond the end, an unknown
        part is kept.
        `token` is that of a turn: raises TakenOver as soon as a later one was begun, be `data`
        ever so silent.
        """
        ...

    async def take_over(self, key: BlobKey) -> Turn:
        """Begin a turn of appending to a blob, and end all that were begun before.

        Whoever still appends is told TakenOver; on return, what had arrived of theirs is
        recorded. Turns keep appenders from answering for each other; the bytes need no such
        protection, as the first to come stay. Raises BlobNotFound.
        """
        ...

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """Make a complete blob of the bytes of other complete blobs, one after the other.

        In one step: there is either all of it, or nothing. If there is a blob `key` already, it
        is returned as it stands. The parts stay as they are. Raises BlobNotFound and
        BlobIncomplete for a part, InvalidInput if there is none, StorageFull.
        """
        ...

    async def info(self, key: BlobKey) -> BlobInfo:
        """What is known of a blob. Raises BlobNotFound."""
        ...

    def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read the bytes `start..stop` (to the end if `stop` is None) in pieces of bounded size.

        Entering raises BlobNotFound, ChunkOutOfBounds, or BlobIncomplete if a byte of the range
        has not been received; iterating raises StorageUnavailable if it cannot go on. What is
        yielded is never more or less than what was asked for.
        """
        ...

    async def delete(self, key: BlobKey) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    async def expire(self, key: BlobKey, *, idle_for: float) -> bool:
        """Remove a blob that nobody has used for `idle_for` seconds; whether it was removed.

        `create`, `write` and `info` are uses, and a chunk that is still on its way is one too.
        That is judged and acted upon in one step: whoever uses the blob at the same time either
        keeps it, or finds it gone.
        """
        ...

    def walk(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[BlobActivity]]:
        """Go through all blobs of a kind (`UPLOADS`, `RESULTS`), in no order and in bounded memory.

        Each that is there all the time comes once; one that comes or goes meanwhile may come.
        Entering and iterating raise StorageUnavailable: what has ended without it was whole.
        """
        ...

    def local_path(self, key: BlobKey) -> Path | None:
        """The file that holds the bytes of a complete blob, if this machine can read it."""
        ...

    async def ping(self) -> None:
        """Return if storage can be used now. Raises StorageUnavailable."""
        ...


class JobStore(Protocol):
    """The truth about jobs. Every transition is a compare-and-set in the database.

    Times are Unix seconds and passed in. Adapter: `shared.job_store` on PostgreSQL or SQLite.
    A lease that runs out takes nothing from its attempt until another claims the job: a late
    worker may still renew it, or finish.
    Any method raises DatabaseUnavailable when the database does not answer in time.
    """

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
    ) -> Job:
        """Make the job of an upload in state PENDING, or return the one it has already.

        However many callers race, an upload has exactly one job.
        """
        ...

    async def get(self, job_id: UUID) -> Job:
        """Raises JobNotFound."""
        ...

    async def of_upload(self, upload_id: UUID) -> Job | None:
        """The job that an upload has become, if it has."""
        ...

    async def mark_published(self, job_id: UUID, now: float) -> None:
        """Note that the broker has taken responsibility for a wake-up of this job.

        Raises JobNotFound.
        """
        ...

    async def claim(
        self, job_id: UUID, *, worker: str, lease_until: float, now: float
    ) -> Job | None:
        """Take the job for a new attempt: STARTED, `attempt` counted up, leased to `worker`.

        None if it cannot be taken: it is finished, another attempt holds a lease that has not run
        out, or its next attempt has to wait (`get` tells which). The attempt of a lease that ran
        out is recorded as `lost`; a job whose `max_attempts`-th attempt was lost becomes FAILURE
        here, and None is returned. Raises JobNotFound.
        """
        ...

    async def heartbeat(self, job_id: UUID, attempt: int, *, lease_until: float) -> None:
        """Renew the lease of a running attempt; one that lasts longer already stays as it is.

        Raises LeaseLost if the job is no longer this attempt's: taken over, cancelled, finished.
        """
        ...

    async def succeed(self, job_id: UUID, attempt: int, result: JobResult, *, now: float) -> None:
        """Publish the result and the state SUCCESS in one step. Raises LeaseLost.

        The attempt that has done so may repeat it with the same result: whoever was told
        DatabaseUnavailable cannot know whether it was committed.
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
    ) -> Job:
        """Record why an attempt failed: FAILURE if `final` or the last attempt, else RETRY.

        No attempt begins before `retry_at`, however many wake-ups there are. A wake-up that was
        noted before does not count for the next attempt.

        Returns the job as it stands afterwards. Raises LeaseLost.
        """
        ...

    async def release(
        self, job_id: UUID, attempt: int, reason: str, *, now: float, retry_at: float | None = None
    ) -> None:
        """Hand the job back unfinished, to be claimed by another worker: RETRY.

        No attempt begins before `retry_at`; without it, the next may begin at once.

        The attempt is recorded as `released` and does not count towards `max_attempts`.
        Raises LeaseLost.
        """
        ...

    async def cancel(self, job_id: UUID, *, now: float) -> Job:
        """REVOKED, unless the job is finished already; the job as it stands. Raises JobNotFound."""
        ...

    async def retry(self, job_id: UUID) -> Job | None:
        """Give a FAILURE another `max_attempts` attempts: RETRY, with no wake-up on its way.

        The job as it stands then; None if it has expired, or is in any other state (`get` tells
        which). What came of its attempts so far is kept, and their numbers go on.
        Raises JobNotFound.
        """
        ...

    async def overdue(
        self, *, now: float, unpublished_for: float, lost_after: float, limit: int
    ) -> Sequence[UUID]:
        """Jobs that need a (further) wake-up, oldest first.

        Those PENDING or RETRY for which no wake-up is on its way: none was noted since the job
        was made, `unpublished_for` seconds ago or earlier (until then it is left to its maker),
        or since its last attempt ended. Those whose lease has run out and that were not woken
        since. And those whose wake-up was published `lost_after` seconds ago or earlier, and
        has not been taken: it may wait in a long queue, but counts as lost. So a relay that
        publishes what it finds here and notes it does not repeat itself.
        """
        ...

    async def expire(self, *, finished_before: float, now: float, limit: int) -> int:
        """Note that the bytes of jobs are no longer kept: of those that finished before that
        time, and of those REVOKED at any time; at most `limit` of them, oldest first.

        How many they were. Final: an expired job can never be retried or claimed, so that from
        now on nothing reads what it read, nor may be written in its name.
        """
        ...

    async def get_many(self, job_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """Those of the jobs that there are, by id. Meant for some hundreds at a time."""
        ...

    async def of_uploads(self, upload_ids: Sequence[UUID]) -> Mapping[UUID, Job]:
        """The jobs of those of the uploads that have one, by the upload's id."""
        ...

    async def unfinished(self, *, limit: int) -> Unfinished:
        """Count the jobs that have not ended: the `limit` oldest of them, which bounds the cost."""
        ...

    async def attempts(self, job_id: UUID) -> Sequence[Attempt]:
        """Every attempt of a job, in order."""
        ...

    async def ping(self) -> None:
        """Return if the database can be used now. Raises DatabaseUnavailable."""
        ...


class Delivery(Protocol):
    """A wake-up in a consumer's hands, to be settled exactly once.

    Settling on a connection that is gone does nothing: the broker delivers again by itself.
    """

    @property
    def wakeup(self) -> WakeUp:
        """The message."""
        ...

    async def ack(self) -> None:
        """The wake-up has served; forget it."""
        ...

    async def requeue(self) -> None:
        """Hand the wake-up back at once, for another consumer."""
        ...

    async def dead_letter(self) -> None:
        """Put the wake-up where operators see it."""
        ...


class Bus(Protocol):
    """Wakes processors up, at least once for each wake-up published.

    Adapters: `shared.bus.rabbitmq`, `shared.bus.in_process`.
    """

    async def publish(self, wakeup: WakeUp, *, delay: float = 0.0) -> None:
        """Return once the broker has taken responsibility for the wake-up.

        With `delay` (seconds) it is delivered that much later or somewhat after; a delay of
        more than an hour is cut to an hour.
        Raises BrokerUnavailable if that is not confirmed in time; it may be delivered all the
        same.
        """
        ...

    def consume(
        self, handle: Callable[[Delivery], Awaitable[None]], *, prefetch: int
    ) -> AbstractAsyncContextManager[None]:
        """Call `handle` for each wake-up, at most `prefetch` at a time, until the context is left.

        Survives the loss of the connection. A wake-up whose handler raises is handed back
        after a pause, and dead-lettered once it has come back too often. A delivery that its
        handler leaves unsettled keeps its place until the context is left.
        Leaving stops new deliveries and waits for no handler: those that run may settle what
        they have until the bus is closed, which cancels them. What is then not settled is
        delivered again, to somebody.
        """
        ...

    async def ping(self) -> None:
        """Return if the broker can be used now. Raises BrokerUnavailable."""
        ...
