"""What is promised of every view: accessible in all colours, and no wider than a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.views import VIEWS, Gallery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

NARROW = 320
WITHOUT_JOBS = "no-jobs"
"""The view of a service that has no jobs."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def gallery(
    shared_service: Service, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gallery]:
    """The files and jobs that the views show."""
    async with Gallery(shared_service, tmp_path_factory.mktemp("gallery")) as opened:
        yield opened


async def look_at(view: str, gallery: Gallery, page: Page) -> None:
    """Assert of a view what is promised of all."""
    await VIEWS[view](gallery, page)
    await axe(page)
    await page.set_viewport_size({"width": NARROW, "height": 640})
    assert await scrolls_sideways(page) == []
    await axe(page)


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("view", [name for name in VIEWS if name != WITHOUT_JOBS])
async def test_every_view_is_accessible_and_fits_a_narrow_window(
    view: str, page: Page, gallery: Gallery, watch: Watch
) -> None:
    if view == "job-missing":
        watch.expect("status of 404")
    await look_at(view, gallery, page)


async def test_a_list_without_jobs_is_accessible_and_fits_a_narrow_window(
    page: Page, own_service: Service, tmp_path: Path
) -> None:
    async with Gallery(own_service, tmp_path) as empty:
        await look_at(WITHOUT_JOBS, empty, page)
