"""The secrets with which links to results are signed, for all gateways of a database."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.access.audit_store import audit_statement
from shared.access.queries import AccessQueries
from shared.database.port import Statement

if TYPE_CHECKING:
    from shared.access.audit import AuditEntry
    from shared.database.port import Database, Steps

KEPT = 2
"""How many secrets verify links: the newest, which signs, and the one before."""
SECRET_BYTES = 32
FIRST = "first"
"""The id of the secret that is created when there is none: gateways that create it at the same time
agree on one."""


class SqlSigningSecrets:
    """`SigningSecrets` (see `shared.access.port`) on a migrated database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = AccessQueries.load()

    async def newest(self, *, now: float) -> list[bytes]:
        """See `SigningSecrets`."""
        return await self._read() or await self._create_first(now)

    async def rotate(self, entry: AuditEntry) -> None:
        """See `SigningSecrets`."""

        def steps() -> Steps[None]:
            yield Statement(
                self._sql.insert_secret,
                (str(uuid4()), secrets.token_hex(SECRET_BYTES), entry.at),
            )
            yield audit_statement(entry)

        await self._database.perform(steps())

    async def _create_first(self, now: float) -> list[bytes]:
        await self._database.write(
            self._sql.insert_secret, FIRST, secrets.token_hex(SECRET_BYTES), now, idempotent=True
        )
        return await self._read()

    async def _read(self) -> list[bytes]:
        rows = await self._database.read(self._sql.newest_secrets, KEPT)
        return [bytes.fromhex(row["secret"]) for row in rows]
