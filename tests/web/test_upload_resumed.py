"""Uploads from the browser go on after whatever interrupts them."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from playwright.async_api import async_playwright, expect

from tests.web.accessibility import axe
from tests.web.chromium import START_TIMEOUT, arguments, program
from tests.web.files import plays
from tests.web.gestures import choose, refuse_pickers
from tests.web.uploading import (
    ChunkGate,
    add,
    begin,
    job_of,
    result_of,
    row_of,
    with_handle,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from tests.web.service import Service
    from tests.web.watch import Watch

ROWS = 20_000
"""Song plays of a file of half a megabyte, which has some thirty small chunks."""
NO_ANSWER = "ERR_(CONNECTION|INTERNET|NETWORK|EMPTY|FAILED|ABORTED)"


ASKS = """
    FileSystemHandle.prototype.queryPermission = async () => "prompt";
    FileSystemHandle.prototype.requestPermission = async () => sessionStorage.answer;
"""
"""Files of the page's own storage need no permission: asks for one, as for files of the disk."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes the file that it uploads."""
    return tmp_path / "plays.csv"


@pytest_asyncio.fixture(loop_scope="session")
async def gate(context: BrowserContext) -> ChunkGate:
    """Holds all chunks until the test lets them through."""
    gate = ChunkGate()
    await gate.attach(context)
    return gate


@asynccontextmanager
async def reopened(profile: Path) -> AsyncIterator[BrowserContext]:
    """Start Chromium with a folder in which it keeps its data; end it."""
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=program(), args=arguments(), timeout=START_TIMEOUT
        )
        async with context:
            yield context


def content_of(file: Path) -> bytes:
    """Return the bytes of a file."""
    return file.read_bytes()


def changes_of(file: Path) -> dict[Path, str]:
    """Write other files like this one; return what the page says of each."""
    data, before = file.read_bytes(), file.stat()
    edited = data[:100_000] + b"1" + data[100_001:]
    changed = {
        ("name", "other.csv"): (data, 0, "it has another name"),
        ("size", file.name): (data + b"Umbrella,2020-01-02,200\n", 0, "it has another size"),
        ("end", file.name): (data[:-2] + b"x\n", 0, "its content is different"),
        ("between the excerpts", file.name): (edited, 60, "was changed after its upload began"),
    }
    said = {}
    for (folder, name), (content, seconds, told) in changed.items():
        path = file.parent / folder / name
        path.parent.mkdir()
        path.write_bytes(content)
        os.utime(path, (before.st_atime, before.st_mtime + seconds))
        said[path] = told
    return said


async def test_an_upload_waits_while_the_browser_is_offline_and_goes_on_by_itself(
    page: Page, context: BrowserContext, service: Service, file: Path, gate: ChunkGate, watch: Watch
) -> None:
    expected = plays(file, ROWS)
    watch.allow(NO_ANSWER)
    row = await begin(page, service, file, gate)

    await context.set_offline(True)
    await gate.open()

    await expect(row).to_contain_text("Waiting for the service")
    await expect(row).to_contain_text("It resumes by itself")
    await context.set_offline(False)
    assert await result_of(service, row, file.parent) == expected


async def test_an_upload_goes_on_after_the_server_was_killed_and_started_again(
    page: Page, own_service: Service, file: Path, gate: ChunkGate, watch: Watch
) -> None:
    expected = plays(file, ROWS)
    watch.allow(NO_ANSWER)
    row = await begin(page, own_service, file, gate)

    await own_service.kill()
    await gate.open()
    await expect(row).to_contain_text("The service does not answer.")
    await own_service.start()

    assert await result_of(own_service, row, file.parent) == expected


