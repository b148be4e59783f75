"""API keys in the database. What changes a key is recorded in the same transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.access.audit_store import audit_statement
from shared.access.keys import MAX_KEYS, ApiKey
from shared.access.notify_column import notify_of, notify_value
from shared.access.principal import Scope
from shared.access.queries import AccessQueries
from shared.access.tenant import Tenant
from shared.database.port import Statement
from shared.database.text import storable
from shared.errors import TooManyKeys

if TYPE_CHECKING:
    from shared.access.audit import AuditEntry
    from shared.database.port import Database, Row, Steps


class SqlKeyStore:
    """`KeyStore` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = AccessQueries.load()

    async def create(self, key: ApiKey, entry: AuditEntry) -> None:
        """See `KeyStore`."""
        values = (
            key.id, key.tenant, key.name, " ".join(sorted(key.scopes)), int(key.is_operator),
            key.digest, key.created_at, key.expires_at, notify_value(key.notify),
        )  # fmt: skip
        insertion = Statement(self._sql.insert_key, values)

        def steps() -> Steps[None]:
            (found,) = yield Statement(self._sql.count_keys, (key.tenant,))
            if found["keys"] >= MAX_KEYS:
                ended = Statement(self._sql.remove_ended_key, (key.tenant, key.created_at))
                if not (yield ended):
                    raise TooManyKeys(
                        f"tenant {key.tenant} has {found['keys']} API keys, and may have no more; "
                        "revoke some"
                    )
            yield from self._change(insertion, entry)

        await self._database.perform(steps())

    async def find(self, key_id: str) -> ApiKey | None:
        """See `KeyStore`."""
        rows = await self._database.read(self._sql.key_by_id, storable(key_id))
        return _key_of(rows[0]) if rows else None

    async def listed(self, tenant: Tenant | None) -> list[ApiKey]:
        """See `KeyStore`."""
        return [_key_of(row) for row in await self._database.read(self._sql.keys_of_tenant, tenant)]

    async def exist(self, *, now: float) -> bool:
        """See `KeyStore`."""
        return bool(await self._database.read(self._sql.any_key, now))

    async def revoke(
        self, key_id: str, entry: AuditEntry, *, tenant: Tenant | None
    ) -> ApiKey | None:
        """See `KeyStore`."""
        return await self._changed(
            Statement(self._sql.revoke_key, (storable(key_id), tenant, entry.at)), entry
        )

    async def rotate(
        self,
        key_id: str,
        digest: str,
        entry: AuditEntry,
        *,
        previous_until: float,
        tenant: Tenant | None,
    ) -> ApiKey | None:
        """See `KeyStore`."""
        values = (storable(key_id), tenant, digest, entry.at, previous_until)
        return await self._changed(Statement(self._sql.rotate_key, values), entry)

    async def used(self, key_id: str, *, at: float) -> None:
        """See `KeyStore`."""
        await self._database.write(self._sql.key_used, key_id, at, idempotent=True, durable=False)

    async def _changed(self, change: Statement, entry: AuditEntry) -> ApiKey | None:
        return await self._database.perform(self._change(change, entry))

    @staticmethod
    def _change(change: Statement, entry: AuditEntry) -> Steps[ApiKey | None]:
        rows = yield change
        if not rows:
            return None
        key = _key_of(rows[0])
        # Another tenant must not read of this key, also if it is that of the one who acts.
        yield audit_statement(replace(entry, tenant=key.tenant))
        return key


def _key_of(row: Row) -> ApiKey:
    known = {scope.value: scope for scope in Scope}
    return ApiKey(
        id=row["id"],
        tenant=Tenant(row["tenant"]),
        name=row["name"],
        # A scope of a newer version allows nothing here.
        scopes=frozenset(known[name] for name in row["scopes"].split() if name in known),
        digest=row["digest"],
        created_at=row["created_at"],
        is_operator=bool(row["is_operator"]),
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        rotated_at=row["rotated_at"],
        previous_digest=row["previous_digest"],
        previous_until=row["previous_until"],
        notify=notify_of(row["notify"]),
    )
