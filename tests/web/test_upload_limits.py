"""Uploads from the browser meet the limits of the service, of the browser and of memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.files import plays, sparse_plays
from tests.web.uploading import ChunkGate, add, job_of, result_of

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Route

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

ROWS = 20_000
GIGABYTE = 1000**3
SENT = 500_000_000
"""Bytes of the large file that are sent, of which no copy may stay in memory."""
NOT_SECURE = """
    Object.defineProperty(navigator, "locks", {value: undefined});
    Object.defineProperty(crypto, "subtle", {value: undefined});
    Object.defineProperty(crypto, "randomUUID", {value: undefined});
"""
"""Takes away what browsers give only to pages of HTTPS and of this machine."""


async def test_a_needed_key_is_asked_for_and_sent_with_each_chunk(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    plays(tmp_path / "plays.csv", ROWS)
    service = await start_service(auth="keys")
    key = await service.create_key()
    watch.allow("401")
    await page.goto(service.url)

    row = await add(page, tmp_path / "plays.csv")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(row).to_contain_text("An API key is needed.")
    await row.get_by_role("button", name="Try again").click()
    await dialog.get_by_label("API key").fill(key)
    await dialog.get_by_role("button", name="Use this key").click()

    await job_of(row)
    assert not any(key in request for request in watch.requests)


async def test_too_large_a_file_is_refused_with_what_to_do(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    plays(tmp_path / "plays.csv", ROWS)
    service = await start_service(max_upload_size=100_000)
    watch.expect("413")
    await page.goto(service.url)

    row = await add(page, tmp_path / "plays.csv")

    await expect(row).to_contain_text("larger than the service accepts. Compress it")
    await expect(row).to_contain_text("Failed")


async def patiently(route: Route) -> None:
    """Answer as the service does, but let refused requests wait so long that a person ends it."""
    answer = await route.fetch()
    late = {"retry-after": "600"} if answer.status == 429 else {}
    await route.fulfill(response=answer, headers={**answer.headers, **late})


async def test_an_upload_beyond_the_limits_of_its_tenant_waits_and_tells_for_what(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        plays(tmp_path / name, ROWS)
    service = await start_service(tenant_max_uploads=1)
    watch.expect("429")
    gate = ChunkGate()
    await gate.attach(page)
    await page.route("**/api/v1/uploads*", patiently)
    await page.goto(service.url)
    first = await add(page, tmp_path / "a.csv")
    await gate.holds(1)
    second = await add(page, tmp_path / "b.csv")

    await expect(second).to_contain_text("as many uploads in progress as you may have")
    await expect(second).to_contain_text("Next try in")
    await gate.open()
    await job_of(first)
    await second.get_by_role("button", name="Try now").click()
    await job_of(second)


async def test_an_upload_keeps_to_the_rate_of_requests_that_the_service_allows(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    expected = plays(tmp_path / "plays.csv", ROWS)
    service = await start_service(tenant_requests_per_second=15)
    watch.allow("429")
    await page.goto(service.url)

    row = await add(page, tmp_path / "plays.csv")

    assert await result_of(service, row, tmp_path) == expected


async def test_bad_rows_that_are_found_early_stop_an_upload(
    page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    sparse_plays(tmp_path / "plays.csv", 20 * GIGABYTE)
    watch.expect("422")
    await page.goto(service.url)

    row = await add(page, tmp_path / "plays.csv", {"group_by": ["Song"]}, chunk=None)

    await expect(row).to_contain_text("Failed", timeout=120_000)
    await expect(row).to_contain_text("choose to leave out bad rows")
    async with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        await row.get_by_role("button", name="Remove").click()


async def test_a_page_that_is_not_secure_uploads_without_digests_and_locks(
    page: Page, service: Service, tmp_path: Path
) -> None:
    expected = plays(tmp_path / "plays.csv", ROWS)
    await page.add_init_script(NOT_SECURE)
    gate = ChunkGate()
    await gate.attach(page.context)
    await page.goto(service.url)
    row = await add(page, tmp_path / "plays.csv")
    await gate.let(3)
    await gate.holds(4)
    other = await page.context.new_page()
    await other.add_init_script(NOT_SECURE)
    await other.goto(service.url)
    seen = other.locator("csv-uploads li")
    await expect(seen).to_contain_text("Uploading")

    await gate.open()

    assert await result_of(service, row, tmp_path) == expected
    await expect(seen).to_contain_text("Uploaded")
    assert len(gate.offsets) == len(set(gate.offsets)), "both tabs sent it"


async def test_memory_stays_flat_while_a_file_of_20_gb_is_sent(
    page: Page, service: Service, tmp_path: Path
) -> None:
    sparse_plays(tmp_path / "plays.csv", 20 * GIGABYTE)
    tolerant = {"group_by": ["Song"], "input": {"on_bad_row": "skip"}}
    await page.goto(service.url)
    browser = page.context.browser
    assert browser is not None
    before = await private_memory(browser)

    row = await add(page, tmp_path / "plays.csv", tolerant, chunk=None)
    most = before
    while await sent(page) < SENT:
        most = max(most, await private_memory(browser))

    assert most - before < SENT / 2
    await expect(row).to_contain_text("Read by the service so far")
    await row.get_by_role("button", name="Cancel").click()
    await expect(row).to_contain_text("will be removed from the service")
    async with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        await row.get_by_role("button", name="Cancel the upload").click()
    await expect(page.locator("csv-uploads")).to_be_hidden()


async def sent(page: Page) -> int:
    """Return the bytes of the first upload that were sent, once some more were."""
    script = """async () => {
        const app = document.querySelector('script[type="module"]').src;
        const {uploads} = await import(new URL("upload/queue.js", app).href);
        const [task] = uploads.tasks;
        const before = task.sent;
        await new Promise((resolve) => {
            const look = () => {
                if (task.sent === before) return;
                uploads.removeEventListener("change", look);
                resolve();
            };
            uploads.addEventListener("change", look);
        });
        return task.sent;
    }"""
    found: int = await page.evaluate(script)
    return found


async def private_memory(browser: Browser) -> int:
    """Return the bytes of memory that no file backs, of all processes that run pages."""
    devtools = await browser.new_browser_cdp_session()
    processes = (await devtools.send("SystemInfo.getProcessInfo"))["processInfo"]
    await devtools.detach()
    found = 0
    for process in processes:
        if process["type"] == "renderer":
            found += anonymous(Path(f"/proc/{process['id']}/status"))
    return found


def anonymous(status: Path) -> int:
    """Return the anonymous memory of a process in bytes; 0 if it has ended."""
    try:
        lines = status.read_text().splitlines()
    except FileNotFoundError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
