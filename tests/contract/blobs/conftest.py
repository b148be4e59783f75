"""The blobs of each adapter, with real storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.blob_backends import BACKENDS
from tests.replicas import replicated_blobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs


ADAPTERS = {**BACKENDS, "replicas": replicated_blobs}


@pytest.fixture(params=sorted(ADAPTERS))
def open_blobs(request: pytest.FixtureRequest) -> OpenBlobs:
    return ADAPTERS[request.param]


@pytest.fixture
async def blobs(open_blobs: OpenBlobs, tmp_path: Path) -> AsyncIterator[Blobs]:
    async with open_blobs(tmp_path) as opened:
        yield opened
