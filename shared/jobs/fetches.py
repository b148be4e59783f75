"""The table of fetches. Its statements are compare-and-sets with a fencing token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.tenant import Tenant
from shared.blobs.blob import BlobKey
from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.errors import LeaseLost
from shared.jobs.fetch import NEVER, Fetch
from shared.jobs.job_input import encode_inputs
from shared.jobs.rows import job_of
from shared.jobs.wake_up import is_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.database.port import Database, Row, Steps
    from shared.jobs.dataset import Dataset
    from shared.jobs.datasets import SqlDatasets
    from shared.jobs.job import Job
    from shared.jobs.job_input import JobInput
    from shared.jobs.job_request import JobRequest

REASON_LIMIT = 1000
"""The most characters of a reason."""
OTHER_FAILED = "another input of the job could not be fetched"


@dataclass(frozen=True, slots=True)
class FetchQueries:
    """The statements of `fetches.sql`. A missing or unknown one fails at the start."""

    insert: str
    any_due: str
    take: str
    renew: str
    identify: str
    postpone: str
    end_done: str
    end_failed: str
    end_others: str
    lock_job: str
    change_inputs: str
    show: str
    release_job: str
    failed_of: str
    again: str
    hold_job: str
    abandoned: str
    remove_old: str


_SQL = FetchQueries(**load_queries("fetches.sql"))


class SqlFetches:
    """`Fetches` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database, datasets: SqlDatasets) -> None:
        self._database = database
        self._datasets = datasets

    async def take(self, *, worker: str, held_until: float, now: float) -> Fetch | None:
        """See `Fetches`."""
        # Mostly none is due: a read then disturbs no writer.
        if not await self._database.read(_SQL.any_due, now):
            return None
        rows = await self._database.write(_SQL.take, storable(worker), held_until, now)
        return _fetch_of(rows[0]) if rows else None

    async def renew(
        self, upload_id: UUID, token: int, *, held_until: float, bytes_done: int
    ) -> None:
        """See `Fetches`."""

        def steps() -> Steps[None]:
            rows = yield Statement(_SQL.renew, (str(upload_id), token, held_until, bytes_done))
            _check_held(upload_id, rows)
            yield Statement(_SQL.show, (rows[0]["job_id"], None, NEVER))

        await self._database.perform(steps(), durable=False)

    async def identify(
        self,
        upload_id: UUID,
        token: int,
        *,
        tag: str | None,
        modified: str | None,
        size: int | None,
    ) -> None:
        """See `Fetches`."""

        def steps() -> Steps[None]:
            rows = yield Statement(
                _SQL.identify,
                (str(upload_id), token, tag, modified, size),
            )
            _check_held(upload_id, rows)
            if size is not None:
                yield from _change_input(rows[0]["job_id"], upload_id, size=size)

        await self._database.perform(steps())

    async def postpone(
        self, upload_id: UUID, token: int, *, due_at: float, failures: int, reason: str | None
    ) -> None:
        """See `Fetches`."""
        text = None if reason is None else storable(reason, REASON_LIMIT)

        def steps() -> Steps[None]:
            rows = yield Statement(_SQL.postpone, (str(upload_id), token, due_at, failures, text))
            _check_held(upload_id, rows)
            yield Statement(_SQL.show, (rows[0]["job_id"], text, NEVER))

        await self._database.perform(steps())

    async def finish(self, dataset: Dataset, token: int, *, now: float) -> Job | None:
        """See `Fetches`."""

        def steps() -> Steps[Job | None]:
            rows = yield Statement(
                _SQL.end_done,
                (str(dataset.upload_id), token, dataset.size, dataset.sha256, now),
            )
            _check_held(dataset.upload_id, rows)
            yield from self._datasets.recorded(dataset)
            job = yield from _change_input(
                rows[0]["job_id"],
                dataset.upload_id,
                size=dataset.size,
                version=dataset.version,
                sha256=dataset.sha256,
            )
            return (yield from _release(job))

        return await self._database.perform(steps())

    async def give_up(self, upload_id: UUID, token: int, reason: str, *, now: float) -> Job | None:
        """See `Fetches`."""
        text = storable(reason, REASON_LIMIT)

        def steps() -> Steps[Job | None]:
            rows = yield Statement(_SQL.end_failed, (str(upload_id), token, text, now))
            _check_held(upload_id, rows)
            job_id = rows[0]["job_id"]
            (job,) = yield Statement(_SQL.lock_job, (job_id,))
            yield Statement(_SQL.end_others, (job_id, str(upload_id), OTHER_FAILED, now))
            return (yield from _release(job_of(job)))

        return await self._database.perform(steps())

    async def failure_of(self, job_id: UUID) -> str | None:
        """See `Fetches`."""
        rows = await self._database.read(_SQL.failed_of, str(job_id), OTHER_FAILED)
        return rows[0]["reason"] if rows else None

    async def end_abandoned(self, *, now: float, held: Fetch | None = None) -> Sequence[Fetch]:
        """See `Fetches`."""
        own = ("", 0) if held is None else (str(held.upload_id), held.token)
        return [_fetch_of(row) for row in await self._database.write(_SQL.abandoned, now, *own)]

    async def remove_old(self) -> None:
        """See `Fetches`."""
        await self._database.write(_SQL.remove_old, idempotent=True)


