"""Storage, and its service in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import storage_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FilesystemBlobs]:
    async with FilesystemBlobs(tmp_path, fsync=False) as opened:
        yield opened


@pytest.fixture
async def url(tmp_path: Path, blobs: FilesystemBlobs) -> AsyncIterator[str]:
    async with storage_server(tmp_path, blobs) as started:
        yield started
