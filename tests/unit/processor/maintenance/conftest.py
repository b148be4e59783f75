"""What the background tasks work on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.jobs.store import open_job_store
from tests.blob_backends import BACKENDS
from tests.unit.processor.maintenance.swept import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(params=sorted(BACKENDS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with (
        BACKENDS[request.param](tmp_path / "blobs") as blobs,
        open_job_store(f"sqlite:///{tmp_path / 'jobs.sqlite'}") as jobs,
    ):
        yield Store(tmp_path / "blobs", blobs, jobs, now=1_000_000.0)
