"""Migrates the schema of a database to this version of the code."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from shared.database.scripts import AFTER, load_migrations
from shared.database.waiting import until_available
from shared.errors import SchemaMismatch

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
    """Apply the missing migrations in order, in one transaction.

    Safe to call from any number of processes at a time. `migrations` default to those of this
    version. A missing migration is applied even if one with a higher number was applied before, as
    after merging a branch. Additions of a newer version are left alone.

    Raises SchemaMismatch, and changes nothing, if a newer version has removed something (a
    migration whose name ends in `_after`), or if the text of an applied migration has changed.
    Raises DatabaseUnavailable.
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


async def migrate_at_start(database: Database) -> None:
    """Migrate; repeat that while the database is unavailable. Raises SchemaMismatch."""
    await until_available(lambda: migrate(database), " to be migrated")


async def _missing(transaction: Transaction, known: Sequence[Migration]) -> list[Migration]:
    """Return the `known` migrations that have not been applied."""
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
            log.info("the database has migration %s of a newer version, an addition", row["name"])
            continue
        if row["checksum"] != migration.checksum:
            raise SchemaMismatch(
                f"migration {migration.name} is not what was applied to the database as"
                f" {row['name']}: restore the file, and put the change into a new migration"
            )
    return list(by_version.values())
