"""Blobs in a folder, with fsync."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.filesystem.blobs import FilesystemBlobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FilesystemBlobs]:
    async with FilesystemBlobs(tmp_path) as opened:
        yield opened
