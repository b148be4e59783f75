"""The download of a result: in parts, resumed, verified; or by the browser."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest_asyncio
from playwright.async_api import expect

from tests.blob_backends import object_storage, s3_settings
from tests.web.accessibility import axe
from tests.web.gestures import accept_saves, refuse_pickers, saved
from tests.web.result_proxy import ResultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from playwright.async_api import Locator, Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

HEADER = "Song,Date,Total Number of Plays for Date\n"
PART = 4 << 20
"""The length of the parts of a small result."""
ROWS = 40_000
RECORDED = """async ([job, bytes]) => {
    const app = document.querySelector('script[type="module"][src]').src;
    const {getRecord} = await import(new URL("download/records.js", app).href);
    const id = new URL(`api/v1/jobs/${job}/result?encoding=identity`, document.baseURI).href;
    for (;;) {
        const {arrived} = await getRecord(id);
        if (arrived.reduce((sum, [start, stop]) => sum + stop - start, 0) >= bytes) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}"""
"""Waits until so many bytes of a job's result are recorded as arrived."""
KEPT = """async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("downloads", {create: true});
    return Array.fromAsync(folder.keys());
}"""


async def finished_job(
    service: Service, folder: Path, seed: int = 1, key: str | None = None
) -> tuple[str, bytes]:
    """Return a job, and its result of about 13 MB, which has a row for each row of the file."""
    draw = random.Random(seed)
    songs = sorted({draw.randbytes(160).hex() for _ in range(ROWS)})
    file = folder / f"plays-{seed}.csv"
    file.write_text(
        "Song,Date,Number of Plays\n" + "".join(f"{song},2026-01-02,3\n" for song in songs)
    )
    async with service.client(key) as client:
        job_id = await client.upload(file)
        await client.wait(job_id, timeout=60)
    return job_id, (HEADER + "".join(f"{song},2026-01-02,3\n" for song in songs)).encode()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(service: Service, watch: Watch) -> AsyncIterator[ResultProxy]:
    async with ResultProxy(service).open() as opened:
        watch.origins.add(opened.origin)
        # What Chromium prints of every request whose connection breaks, or that has no network.
        watch.allow("console: Failed to load resource: net::ERR_")
        yield opened


async def show(page: Page, origin: str, job_id: str) -> None:
    """Open the page with the download of a job."""
    await page.goto("about:blank")
    await page.goto(f"{origin}/#/jobs/{job_id}")
    await expect(page.locator("csv-download")).to_contain_text(".csv")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def finished(
    shared_service: Service, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, bytes]:
    """A job with a large result, and the result."""
    return await finished_job(shared_service, tmp_path_factory.mktemp("finished"))


@dataclass(frozen=True)
class Shown:
    """A job whose page is open."""

    job_id: str
    result: bytes


@pytest_asyncio.fixture(loop_scope="session")
async def shown(page: Page, proxy: ResultProxy, finished: tuple[str, bytes]) -> Shown:
    """A job with a large result; its page is open, and saves files without a dialog."""
    job_id, result = finished
    await accept_saves(page)
    await show(page, proxy.origin, job_id)
    return Shown(job_id, result)


async def begin(page: Page, proxy: ResultProxy, *, after: int, answers: int = 1) -> None:
    """Start the download; wait until so many answers are held back after so many bytes in all."""
    proxy.hold(after=after)
    await button(page, "Download and verify").click()
    await proxy.holding(answers)


@pytest_asyncio.fixture(loop_scope="session")
async def held(shown: Shown, page: Page, proxy: ResultProxy) -> Shown:
    """The same, with its download begun, of which 6 MiB have passed."""
    await begin(page, proxy, after=6 << 20)
    return shown


async def said(page: Page, text: str) -> None:
    """Wait until the download shows a text."""
    await expect(page.locator("csv-download").get_by_text(text)).to_be_visible()


async def kept(page: Page) -> list[str]:
    """Return the names of the files with bytes of downloads that are not finished."""
    names: list[str] = await page.evaluate(KEPT)
    return names


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def test_a_result_is_downloaded_in_parts_and_verified(
    page: Page, proxy: ResultProxy, shown: Shown
) -> None:
    await begin(page, proxy, after=PART // 2, answers=3)
    # Several parts are on their way, and each is asked for once.
    assert sorted(proxy.ranges) == [
        f"bytes={at}-{min(at + PART, len(shown.result)) - 1}" for at in range(0, 3 * PART, PART)
    ]
    await axe(page)
    proxy.free()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == shown.result
    assert set(proxy.statuses) == {206}
    await axe(page)


async def test_a_broken_line_is_mended_and_nothing_is_sent_twice(
    page: Page, proxy: ResultProxy, service: Service, watch: Watch, held: Shown
) -> None:
    # Each part is refused for longer than the test takes, so that only a person ends the wait.
    watch.allow("status of 503")
    proxy.refuse(retry_after=600)
    await service.kill()
    proxy.break_all()
    # Of four parts, the last of which is short, two at most had passed.
    await proxy.has_refused(2)
    await said(page, "No connection. It resumes by itself.")
    before = proxy.passed
    assert PART < before < len(held.result)
    await service.start()
    proxy.retry_after = None
    # The banner of the lost connection may have such a button too.
    download = page.get_by_role("region", name="Download")
    await download.get_by_role("button", name="Try now").click()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == held.result
    # What had arrived is not asked for again; what was on its way to the page may be lost.
    assert proxy.passed - before < len(held.result) - PART


async def test_it_goes_on_when_the_browser_is_online_again(
    page: Page, proxy: ResultProxy, held: Shown
) -> None:
    await page.context.set_offline(True)
    proxy.break_all()
    await said(page, "No connection. It resumes by itself.")
    await page.context.set_offline(False)
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == held.result


async def test_a_reloaded_page_goes_on_by_itself(
    page: Page, proxy: ResultProxy, shown: Shown
) -> None:
    await begin(page, proxy, after=9 << 20)
    await page.evaluate(RECORDED, [shown.job_id, PART])
    await page.close()
    other = await page.context.new_page()
    proxy.free()
    passed = proxy.passed
    await show(other, proxy.origin, shown.job_id)
    await said(other, "is saved and verified")
    assert await saved(other, "plays-1.csv") == shown.result
    assert proxy.passed - passed < len(shown.result) - PART


async def test_a_paused_download_stays_paused_until_it_is_resumed(
    page: Page, proxy: ResultProxy, held: Shown
) -> None:
    await button(page, "Pause").click()
    await said(page, "Paused")
    proxy.free()
    asked = len(proxy.ranges)
    await show(page, proxy.origin, held.job_id)
    await said(page, "Paused")
    assert len(proxy.ranges) == asked
    await button(page, "Resume").click()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == held.result


async def test_a_changed_byte_is_noticed_and_nothing_is_saved(
    page: Page, proxy: ResultProxy, shown: Shown
) -> None:
    proxy.flip_at = 7_000_000
    await button(page, "Download and verify").click()
    await said(page, "The file arrived damaged")
    assert await saved(page, "plays-1.csv") == b""
    assert await kept(page) == []
    await axe(page)
    proxy.flip_at = None
    await button(page, "Download again").click()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == shown.result


async def test_a_result_that_was_replaced_meanwhile_is_never_mixed(
    page: Page, proxy: ResultProxy, service: Service, tmp_path: Path, held: Shown
) -> None:
    other_id, _ = await finished_job(service, tmp_path, seed=2)
    await button(page, "Pause").click()
    await said(page, "Paused")
    proxy.free()
    proxy.instead = (held.job_id, other_id)
    await button(page, "Resume").click()
    await said(page, "The result has changed")
    assert proxy.statuses[-1] == 412
    assert await saved(page, "plays-1.csv") == b""
    assert await kept(page) == []


async def test_two_tabs_download_once(page: Page, proxy: ResultProxy, held: Shown) -> None:
    other = await page.context.new_page()
    await show(other, proxy.origin, held.job_id)
    await said(other, "Another tab downloads this file.")
    asked = len(proxy.ranges)
    # The other tab takes over when this one is closed.
    await page.close()
    proxy.free()
    await said(other, "is saved and verified")
    assert len(proxy.ranges) > asked
    assert await saved(other, "plays-1.csv") == held.result


async def test_a_cancelled_download_leaves_nothing_behind(
    page: Page, proxy: ResultProxy, held: Shown
) -> None:
    await button(page, "Cancel").click()
    await expect(button(page, "Download and verify")).to_be_visible()
    assert await kept(page) == []


async def test_where_ranges_are_lost_on_the_way_the_page_says_so(
    page: Page, proxy: ResultProxy, finished: tuple[str, bytes]
) -> None:
    job_id, _ = finished
    proxy.without_ranges = True
    await accept_saves(page)
    await show(page, proxy.origin, job_id)
    await button(page, "Download and verify").click()
    await said(page, "Downloading in parts is not possible here")
    await expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()


async def test_the_browser_resumes_its_own_download(
    page: Page, proxy: ResultProxy, finished: tuple[str, bytes]
) -> None:
    job_id, result = finished
    await refuse_pickers(page)
    await show(page, proxy.origin, job_id)
    proxy.hold(after=6 << 20)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download", exact=True).click()
    await proxy.holding()
    proxy.break_all()
    download = await started.value
    path = await download.path()
    assert download.suggested_filename == "plays-1.csv"
    assert path.read_bytes() == result
    # It went on where it was, and was never encoded.
    first, second = proxy.ranges
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) < len(result)
    assert proxy.statuses == [200, 206]
    assert proxy.codings == ["", ""]


async def test_a_browser_follows_to_object_storage_and_the_page_has_its_parts_from_here(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    stored = object_storage().settings_of(str(s3_settings(tmp_path).blobs))
    service = await start_service(download_redirect=True, **stored)
    watch.origins.add(object_storage().url)
    job_id, result = await finished_job(service, tmp_path)
    await refuse_pickers(page)
    await show(page, service.origin, job_id)
    async with page.expect_download() as started:
        await page.get_by_role("link", name="Download", exact=True).click()
    download = await started.value
    assert download.url.startswith(object_storage().url)
    assert download.suggested_filename == "plays-1.csv"
    assert (await download.path()).read_bytes() == result
    await accept_saves(page)
    await show(page, service.origin, job_id)
    await button(page, "Download and verify").click()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == result


async def test_with_a_key_both_ways_work_and_no_address_has_it(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    service = await start_service(auth="keys")
    key = await service.create_key()
    job_id, result = await finished_job(service, tmp_path, key=key)
    watch.expect("status of 401")
    await accept_saves(page)
    await page.goto(f"{service.url}#/jobs/{job_id}")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("API key").fill(key)
    await dialog.get_by_role("button", name="Use this key").click()
    async with page.expect_download() as started:
        await button(page, "Download").click()
    download = await started.value
    assert "encoding=identity" in download.url
    assert (await download.path()).read_bytes() == result
    await button(page, "Download and verify").click()
    await said(page, "is saved and verified")
    assert await saved(page, "plays-1.csv") == result
    assert key not in "".join([*watch.requests, download.url])
    shown = page.locator("csv-download")
    await shown.get_by_text("Checksum and command line").click()
    await expect(shown).to_contain_text("Bearer $CSVMILL_API_KEY")
    assert key not in await shown.inner_text()
