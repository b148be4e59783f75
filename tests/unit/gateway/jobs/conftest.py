"""A gateway whose queries for followed jobs are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.gateway.jobs.following import QUICK, WatchedJobs

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.fixture
async def watched(start_gateway: Start) -> tuple[Gateway, WatchedJobs]:
    """A gateway with short pauses, and its job store."""
    stores: list[WatchedJobs] = []

    def watch(jobs: SqlJobStore) -> Any:
        stores.append(WatchedJobs(jobs))
        return stores[0]

    return await start_gateway(jobs=watch, follow_interval=QUICK), stores[0]
