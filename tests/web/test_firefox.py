"""The whole way of a file in Firefox, which has no File System Access."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest_asyncio

from tests.services import until
from tests.web.files import sales
from tests.web.firefox import Firefox
from tests.web.way import SUGGESTION, totals_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.web.service import Service

IS_START = "(each) => each.textContent === 'Start' && !each.disabled"


@pytest_asyncio.fixture(loop_scope="session")
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    """A Firefox with a new profile."""
    async with Firefox(tmp_path / "firefox") as started:
        yield started


RESULT = "document.querySelector('csv-look table:not(details table)')?.innerText"


async def test_the_whole_way_of_a_file(firefox: Firefox, service: Service, tmp_path: Path) -> None:
    file = tmp_path / "sales.csv"
    totals = sales(file)
    await firefox.open(service.url)
    await firefox.choose("input[type=file]", file)
    await firefox.click("button", SUGGESTION)
    await firefox.wait_for(f"[...document.querySelectorAll('button')].some({IS_START})")
    await firefox.click("button", "Start")

    shown = await firefox.wait_for(RESULT)
    for region, total in totals.items():
        assert f"{region}\t{total.normalize():f}" in shown
    await firefox.click("link", "Download")
    saved = firefox.downloads / "sales.csv"
    await until(lambda: arrived(saved))
    assert totals_of(await asyncio.to_thread(saved.read_bytes)) == totals
    assert firefox.faults == []


async def arrived(path: Path) -> bool:
    """Whether a download is complete: Firefox keeps a part beside it until then."""
    names = await asyncio.to_thread(lambda: [each.name for each in path.parent.iterdir()])
    return names == [path.name]
