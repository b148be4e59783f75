"""Files are uploaded from the browser and shown in its panel."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from playwright.async_api import expect

from csvmill.client.errors import Refused
from tests.web.accessibility import axe, scrolls_sideways
from tests.web.files import HOSTILE_NAME, plays
from tests.web.uploading import (
    CHUNKS,
    SMALL,
    ChunkGate,
    add,
    begin,
    job_of,
    result_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page, Route

    from tests.web.service import Service
    from tests.web.watch import Watch

ROWS = 20_000
"""Song plays of a file of half a megabyte, which has some thirty small chunks."""
NO_ANSWER = "ERR_(CONNECTION|INTERNET|NETWORK|EMPTY|FAILED|ABORTED)"


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


def size_of(file: Path) -> int:
    """Return the bytes of a file."""
    return file.stat().st_size


def digests_of(file: Path) -> dict[int, str]:
    """Return the Content-Digest of each small chunk, by its offset."""
    data = file.read_bytes()
    found = {}
    for offset in range(0, len(data), SMALL):
        digest = hashlib.sha256(data[offset : offset + SMALL]).digest()
        found[offset] = f"sha-256=:{b64encode(digest).decode()}:"
    return found


async def test_a_file_arrives_and_its_job_has_the_right_result(
    page: Page, service: Service, file: Path
) -> None:
    expected = plays(file, ROWS)
    await page.goto(service.url)
    await expect(page.locator("csv-uploads")).to_be_hidden()

    row = await add(page, file)

    await expect(row).to_contain_text("Uploaded")
    await expect(row).to_contain_text("100 %")
    assert await result_of(service, row, file.parent) == expected

    await row.get_by_role("button", name="Remove").click()
    await expect(page.locator("csv-uploads")).to_be_hidden()


async def test_a_row_leaves_when_its_job_is_opened(
    page: Page, service: Service, file: Path
) -> None:
    plays(file)
    await page.goto(service.url)
    row = await add(page, file)

    await row.get_by_role("link", name="Open the job").click()

    await expect(page.locator("csv-job")).to_be_visible()
    await expect(page.locator("csv-uploads")).to_be_hidden()


async def test_each_chunk_is_sent_with_its_sha_256(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    await page.goto(service.url)
    await gate.open()

    await job_of(await add(page, file))

    assert sorted(gate.offsets) == list(range(0, size_of(file), SMALL))
    assert dict(zip(gate.offsets, gate.digests, strict=True)) == digests_of(file)


async def test_an_empty_file_and_a_hostile_name_arrive(
    page: Page, service: Service, tmp_path: Path
) -> None:
    hostile = tmp_path / HOSTILE_NAME.replace("/", "")
    (tmp_path / "empty.csv").touch()
    plays(hostile)
    await page.goto(service.url)

    empty = await add(page, tmp_path / "empty.csv")
    named = await add(page, hostile)

    await job_of(empty)
    async with service.client() as client:
        job = await client.job(await job_of(named))
    assert job.filename == hostile.name
    assert await page.locator("csv-uploads img").count() == 0


async def test_files_wait_for_their_turn_and_keep_their_order(
    page: Page, service: Service, tmp_path: Path, gate: ChunkGate
) -> None:
    names = ["a.csv", "b.csv", "c.csv"]
    for name in names:
        plays(tmp_path / name)
    await page.goto(service.url)
    rows = [await add(page, tmp_path / name) for name in names]
    await gate.holds(2)

    await expect(rows[0]).to_contain_text("Uploading")
    await expect(rows[1]).to_contain_text("Uploading")
    await expect(rows[2]).to_contain_text("Waiting for its turn")
    assert await page.locator("csv-uploads .upload-name").all_inner_texts() == names

    await gate.open()
    for row in rows:
        await job_of(row)


async def test_a_paused_upload_sends_nothing_until_it_is_resumed(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    expected = plays(file, ROWS)
    row = await begin(page, service, file, gate)

    await row.get_by_role("button", name="Pause").click()

    await expect(row).to_contain_text("Paused")
    sent = gate.forget()
    await gate.open()
    await row.get_by_role("button", name="Resume").click()
    assert await result_of(service, row, file.parent) == expected
    assert min(gate.offsets[sent:]) > 0, "what had arrived was sent again"


async def test_a_cancelled_upload_is_removed_from_the_server(
    page: Page, service: Service, file: Path, gate: ChunkGate, watch: Watch
) -> None:
    plays(file, ROWS)
    row = await begin(page, service, file, gate)

    async with page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        await row.get_by_role("button", name="Cancel").click()

    await expect(page.locator("csv-uploads")).to_be_hidden()
    answer = await deleted.value
    assert answer.status == 204
    upload = answer.url.partition("?")[0].rpartition("/")[2]
    async with service.client() as client:
        with pytest.raises(Refused) as refused:
            await client.upload_status(upload)
    assert refused.value.status == 404
    await page.reload()
    await expect(page.locator("csv-home")).to_be_visible()
    await expect(page.locator("csv-uploads")).to_be_hidden()


async def test_a_question_that_does_not_fit_is_told_in_words(
    page: Page, service: Service, file: Path, watch: Watch
) -> None:
    plays(file, 60_000)  # a file below 1 MiB becomes a job, which tells
    watch.expect("422")
    await page.goto(service.url)

    row = await add(page, file, {"group_by": ["Artist"]}, chunk=None)

    await expect(row).to_contain_text("Failed")
    await expect(row).to_contain_text("The question does not fit the file.")
    await expect(row).to_contain_text("'Artist': no column has this name")
    await axe(page)
    async with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        await row.get_by_role("button", name="Remove").click()
    await expect(page.locator("csv-uploads")).to_be_hidden()


async def test_chunks_that_a_proxy_refuses_as_too_large_are_sent_again_in_smaller_ones(
    page: Page, service: Service, file: Path, watch: Watch
) -> None:
    expected = plays(file, ROWS)
    watch.expect("413")
    offsets = []

    async def proxy(route: Route) -> None:
        offsets.append(int(route.request.url.rpartition("/")[2]))
        if len(offsets) <= 2:
            await route.fulfill(status=413, body="<h1>Too large</h1>")
        else:
            await route.continue_()

    await page.route(CHUNKS, proxy)
    await page.goto(service.url)

    row = await add(page, file)

    assert await result_of(service, row, file.parent) == expected
    assert offsets[:3] == [0, 0, 0]
    assert sorted(set(offsets)) == list(range(0, size_of(file), SMALL // 4))


async def test_the_panel_is_accessible_and_fits_a_phone(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    await page.set_viewport_size({"width": 320, "height": 640})
    row = await begin(page, service, file, gate)

    await expect(row.get_by_role("progressbar")).to_have_accessible_name("Upload of plays.csv")
    await axe(page)
    assert await scrolls_sideways(page) == []


async def test_a_screen_reader_is_told_of_quarters_and_the_end(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    chunks = -(-size_of(file) // SMALL)
    said = page.locator("#announcer")
    await page.goto(service.url)
    await add(page, file)
    for percent in (25, 50, 75):
        await gate.let(-(-chunks // 4))
        await expect(said).to_have_text(f"{percent} % of plays.csv uploaded")
    await gate.open()
    await expect(said).to_have_text("plays.csv: Uploaded")


async def test_an_upload_is_steered_by_the_keyboard(
    page: Page, service: Service, file: Path, gate: ChunkGate
) -> None:
    plays(file, ROWS)
    row = await begin(page, service, file, gate)
    pause = row.get_by_role("button", name="Pause")

    await pause.focus()
    await page.keyboard.press("Enter")
    await expect(row.get_by_role("button", name="Resume")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")

    await expect(page.locator("csv-uploads")).to_be_hidden()
    await expect(page.locator("#main")).to_be_focused()
