"""Brings a database's schema to what this version of the code needs."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from shared.database.scripts import AFTER, load_migrations
from shared.errors import DatabaseUnavailable, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.database.port import Database, Transaction
    from shared.database.scripts import Migration

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at DOUBLE PRECISION NOT NULL
)
"""

log = logging.getLogger(__name__)


async def migrate(database: Database, migrations: Sequence[Migration] | None = None) -> None:
    """Apply the migrations that `database` lacks: each once, in order, all of them or none.

    One that was numbered earlier and came later, as from another branch, is applied when it is
    there. Any number of processes may call this at the same time. `migrations` are those of this
    version unless given. What a newer version has added to the database is left alone. Raises
    SchemaMismatch, and changes nothing, if a newer version has removed something (a migration
    whose name ends in `_after`), or a migration had another text when it was applied;
    DatabaseUnavailable.
    """
    known = load_migrations() if migrations is None else migrations
    async with database.transaction(exclusive=True) as transaction:
        await transaction.execute(_TABLE)
        for migration in await _missing(transaction, known):
            for statement in migration.statements:
                await transaction.execute(statement)
            await transaction.execute(
                "INSERT INTO schema_migrations (version, name, checksum, applied_at)"
                " VALUES ($1, $2, $3, $4)",
                migration.version,
                migration.name,
                migration.checksum,
                time.time(),
            )
            log.info("applied migration %s", migration.name)


async def migrate_at_start(database: Database, *, patience: float = 30.0) -> None:
    """`migrate`, and again while the database goes away in the middle of it.

    Raises DatabaseUnavailable once `patience` seconds have passed, and SchemaMismatch.
    """
    deadline = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            return await migrate(database)
        except DatabaseUnavailable as error:
            if time.monotonic() + pause > deadline:
                raise
            log.warning("waiting for the database to be migrated: %s", error)
        await asyncio.sleep(pause)
        pause = min(pause * 2, 2.0)


async def _missing(transaction: Transaction, known: Sequence[Migration]) -> list[Migration]:
    """Those of the `known` migrations that have not been applied."""
    by_version = {migration.version: migration for migration in known}
    applied = await transaction.execute(
        "SELECT version, name, checksum FROM schema_migrations ORDER BY version"
    )
    for row in applied:
        migration = by_version.pop(row["version"], None)
        if migration is None:
            if row["name"].endswith(AFTER):
                raise SchemaMismatch(
                    f"the database has migration {row['name']}, which this version of csvmill does"
                    " not know: run a version at least as new as the one that migrated it"
                )
            log.info("the database has migration %s of a newer version, which adds", row["name"])
            continue
        if row["checksum"] != migration.checksum:
            raise SchemaMismatch(
                f"migration {migration.name} is not what was applied to the database as"
                f" {row['name']}: restore the file, and put the change into a new migration"
            )
    return list(by_version.values())
