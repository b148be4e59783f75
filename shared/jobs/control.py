"""Creating, cancelling and retrying jobs on SQL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.notify_column import notify_value
from shared.access.tenant import DEFAULT_TENANT
from shared.aggregation.json_codec import encode_aggregation
from shared.blobs.blob import BlobKey, group_of, upload_key
from shared.database.port import Statement, Tell
from shared.database.text import storable
from shared.errors import JobNotFound
from shared.jobs.deliveries import delivery_asked
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.fetches import fetched_again, fetches_inserted
from shared.jobs.job import AttemptOutcome, JobState
from shared.jobs.job_input import encode_inputs
from shared.jobs.notifications import announce
from shared.jobs.reader import SqlJobReader
from shared.jobs.rows import job_of
from shared.jobs.wake_up import is_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.tenant import Tenant
    from shared.database.port import Row, Steps, Value
    from shared.jobs.job import Aggregation, Job
    from shared.jobs.job_request import JobRequest

CANCELLED = "cancelled"
"""The recorded reason of a cancelled job and its attempt."""


class SqlJobControl(SqlJobReader):
    """`JobControl` (see `shared.ports`) on a migrated database."""

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
        """See `JobControl`. Raises ValueError unless `max_attempts` is at least 1."""
        if max_attempts < 1:
            raise ValueError(f"max_attempts is {max_attempts}; a job has at least one")
        # The id is the same in both tries of the statement, so the second inserts nothing new.
        rows = await self._insert(
            str(uuid4()),
            str(upload_id),
            input_key,
            input_size,
            storable(filename),
            encode_aggregation(aggregation),
            max_attempts,
            now,
            tenant,
            int(is_small(input_size, engine)),
            input_version,
            input_sha256,
            notify_value(notify),
            spec_name,
            engine,
        ) or await self._database.read(self._sql.job_by_upload, str(upload_id), None)
        return job_of(rows[0])

    async def _insert(self, *values: Value) -> Sequence[Row]:
        """Insert a job, and record who creates it. Returns no row if its upload has one."""
        who = acting()
        if who is None:
            return await self._database.write(self._sql.insert_job, *values, idempotent=True)

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.insert_job, values)
            for row in rows:
                detail = f"upload {row['upload_id']}, {row['input_size']} bytes"
                yield audit_statement(
                    who.entry(Action.JOB_CREATED, row["id"], row["created_at"], detail)
                )
            return rows

        return await self._database.perform(steps())

    async def ask(self, request: JobRequest, *, now: float) -> Job:
        """See `JobControl`. Raises ValueError without inputs, or with no permitted attempt."""
        if not request.inputs or request.max_attempts < 1:
            raise ValueError("a job has at least one input, and at least one attempt")
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            stored = [each for each in request.inputs if each.url is None]
            yield from self._datasets.ask(stored, request.tenant, now)
            rows = yield Statement(
                self._sql.insert_asked,
                (
                    str(request.id),
                    _input_key(request),
                    sum(each.size for each in request.inputs),
                    storable(request.name),
                    encode_aggregation(request.aggregation),
                    request.max_attempts,
                    now,
                    request.tenant,
                    int(is_small(sum(each.size for each in request.inputs), request.engine)),
                    encode_inputs(request.inputs),
                    request.digest,
                    int(not request.cache),
                    notify_value(request.notify),
                    request.spec_name,
                    request.engine,
                ),
            )
            if not rows:
                return (yield Statement(self._sql.job_by_id, (str(request.id), request.tenant)))
            ids = "".join(str(each.upload_id) for each in request.inputs)
            yield Statement(self._sql.insert_inputs, (str(request.id), ids))
            if request.output_to is not None:
                rows = yield from delivery_asked(request.id, request.output_to)
            if request.fetches:
                rows = yield from fetches_inserted(request, now)
            if who is not None:
                detail = f"asked of {_shown(request)}, {rows[0]['input_size']} bytes"
                yield audit_statement(who.entry(Action.JOB_CREATED, request.id, now, detail))
            return rows

        (row,) = await self._database.perform(steps())
        return job_of(row)

    async def cancel(self, job_id: UUID, *, now: float, tenant: Tenant | None = None) -> Job:
        """See `JobControl`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            rows = yield Statement(self._sql.cancel, (str(job_id), now, CANCELLED, tenant))
            if not rows:
                return (yield Statement(self._sql.job_by_id, (str(job_id), tenant)))
            yield from self._end_attempt(job_id, now, AttemptOutcome.REVOKED, CANCELLED)
            yield from announce(rows[0], JobState.REVOKED, now)
            if who is not None:
                yield audit_statement(who.entry(Action.JOB_CANCELLED, job_id, now))
            yield Tell(str(job_id))
            return rows

        rows = await self._database.perform(steps())
        if not rows:
            raise JobNotFound(f"no job {job_id}")
        return job_of(rows[0])

    async def retry(self, job_id: UUID, *, tenant: Tenant | None = None) -> Job | None:
        """See `JobControl`."""
        who = acting()

        def steps() -> Steps[Sequence[Row]]:
            for row in (yield Statement(self._sql.job_by_id, (str(job_id), tenant))):
                yield from self._datasets.check_kept(job_of(row).inputs)
            rows = yield Statement(self._sql.retry, (str(job_id), tenant))
            if rows and (held := (yield from fetched_again(job_id, time.time()))):
                rows = [held]
            if rows and who is not None:
                yield audit_statement(who.entry(Action.JOB_RETRIED, job_id, time.time()))
            return rows

        rows = await self._database.perform(steps())
        if rows:
            return job_of(rows[0])
        await self.get(job_id, tenant=tenant)
        return None


def _input_key(request: JobRequest) -> BlobKey:
    """Return the key for the processors of an older version, which read only one upload."""
    first = request.inputs[0].key
    if len(request.inputs) == 1:
        return first
    return upload_key(request.id, group_of(first))


def _shown(request: JobRequest) -> str:
    if len(request.inputs) == 1:
        return f"upload {request.inputs[0].upload_id}"
    return f"{len(request.inputs)} uploads, the first {request.inputs[0].upload_id}"
