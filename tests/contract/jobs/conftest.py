"""A job store on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.database import connect
from shared.database.migrate import migrate
from tests.conftest import new_database
from tests.contract.job_stores import BACKENDS, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from shared.jobs.store import SqlJobStore


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture(scope="module")
def shared_postgres(pytestconfig: pytest.Config) -> Iterator[str]:
    """A database on PostgreSQL for the tests of a module: to create one costs more than a test."""
    with new_database(pytestconfig) as url:
        yield url


@pytest.fixture(params=BACKENDS)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without jobs."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    url = str(request.getfixturevalue("shared_postgres"))
    database = await connect(url)
    try:
        await migrate(database)
        await database.write("DELETE FROM head_starts")
        await database.write("DELETE FROM fetches")
        await database.write("DELETE FROM deliveries")
        await database.write("DELETE FROM blob_places")
        await database.write("DELETE FROM attempts")
        await database.write("DELETE FROM job_inputs")
        await database.write("DELETE FROM datasets")
        await database.write("DELETE FROM notifications")
        await database.write("DELETE FROM specs")
        await database.write("DELETE FROM jobs")
        await database.write("DELETE FROM tenants")
        await database.write("DELETE FROM reservations")
        await database.write("DELETE FROM audit")
    finally:
        await database.close()
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlJobStore]:
    """A job store on a migrated database."""
    async with open_store(url) as store:
        yield store
