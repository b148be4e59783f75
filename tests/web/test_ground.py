"""The ground of the browser's tests notices what it is there to notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.accessibility import axe, scrolls_sideways
from tests.web.chromium import DEMAND, program
from tests.web.files import plays, sparse_plays
from tests.web.gestures import accept_saves, choose, drop, offer_handles, saved
from tests.web.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.service import Service
    from tests.web.watch import Watch

STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:"
BLANK = "<!doctype html><html lang='en'><title>Blank</title><main><h1>Blank</h1>{}</main></html>"


async def show(page: Page, service: Service, html: str = "") -> None:
    """Show a page of our own at the service's origin, with a strict policy."""
    await page.route(
        f"{service.url}blank",
        lambda route: route.fulfill(
            body=BLANK.format(html),
            content_type="text/html",
            headers={"Content-Security-Policy": STRICT},
        ),
    )
    await page.goto(f"{service.url}blank")


async def test_errors_violations_and_foreign_requests_are_noticed(
    page: Page, service: Service, watch: Watch
) -> None:
    await show(page, service)

    await page.evaluate("console.error('printed')")
    await page.evaluate("void setTimeout(() => { throw new Error('thrown'); })")
    async with page.expect_console_message(lambda message: "404" in message.text):
        await page.evaluate("void fetch('api/v1/jobs/missing')")
    await page.evaluate("document.body.setAttribute('onclick', 'alert(1)')")
    async with page.expect_console_message(lambda message: "elsewhere" in message.text):
        await page.evaluate("void fetch('http://127.0.0.1:9/elsewhere').catch(() => 0)")

    for pattern in (
        "console: printed",
        "uncaught: .*thrown",
        "status of 404.*/api/v1/jobs/missing",
        "violates .* Content Security Policy",
        "127.0.0.1:9/elsewhere",
    ):
        watch.expect(pattern)
    assert watch.unexpected() == []


def test_what_was_expected_must_happen(watch: Watch) -> None:
    watch.expect("boom")
    assert watch.unexpected() == ["expected, but missing: boom"]
    watch.faults.append("console: boom")
    assert watch.unexpected() == []
    watch.faults.append("console: bang")
    assert watch.unexpected() == ["console: bang"]


async def test_axe_runs_under_a_strict_policy_and_finds_what_is_wrong(
    page: Page, service: Service
) -> None:
    await show(page, service, "<p>Fine.</p>")
    await axe(page)
    await show(page, service, "<img src='data:,'><input>")
    with pytest.raises(AssertionError, match="image-alt"):
        await axe(page)


async def test_content_that_is_too_wide_is_noticed(page: Page, service: Service) -> None:
    await show(page, service)
    assert await scrolls_sideways(page) == []
    await page.evaluate("document.querySelector('h1').style.setProperty('width', '2000px')")
    assert await scrolls_sideways(page) == ["h1."]


async def test_files_are_dropped_and_chosen_and_never_read_whole(
    page: Page, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "large.csv"
    sparse_plays(file, 30 << 30)
    await show(page, service, "<p id='zone'>Zone</p><label>File <input type='file'></label>")
    await page.evaluate(
        """() => {
            const zone = document.querySelector("#zone");
            window.got = [];
            const take = (files) => window.got.push(...[...files].map((f) => [f.name, f.size]));
            zone.addEventListener("dragover", (event) => event.preventDefault());
            zone.addEventListener("drop", (event) => {
                event.preventDefault();
                take(event.dataTransfer.files);
                for (const item of event.dataTransfer.items)
                    item.getAsFileSystemHandle().then((handle) => { window.kind = handle.kind; });
            });
            const input = document.querySelector("input");
            input.addEventListener("change", () => take(input.files));
        }"""
    )
    await drop(page.locator("#zone"), file)
    await wait_until(page, "window.kind === 'file'")
    await choose(page.get_by_label("File"), file)
    assert await page.evaluate("window.got") == [["large.csv", 30 << 30]] * 2


async def test_pickers_give_handles_that_can_be_kept(
    page: Page, service: Service, tmp_path: Path
) -> None:
    plays(tmp_path / "plays.csv", rows=5000)
    await offer_handles(page, tmp_path / "plays.csv")
    await accept_saves(page)
    await show(page, service)
    await page.evaluate(
        """async () => {
            const [opened] = await showOpenFilePicker();
            const target = await showSaveFilePicker({suggestedName: "copy.csv"});
            const stream = await target.createWritable();
            await stream.write(await opened.getFile());
            await stream.close();
        }"""
    )
    assert await saved(page, "copy.csv") == (tmp_path / "plays.csv").read_bytes()


async def test_the_service_keeps_its_address_and_its_data(page: Page, own_service: Service) -> None:
    async with own_service.client() as client:
        before = own_service.url
        await own_service.restart()
        assert own_service.url == before
        await client.about()
    assert await own_service.stop() == 0
    await own_service.start()
    assert (await page.goto(own_service.url)).status == 200  # type: ignore[union-attr]


def test_without_chromium_tests_are_skipped_unless_they_are_required(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(DEMAND, raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        program()
    monkeypatch.setenv(DEMAND, "required")
    with pytest.raises(pytest.fail.Exception, match="required"):
        program()
