"""A job store on each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.job_stores import BACKENDS, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.jobs.store import SqlJobStore


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return str(request.getfixturevalue("database_url"))


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlJobStore]:
    """A job store on a migrated database."""
    async with open_store(url) as store:
        yield store
