"""What is promised of every view: accessible in all colours, and no wider than a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.views import VIEWS, Gallery

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

NARROW = 320


@pytest.mark.parametrize("view", VIEWS)
async def test_every_view_is_accessible_and_fits_a_narrow_window(
    view: str, page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    if view == "job-missing":
        watch.expect("status of 404")
    async with Gallery(service, tmp_path) as gallery:
        await VIEWS[view](gallery, page)
        await axe(page)
        await page.set_viewport_size({"width": NARROW, "height": 640})
        assert await scrolls_sideways(page) == []
        await axe(page)
