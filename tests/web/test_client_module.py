"""csvmill.js, the client for other web pages, in Chromium on a page of another origin."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.ports import free_port
from tests.web.files import plays

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page

    from tests.web.conftest import StartService
    from tests.web.service import Service
    from tests.web.watch import Watch

BY_SONG = {
    "group_by": ["Song"],
    "aggregates": [{"function": "sum", "column": "Number of Plays", "name": "Plays"}],
}
INPUT = "Object.assign(document.createElement('input'), {type: 'file'})"
WHOLE_WAY = """async ([input, server, key]) => {
    const {Csvmill} = await import(`${server}csvmill.js`);
    const csvmill = new Csvmill({url: server, key});
    const upload = csvmill.upload(input.files[0]);
    const states = new Set();
    upload.addEventListener("progress", () => states.add(upload.state));
    upload.pause();
    states.add(upload.state);
    await new Promise((resolve) => setTimeout(resolve));
    upload.resume();
    const {uploadId, jobId} = await upload.done;
    const shares = [];
    const job = await csvmill.follow(jobId, {onProgress: ({percent}) => shares.push(percent)});
    const result = await (await csvmill.download(job)).text();
    const question = {inputs: [uploadId], aggregation: QUESTION, name: "by song"};
    const other = await csvmill.follow((await csvmill.ask(question)).id);
    const chunks = [];
    const kept = new WritableStream({write: (bytes) => { chunks.push(bytes); }});
    await csvmill.downloadTo(other, kept);
    return {
        states: [...states], sent: upload.sent, size: upload.size, shares, result,
        other: {name: other.filename, result: await new Blob(chunks).text()},
    };
}"""
CANCELLED = """async ([input, server]) => {
    const {Csvmill} = await import(`${server}csvmill.js`);
    const csvmill = new Csvmill({url: server});
    const upload = csvmill.upload(input.files[0], {job: false});
    await upload.cancel();
    return upload.done.then(() => "done", (error) => `${error.name} ${upload.state}`);
}"""
REFUSED = """async ([input, server]) => {
    const {Csvmill, errors} = await import(`${server}csvmill.js`);
    const csvmill = new Csvmill({url: server});
    const upload = csvmill.upload(input.files[0], {aggregation: {group_by: ["Nothing"]}});
    return upload.done.then(() => "done", (error) => [
        error instanceof errors.Stopped, error.trouble, upload.state, error.detail]);
}"""


@asynccontextmanager
async def other_origin(watch: Watch) -> AsyncIterator[str]:
    """Serve an empty page that is not one of the service; yield its URL."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>Other</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    origin = f"http://127.0.0.1:{port}"
    watch.origins.add(origin)
    try:
        yield origin
    finally:
        await runner.cleanup()


async def field_with(page: Page, path: Path) -> Any:
    """Return a field of the page in which the file was chosen."""
    field = (await page.evaluate_handle(INPUT)).as_element()
    assert field is not None
    await field.set_input_files(path)
    return field


async def test_a_page_of_another_origin_sends_asks_follows_and_downloads(
    page: Page, start_service: StartService, watch: Watch, tmp_path: Path
) -> None:
    watch.allow("favicon")
    async with other_origin(watch) as origin:
        service = await start_service(auth="keys", cors_origins=origin)
        key = await service.create_key()
        expected = plays(tmp_path / "plays.csv", rows=60_000)
        await page.goto(origin)
        field = await field_with(page, tmp_path / "plays.csv")
        script = WHOLE_WAY.replace("QUESTION", json.dumps(BY_SONG))
        found = await page.evaluate(script, [field, service.url, key])
    assert found["result"].encode() == expected
    assert found["sent"] == found["size"] == (tmp_path / "plays.csv").stat().st_size
    assert {"paused", "sending", "done"} <= set(found["states"])
    assert found["shares"][-1] == 100
    totals: dict[str, int] = {}
    for line in (tmp_path / "plays.csv").read_text(encoding="utf-8").splitlines()[1:]:
        song, _, count = line.split(",")
        totals[song] = totals.get(song, 0) + int(count)
    assert found["other"]["name"] == "by song"
    rows = (line.split(",") for line in found["other"]["result"].splitlines()[1:])
    assert {song: int(total) for song, total in rows} == totals


async def test_an_upload_is_cancelled_and_leaves_nothing(
    page: Page, own_service: Service, watch: Watch, tmp_path: Path
) -> None:
    watch.allow("404 .*/api/v1/uploads/")  # of a request that meets the deletion
    plays(tmp_path / "plays.csv", rows=500)
    await page.goto(own_service.url)
    field = await field_with(page, tmp_path / "plays.csv")
    assert await page.evaluate(CANCELLED, [field, own_service.url]) == "AbortError cancelled"
    url = f"{own_service.url}api/v1/uploads"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert (await response.json())["uploads"] == []


async def test_a_question_that_does_not_fit_is_an_error_with_the_words_of_the_service(
    page: Page, service: Service, watch: Watch, tmp_path: Path
) -> None:
    watch.expect("422")
    plays(tmp_path / "plays.csv", rows=60_000)  # a small file becomes a job, which tells
    await page.goto(service.url)
    field = await field_with(page, tmp_path / "plays.csv")
    stopped, trouble, state, detail = await page.evaluate(REFUSED, [field, service.url])
    assert (stopped, trouble, state) == (True, "misfit", "failed")
    assert "Nothing" in detail


async def test_the_module_and_its_types_have_an_address_that_stays(service: Service) -> None:
    async with aiohttp.ClientSession() as session:
        for name, kind in (("csvmill.js", "text/javascript"), ("csvmill.d.ts", "text/plain")):
            async with session.get(f"{service.url}{name}") as response:
                assert (response.status, response.content_type) == (200, kind)
                assert "class Csvmill" in (text := await response.text()) or "Csvmill" in text
