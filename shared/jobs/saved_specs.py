"""The table of saved specs. Each change is one compare-and-set, recorded in its transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.access.acting import acting
from shared.access.audit import Action
from shared.access.audit_store import audit_statement
from shared.access.tenant import Tenant
from shared.aggregation.json_codec import decode_aggregation, encode_aggregation
from shared.database.port import Statement
from shared.database.scripts import load_queries
from shared.errors import PreconditionFailed, SpecNotFound, TooManySpecs
from shared.jobs.saved_spec import ANYTHING, MAX_SPECS, SavedSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.aggregation.spec import Aggregation
    from shared.database.port import Database, Row, Steps
    from shared.jobs.saved_spec import Expected


@dataclass(frozen=True, slots=True)
class SpecQueries:
    """The statements of `specs.sql`. A missing or unknown one fails at the start."""

    spec_by_name: str
    specs_of_tenant: str
    replace_spec: str
    insert_spec: str
    delete_spec: str


class SqlSavedSpecs:
    """`SavedSpecs` (see `shared.ports`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = SpecQueries(**load_queries("specs.sql"))

    async def find(self, tenant: Tenant, name: str) -> SavedSpec:
        """See `SavedSpecs`."""
        rows = await self._database.read(self._sql.spec_by_name, tenant, name)
        if not rows:
            raise SpecNotFound(f"there is no saved spec {name!r}")
        return _spec_of(rows[0])

    async def listed(self, tenant: Tenant) -> Sequence[SavedSpec]:
        """See `SavedSpecs`."""
        rows = await self._database.read(self._sql.specs_of_tenant, tenant, MAX_SPECS)
        return [_spec_of(row) for row in rows]

    async def save(
        self,
        tenant: Tenant,
        name: str,
        aggregation: Aggregation,
        *,
        now: float,
        expected: Expected = ANYTHING,
    ) -> tuple[SavedSpec, bool]:
        """See `SavedSpecs`."""
        values = (tenant, name, encode_aggregation(aggregation), uuid4().hex, now)
        replacing = Statement(self._sql.replace_spec, (*values, _versions(expected)))
        who = acting()

        def steps() -> Steps[tuple[SavedSpec, bool]]:
            rows: Sequence[Row] = ()
            created = False
            if not expected.is_new:
                rows = yield replacing
            if not rows and not expected.exists:
                rows = yield Statement(self._sql.insert_spec, (*values, MAX_SPECS))
                created = bool(rows)
                if not rows and not expected.is_new:
                    rows = yield replacing  # another request has just saved it
            if not rows:
                found = yield Statement(self._sql.spec_by_name, (tenant, name))
                if found or expected.exists:
                    raise PreconditionFailed(
                        f"the saved spec {name!r} is not as expected; get it first"
                    )
                raise TooManySpecs(
                    f"tenant {tenant} has {MAX_SPECS} saved specs, and may have no more; delete "
                    "some"
                )
            if who is not None:
                yield audit_statement(who.entry(Action.SPEC_SAVED, name, now))
            return _spec_of(rows[0]), created

        return await self._database.perform(steps())

    async def delete(
        self, tenant: Tenant, name: str, *, now: float, expected: Expected = ANYTHING
    ) -> None:
        """See `SavedSpecs`."""
        who = acting()

        def steps() -> Steps[None]:
            values = (tenant, name, _versions(expected))
            if (yield Statement(self._sql.delete_spec, values)):
                if who is not None:
                    yield audit_statement(who.entry(Action.SPEC_DELETED, name, now))
            elif (yield Statement(self._sql.spec_by_name, (tenant, name))):
                raise PreconditionFailed(f"the saved spec {name!r} has changed; get it first")
            else:
                raise SpecNotFound(f"there is no saved spec {name!r}")

        await self._database.perform(steps())


def _versions(expected: Expected) -> str | None:
    return None if expected.versions is None else " ".join(expected.versions)


def _spec_of(row: Row) -> SavedSpec:
    return SavedSpec(
        tenant=Tenant(row["tenant"]),
        name=row["name"],
        aggregation=decode_aggregation(row["aggregation"]),
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
    )
