"""How tests give files to the queue of uploads, and hold its chunks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error, expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import BrowserContext, ElementHandle, JSHandle, Locator, Page, Route

    from tests.web.service import Service

CHUNKS = "**/api/v1/uploads/*/chunks/*"
TIMEOUT = 20.0
SMALL = 16 * 1024
"""Bytes of the chunks of `add`, so that small files have many."""

_ADD = """async ([input, handle, aggregation, bytes]) => {
    const app = document.querySelector('script[type="module"]').src;
    const {uploads} = await import(new URL("upload/queue.js", app).href);
    if (bytes) uploads.pace = {...uploads.pace, first: bytes, most: bytes, least: bytes / 4};
    const file = handle ? await handle.getFile() : input.files[0];
    uploads.add({file, handle, aggregation});
}"""
_NEW_INPUT = "Object.assign(document.createElement('input'), {type: 'file'})"
_WITH_HANDLE = """async (input) => {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(input.files[0].name, {create: true});
    await input.files[0].stream().pipeTo(await handle.createWritable());
    return handle;
}"""


async def add(
    page: Page,
    path: Path,
    aggregation: object = None,
    *,
    handle: JSHandle | None = None,
    chunk: int | None = SMALL,
) -> Locator:
    """Choose a file, as a person does, and give it to the queue; return its row in the panel.

    Chunks have `chunk` bytes, or with None as many as the queue thinks right. With a `handle`, its
    file is taken.
    """
    await page.locator("csv-uploads:defined").wait_for(state="attached")
    field = await _field(page, path)
    await page.evaluate(_ADD, [field, handle, aggregation, chunk])
    return row_of(page, path.name)


async def with_handle(page: Page, path: Path) -> JSHandle:
    """Copy a file into the page's own storage and return its handle, which is a real one."""
    return await page.evaluate_handle(_WITH_HANDLE, await _field(page, path))


def row_of(page: Page, name: str) -> Locator:
    """Return the row of a file in the panel."""
    return page.locator("csv-uploads li").filter(has_text=name)


async def _field(page: Page, path: Path) -> ElementHandle:
    field = (await page.evaluate_handle(_NEW_INPUT)).as_element()
    assert field is not None
    await field.set_input_files(path)
    return field


async def job_of(row: Locator) -> str:
    """Wait until a file has arrived; return the id of the job that its row links to."""
    link = row.get_by_role("link", name="Open the job")
    await expect(link).to_be_visible()
    return (await link.get_attribute("href") or "").rpartition("/")[2]


async def result_of(service: Service, row: Locator, folder: Path) -> bytes:
    """Wait until a file has arrived, and return the result of its job."""
    job = await job_of(row)
    async with service.client() as client:
        await client.wait(job)
        await client.download(job, folder / "result")
    return (folder / "result").read_bytes()


class ChunkGate:
    """Lets a number of chunks through, and holds the others in the browser."""

    def __init__(self) -> None:
        self._left = 0
        self._held: list[Route] = []
        self._changed = asyncio.Event()
        self.offsets: list[int] = []
        """Where the chunks begin that were sent so far, held ones too."""
        self.digests: list[str] = []
        """Their Content-Digest."""

    async def attach(self, target: Page | BrowserContext) -> None:
        """Hold the chunks of a page, or of all pages of a context."""
        await target.route(CHUNKS, self._on_chunk)

    async def let(self, count: int) -> None:
        """Let so many further chunks through: first those that are held."""
        self._left += count
        while self._left > 0 and self._held:
            self._left -= 1
            await self._pass(self._held.pop(0))

    async def open(self) -> None:
        """Let all chunks through from now on."""
        await self.let(1_000_000)

    async def close(self) -> None:
        """Hold all further chunks."""
        self._left = 0

    async def holds(self, count: int) -> None:
        """Wait until so many chunks are held."""
        async with asyncio.timeout(TIMEOUT):
            while len(self._held) < count:
                self._changed.clear()
                await self._changed.wait()

    def forget(self) -> int:
        """Forget the held chunks, whose page is gone or has given them up.

        Returns how many chunks were sent so far, as an index into `offsets`.
        """
        self._held.clear()
        return len(self.offsets)

    async def _on_chunk(self, route: Route) -> None:
        self.offsets.append(int(urlsplit(route.request.url).path.rpartition("/")[2]))
        self.digests.append(route.request.headers.get("content-digest", ""))
        if self._left > 0:
            self._left -= 1
            await self._pass(route)
        else:
            self._held.append(route)
            self._changed.set()

    async def _pass(self, route: Route) -> None:
        try:
            await route.continue_()
        except Error as error:
            if "already handled" not in str(error) and "closed" not in str(error):
                raise


async def begin(page: Page, service: Service, file: Path, gate: ChunkGate) -> Locator:
    """Open the page and upload the first three chunks of a file, and no more."""
    await page.goto(service.url)
    row = await add(page, file)
    await gate.let(3)
    await gate.holds(4)
    return row