def fetches_inserted(request: JobRequest, now: float) -> Steps[Sequence[Row]]:
    """Insert the fetches of a new job, and return its row, which nothing claims until then."""
    for each in request.fetches:
        yield Statement(
            _SQL.insert,
            (
                str(each.upload_id),
                str(request.id),
                each.position,
                request.tenant,
                each.key,
                storable(each.name),
                each.url,
                each.sha256,
                each.max_size,
                each.max_bytes,
                now,
            ),
        )
    return (yield Statement(_SQL.hold_job, (str(request.id), NEVER)))


def fetched_again(job_id: UUID, now: float) -> Steps[Row | None]:
    """Fetch again what could not be had for a job that was retried; return its row, if so."""
    if not (yield Statement(_SQL.again, (str(job_id), now))):
        return None
    (row,) = yield Statement(_SQL.hold_job, (str(job_id), NEVER))
    return row


def _check_held(upload_id: UUID, rows: Sequence[Row]) -> None:
    if not rows:
        raise LeaseLost(f"the fetch of upload {upload_id} is another processor's, or has ended")


def _change_input(
    job_id: str,
    upload_id: UUID,
    *,
    size: int,
    version: str | None = None,
    sha256: str | None = None,
) -> Steps[Job]:
    """Change what a job knows of one of its inputs."""
    (row,) = yield Statement(_SQL.lock_job, (job_id,))
    job = job_of(row)
    inputs = tuple(
        replace(each, size=size, version=version, sha256=sha256)
        if each.upload_id == upload_id
        else each
        for each in job.inputs
    )
    return (yield from _with_inputs(job, inputs))


def _with_inputs(job: Job, inputs: tuple[JobInput, ...]) -> Steps[Job]:
    total = sum(each.size for each in inputs)
    (row,) = yield Statement(
        _SQL.change_inputs, (str(job.id), encode_inputs(inputs), total, storable(job.filename))
    )
    return job_of(row)


def _release(job: Job) -> Steps[Job | None]:
    small = is_small(job.input_size, job.engine)
    rows = yield Statement(_SQL.release_job, (str(job.id), int(small), NEVER))
    return job_of(rows[0]) if rows else None


def _fetch_of(row: Row) -> Fetch:
    return Fetch(
        UUID(row["upload_id"]),
        UUID(row["job_id"]),
        Tenant(row["tenant"]),
        BlobKey(row["input_key"]),
        row["name"],
        row["url"],
        row["token"],
        row["created_at"],
        row["failures"],
        row["bytes_done"],
        row["sha256"],
        row["max_size"],
        row["max_bytes"],
        row["tag"],
        row["modified"],
        row["size"],
        row["reason"],
    )
