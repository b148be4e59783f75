"""The table of datasets, and what is known of uploads that have no row in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.tenant import Tenant
from shared.blobs.blob import BlobKey
from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.database.text import storable
from shared.errors import InputRemoved, UploadInUse
from shared.jobs.dataset import FOR_EVER, Dataset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.database.port import Database, Row, Steps
    from shared.jobs.dataset import DatasetPosition
    from shared.jobs.job_input import JobInput

BATCH = 500
"""Uploads per query."""


@dataclass(frozen=True, slots=True)
class DatasetQueries:
    """The statements of `datasets.sql`. A missing or unknown one fails at the start."""

    ask: str
    renew: str
    record: str
    dataset: str
    lock: str
    lock_of_job: str
    remove: str
    readers: str
    needed: str
    listed: str
    listed_of_name: str
    keep: str
    forget: str
    unneeded: str
    jobs_of: str


class SqlDatasets:
    """`Datasets` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = DatasetQueries(**load_queries("datasets.sql"))

    async def record(self, dataset: Dataset) -> bool:
        """See `Datasets`."""
        return await self._database.perform(self.recorded(dataset))

    async def keep(self, dataset: Dataset, keep_until: float | None, *, now: float) -> Dataset:
        """See `Datasets`."""
        who = acting()

        def steps() -> Steps[Dataset]:
            if (yield from self._locked(dataset.upload_id)) is None:
                yield from self.recorded(dataset)
            rows = yield Statement(self._sql.keep, (str(dataset.upload_id), keep_until))
            if not rows:
                raise _removed(dataset.upload_id)
            if who is not None:
                detail = _kept(keep_until)
                yield audit_statement(who.entry(Action.UPLOAD_KEPT, dataset.upload_id, now, detail))
            return dataset_of(rows[0])

        return await self._database.perform(steps())

    async def get(self, upload_id: UUID, *, tenant: Tenant | None = None) -> Dataset | None:
        """See `Datasets`."""
        rows = await self._database.read(self._sql.dataset, str(upload_id), tenant)
        return dataset_of(rows[0]) if rows else None

    async def remove(self, upload_id: UUID, *, unless_needed: bool, now: float) -> bool:
        """See `Datasets`."""

        def steps() -> Steps[bool]:
            row = yield from self._locked(upload_id)
            if row is None:
                return True
            (readers,) = yield Statement(self._sql.readers, (str(upload_id),))
            if unless_needed and (readers["unexpired"] or (row["keep_until"] or now) > now):
                return False
            _check_unread(upload_id, readers)
            yield Statement(self._sql.remove, (str(upload_id), now))
            return True

        return await self._database.perform(steps())

    async def listed(
        self,
        tenant: Tenant,
        *,
        name: str | None = None,
        after: DatasetPosition | None = None,
        limit: int,
    ) -> Sequence[Dataset]:
        """See `Datasets`."""
        position = (math.inf, "") if after is None else (after.created_at, str(after.id))
        values = (tenant, *position, limit)
        if name is None:
            rows = await self._database.read(self._sql.listed, *values)
        else:
            rows = await self._database.read(self._sql.listed_of_name, *values, storable(name))
        return [dataset_of(row) for row in rows]

    def check_kept(self, inputs: Sequence[JobInput]) -> Steps[None]:
        """Lock the uploads for the transaction in which a job of them is put back.

        Raises InputRemoved as `ask`.
        """
        for each in sorted({each.upload_id: each for each in inputs}.values(), key=_id_of):
            for row in (yield Statement(self._sql.lock, (str(each.upload_id),))):
                if row["removed_at"] is not None:
                    raise _removed(each.upload_id)

    async def jobs_of(
        self, upload_ids: Sequence[UUID], *, limit: int
    ) -> Mapping[UUID, Sequence[UUID]]:
        """See `Datasets`."""
        found: dict[UUID, list[UUID]] = {}
        if upload_ids:
            ids = "".join(map(str, upload_ids))
            for row in await self._database.read(self._sql.jobs_of, ids, limit):
                found.setdefault(UUID(row["upload_id"]), []).append(UUID(row["id"]))
        return found

    async def forget(self, dataset: Dataset, *, now: float) -> None:
        """See `Datasets`."""
        await self._database.write(
            self._sql.forget, str(dataset.upload_id), now, dataset.version, idempotent=True
        )

    async def unneeded(self, *, now: float) -> AsyncIterator[Dataset]:
        """See `Datasets`."""
        last = ""
        while rows := await self._database.read(self._sql.unneeded, now, last, BATCH):
            for row in rows:
                yield dataset_of(row)
            last = rows[-1]["upload_id"]

    async def check_unread(self, upload_id: UUID) -> None:
        """See `Datasets`."""
        (readers,) = await self._database.read(self._sql.readers, str(upload_id))
        _check_unread(upload_id, readers)

    async def needed(self, upload_ids: Sequence[UUID], *, now: float) -> frozenset[UUID]:
        """See `Datasets`."""
        if not upload_ids:
            return frozenset()
        ids = "".join(map(str, upload_ids))
        rows = await self._database.read(self._sql.needed, ids, now)
        return frozenset(UUID(row["upload_id"]) for row in rows)

    def recorded(self, dataset: Dataset) -> Steps[bool]:
        """Insert the row of an upload; return whether nothing was known of its bytes."""
        inserted = yield Statement(
            self._sql.record,
            (
                str(dataset.upload_id),
                dataset.tenant,
                storable(dataset.name),
                dataset.key,
                dataset.size,
                dataset.version,
                dataset.sha256,
                dataset.created_at,
                dataset.keep_until,
            ),
        )
        if inserted:
            return True
        (row,) = yield Statement(self._sql.dataset, (str(dataset.upload_id), None))
        if row["version"] == dataset.version:
            return False
        yield self._renewed(dataset)
        return True

    def _locked(self, upload_id: UUID) -> Steps[Row | None]:
        """Return the row of an upload, which no other transaction changes now; None if none knows.

        The statements after this one see every job that was asked of the upload before.
        """
        for sql in (self._sql.lock, self._sql.lock_of_job):
            rows = yield Statement(sql, (str(upload_id),))
            if rows:
                return rows[0]
        return None

    def ask(self, inputs: Sequence[JobInput], tenant: Tenant, now: float) -> Steps[None]:
        """Lock the uploads for the transaction in which a job of them is inserted.

        Raises InputRemoved if a client has begun to delete one of them.
        """
        # In the same order in every transaction, so that no two wait for each other.
        for each in sorted({each.upload_id: each for each in inputs}.values(), key=_id_of):
            (row,) = yield Statement(
                self._sql.ask,
                (
                    str(each.upload_id),
                    tenant,
                    storable(each.name),
                    each.key,
                    each.size,
                    each.version,
                    each.sha256,
                    now,
                ),
            )
            if row["version"] != each.version:
                yield self._renewed(_dataset(each, tenant, now))
            elif row["removed_at"] is not None:
                raise _removed(each.upload_id)

    def _renewed(self, dataset: Dataset) -> Statement:
        return Statement(
            self._sql.renew,
            (
                str(dataset.upload_id),
                storable(dataset.name),
                dataset.size,
                dataset.version,
                dataset.sha256,
                dataset.created_at,
                dataset.keep_until,
            ),
        )


def _kept(until: float | None) -> str:
    if until is None:
        return "no longer than jobs need it"
    return "until it is deleted" if until == FOR_EVER else f"until {until:.0f}"


def _removed(upload_id: UUID) -> InputRemoved:
    return InputRemoved(f"upload {upload_id} was deleted; upload the file again")


def _check_unread(upload_id: UUID, readers: Row) -> None:
    if readers["unfinished"]:
        raise UploadInUse(
            f"jobs that have not ended read upload {upload_id}: {readers['unfinished']}; cancel "
            "them, or delete the upload when they have ended"
        )


def _id_of(each: JobInput) -> str:
    return str(each.upload_id)


def _dataset(each: JobInput, tenant: Tenant, now: float) -> Dataset:
    return Dataset(
        each.upload_id, tenant, each.key, each.name, each.size, each.version, each.sha256, now
    )


def dataset_of(row: Row) -> Dataset:
    """Return the dataset in a row."""
    return Dataset(
        UUID(row["upload_id"]),
        Tenant(row["tenant"]),
        BlobKey(row["input_key"]),
        row["name"],
        row["size"],
        row["version"],
        row["sha256"],
        row["created_at"],
        row["keep_until"],
        row["asked_at"],
        row["removed_at"],
    )
