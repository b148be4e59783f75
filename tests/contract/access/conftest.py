"""Keys, audit trail and signing secrets on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.access.store import SqlAccess
from shared.database import connect
from shared.database.migrate import migrate
from tests.conftest import new_database
from tests.contract.job_stores import BACKENDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shared_postgres(pytestconfig: pytest.Config) -> Iterator[str]:
    """A database on PostgreSQL for the tests of a module."""
    with new_database(pytestconfig) as url:
        yield url


@pytest.fixture(params=BACKENDS)
async def access(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlAccess]:
    """The stores on a migrated, empty database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'jobs.db'}"
    else:
        url = str(request.getfixturevalue("shared_postgres"))
    database = await connect(url)
    try:
        await migrate(database)
        for table in ("api_keys", "audit", "signing_secrets", "webhook_secrets"):
            await database.write(f"DELETE FROM {table}")  # noqa: S608
        yield SqlAccess(database)
    finally:
        await database.close()
