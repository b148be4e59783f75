"""The whole way of a file in Firefox, which has no File System Access."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.web.firefox import Firefox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.web.service import Service


@pytest_asyncio.fixture(loop_scope="session")
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    """A Firefox with a new profile."""
    async with Firefox(tmp_path / "firefox") as started:
        yield started


async def test_the_page_opens(firefox: Firefox, service: Service) -> None:
    await firefox.open(service.url)
    assert await firefox.wait_for("document.querySelector('h1').textContent")
    assert firefox.faults == []
