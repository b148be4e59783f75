"""Creating jobs that were asked for, on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.notify_column import notify_value
from shared.aggregation.json_codec import encode_aggregation
from shared.blobs.blob import BlobKey, group_of, upload_key
from shared.database.port import Statement
from shared.database.text import storable
from shared.jobs.claims import SqlJobClaims
from shared.jobs.datasets import SqlDatasets
from shared.jobs.deliveries import delivery_asked
from shared.jobs.fetches import SqlFetches, fetches_inserted
from shared.jobs.job_input import encode_inputs
from shared.jobs.rows import job_of
from shared.jobs.wake_up import is_small

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.access.tenant import Tenant
    from shared.database.port import Database, Row, Steps
    from shared.jobs.claims import AttemptLost
    from shared.jobs.job import Job
    from shared.jobs.job_request import JobRequest


class SqlJobAsks(SqlJobClaims):
    """The methods of `JobStore` (see `shared.ports`) for datasets, on a migrated database."""

    def __init__(self, database: Database, attempt_lost: AttemptLost | None = None) -> None:
        super().__init__(database, attempt_lost)
        self._datasets = SqlDatasets(database)
        self._fetches = SqlFetches(database, self._datasets)

    @property
    def datasets(self) -> SqlDatasets:
        """See `JobStore`."""
        return self._datasets

    @property
    def fetches(self) -> SqlFetches:
        """See `JobStore`."""
        return self._fetches

    async def ask(self, request: JobRequest, *, now: float) -> Job:
        """See `JobStore`. Raises ValueError without inputs, or with no permitted attempt."""
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

    async def answered(self, tenant: Tenant, answer_key: str) -> Job | None:
        """See `JobStore`."""
        rows = await self._database.read(self._sql.answered, tenant, answer_key)
        return job_of(rows[0]) if rows else None


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