async def test_after_a_reload_the_same_file_is_chosen_again_and_only_the_rest_is_sent(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    expected = plays(file, ROWS)
    await refuse_pickers(page)
    await begin(page, service, file, gate)

    await page.reload()
    sent = gate.forget()
    row = row_of(page, file.name)
    await expect(row).to_contain_text("Needs the file again")
    await gate.open()
    await choose(row.get_by_role("button", name="Choose the file"), file)

    assert await result_of(service, row, file.parent) == expected
    assert min(gate.offsets[sent:]) > 0, "what had arrived was sent again"


async def test_an_upload_that_arrived_while_the_page_was_left_needs_no_file(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    await refuse_pickers(page)
    row = await begin(page, service, file, gate)
    upload = await row.get_attribute("data-id")

    await page.goto("about:blank")
    async with ClientSession() as session:
        url = f"{service.url}api/v1/uploads/{upload}/chunks/0"
        async with session.put(url, data=content_of(file)) as answer:
            assert answer.status == 200
    await page.goto(service.url)

    await job_of(row_of(page, file.name))


async def test_an_upload_survives_a_restart_of_the_browser(service: Service, file: Path) -> None:
    expected = plays(file, ROWS)
    async with reopened(file.parent / "profile") as first:
        gate = ChunkGate()
        await gate.attach(first)
        await begin(await first.new_page(), service, file, gate)
    async with reopened(file.parent / "profile") as second:
        page = await second.new_page()
        await refuse_pickers(page)
        await page.goto(service.url)
        row = row_of(page, file.name)
        await choose(row.get_by_role("button", name="Choose the file"), file)

        assert await result_of(service, row, file.parent) == expected


async def test_a_file_with_a_handle_is_opened_again_after_a_reload_without_a_question(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    expected = plays(file, ROWS)
    await page.goto(service.url)
    row = await add(page, file, handle=await with_handle(page, file))
    await gate.let(3)
    await gate.holds(4)

    await page.reload()
    sent = gate.forget()
    await gate.open()

    assert await result_of(service, row, file.parent) == expected
    assert min(gate.offsets[sent:]) > 0, "what had arrived was sent again"


async def test_the_permission_to_read_a_file_again_is_asked_for_by_a_click(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    expected = plays(file, ROWS)
    await page.add_init_script(ASKS)
    await page.goto(service.url)
    await page.evaluate("sessionStorage.answer = 'denied'")
    row = await add(page, file, handle=await with_handle(page, file))
    await gate.let(3)
    await gate.holds(4)
    await page.reload()
    gate.forget()
    await gate.open()
    button = row.get_by_role("button", name="Allow reading")

    await button.click()
    await expect(row).to_contain_text("The browser was not allowed to read the file.")
    await page.evaluate("sessionStorage.answer = 'granted'")
    await button.click()

    assert await result_of(service, row, file.parent) == expected


async def test_a_file_that_changes_while_it_is_sent_is_noticed(
    page: Page, service: Service, file: Path, gate: ChunkGate, watch: Watch
) -> None:
    plays(file, ROWS)
    watch.allow(f"{NO_ANSWER}|ERR_UPLOAD_FILE_CHANGED")
    row = await begin(page, service, file, gate)

    plays(file, ROWS + 1)
    await gate.open()

    await expect(row).to_contain_text("Needs the file again")
    await expect(row).to_contain_text("The file cannot be read. It was changed, moved or removed")
    await axe(page)


async def test_a_changed_file_is_refused_with_the_reason(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    changed = changes_of(file)
    await refuse_pickers(page)
    await begin(page, service, file, gate)
    await page.reload()
    gate.forget()
    row = row_of(page, file.name)

    for path, told in changed.items():
        await choose(row.get_by_role("button", name="Choose the file"), path)
        await expect(row).to_contain_text(told)
        await expect(row).to_contain_text("Needs the file again")

    await gate.open()
    await choose(row.get_by_role("button", name="Choose the file"), file)
    await job_of(row)


async def test_a_second_tab_shows_and_steers_an_upload_and_takes_it_over(
    page: Page, context: BrowserContext, service: Service, file: Path, gate: ChunkGate
) -> None:
    expected = plays(file, ROWS)
    row = await begin(page, service, file, gate)
    second = await context.new_page()
    await second.goto(service.url)
    seen = row_of(second, file.name)
    await expect(seen).to_contain_text("Uploading")

    await seen.get_by_role("button", name="Pause").click()
    await expect(row).to_contain_text("Paused")
    await expect(seen).to_contain_text("Paused")
    sent = gate.forget()
    await seen.get_by_role("button", name="Resume").click()
    await expect(row).to_contain_text("Uploading")
    await gate.holds(4)
    gate.forget()
    await page.close()
    await gate.open()

    assert await result_of(service, seen, file.parent) == expected
    assert min(gate.offsets[sent:]) > 0, "what had arrived was sent again"
