"""Measure the page in Chromium: what the first load costs, frames while chunks are sent, memory.

    python -m benchmarks.page [--part load|frames|memory] [--gb 20] [--seconds 20]

`load` opens the page with a limited network, without a cache and with one. `frames` counts the
frames of the page while it sends a file. `memory` sends the first gigabytes of a sparse file of
`--gb`, and measures the page's process. The service runs on the same machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from rich.console import Console
from rich.table import Table

from csvmill.demo.sample import write_song_plays
from tests.web.chromium import Chromium
from tests.web.gestures import drop
from tests.web.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

MB = 1_000_000
ROWS = 100_000
PARTS = ("load", "frames", "memory")
REAL = 3000 * MB
"""Bytes at the start of each large file that can be read: more than is sent."""


@dataclass(frozen=True)
class Network:
    """A limited network, as the developer tools of Chromium limit it."""

    name: str
    kilobits: int
    """A second, in each direction."""
    latency: int
    """Milliseconds that each answer is delayed."""


NETWORKS = (
    Network("slow 3G: 400 kbit/s, 400 ms", 400, 400),
    Network("slow 4G: 1.6 Mbit/s, 150 ms", 1600, 150),
    Network("no limit", 0, 0),
)
CHOOSE = "#first-files, csv-home button"
"""What a person needs to choose or drop files. It is in the HTML, and takes files at once."""
READY = "csv-home button"
"""What is there when the modules run, and read the files that were chosen."""
NOTE_TIMES = f"""
    const seen = window.seen = {{}};
    const look = () => {{
        const isVisible = (each) => each?.checkVisibility({{visibilityProperty: true}}) === true;
        if (isVisible(document.querySelector("{CHOOSE}"))) seen.usable ??= performance.now();
        if (document.querySelector("{READY}")) seen.reads ??= performance.now();
        if (!seen.reads) requestAnimationFrame(look);
    }};
    requestAnimationFrame(look);
"""
"""Notes in each page when it can be used, in milliseconds since it was asked for."""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
START_FRAMES = """
    window.frameTimes = [];
    const note = (now) => { window.frameTimes.push(now); requestAnimationFrame(note); };
    requestAnimationFrame(note);
"""


@dataclass
class Traffic:
    """What one page has received."""

    requests: int = 0
    body: float = 0
    sources: list[str] = field(default_factory=list)


async def watch_traffic(page: Page, network: Network) -> Traffic:
    """Limit the network of a page, and count what it receives from now on."""
    devtools = await page.context.new_cdp_session(page)
    traffic = Traffic()

    def received(event: dict[str, Any]) -> None:
        traffic.requests += 1
        traffic.body += event["encodedDataLength"]

    devtools.on("Network.loadingFinished", received)
    await devtools.send("Network.enable")
    await devtools.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": network.latency,
            "downloadThroughput": network.kilobits * 125 or -1,
            "uploadThroughput": network.kilobits * 125 or -1,
        },
    )
    return traffic


async def loads(browser: Browser, service: Service, table: Table) -> None:
    """Add a row for each network: the first load, and one with a cache."""
    for network in NETWORKS:
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        cells = []
        for _ in ("first", "again"):
            page = await context.new_page()
            traffic = await watch_traffic(page, network)
            await page.add_init_script(NOTE_TIMES)
            await page.goto(service.url, wait_until="commit")
            await page.locator(READY).first.wait_for(state="attached")
            await page.wait_for_load_state("networkidle")
            seen = await page.evaluate("window.seen")
            drawn = await page.evaluate(FIRST_PAINT)
            cells += [
                f"{drawn / 1000:.2f}",
                f"{seen['usable'] / 1000:.2f}",
                f"{seen['reads'] / 1000:.2f}",
                f"{traffic.body / 1000:.1f}",
                str(traffic.requests),
            ]
            await page.close()
        await context.close()
        table.add_row(network.name, *cells)


@asynccontextmanager
async def sending(browser: Browser, service: Service, file: Path) -> AsyncIterator[Page]:
    """Open the page, give it a file, and start the upload as a person does."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(service.url)
    await drop(page.locator("csv-home"), file)
    await page.get_by_role("button", name="Sum plays by song and date").click()
    await page.get_by_text("Uploading", exact=True).wait_for()
    try:
        yield page
    finally:
        await context.close()


async def frames(browser: Browser, service: Service, folder: Path, seconds: float) -> Table:
    """Return a table of the frames of an idle page and of one that sends a file."""
    table = Table("frames", "a second", "median, ms", "99th percentile", "longest", "MB/s sent")
    file = folder / "frames.csv"
    write_large(file, 20_000 * MB)
    async with sending(browser, service, file) as page:
        before = stored(folder)
        table.add_row("while chunks are sent", *await _frame_row(page, seconds, folder, before))
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.goto(service.url)
    table.add_row("nothing is sent", *await _frame_row(page, seconds, folder, stored(folder)))
    await context.close()
    return table


async def _frame_row(page: Page, seconds: float, folder: Path, before: int) -> tuple[str, ...]:
    started = time.perf_counter()
    await page.evaluate(START_FRAMES)
    await asyncio.sleep(seconds)
    times: list[float] = await page.evaluate("window.frameTimes")
    speed = (stored(folder) - before) / (time.perf_counter() - started) / MB
    waits = [after - each for each, after in pairwise(times)]
    p99 = statistics.quantiles(waits, n=100)[98]
    return (
        f"{len(waits) / (times[-1] - times[0]) * 1000:.1f}",
        f"{statistics.median(waits):.1f}",
        f"{p99:.1f}",
        f"{max(waits):.1f}",
        f"{speed:.0f}",
    )


async def memory(
    browser: Browser, service: Service, folder: Path, size: int, seconds: float
) -> Table:
    """Return a table of the memory of the page's process while it sends a file of `size` bytes."""
    table = Table("seconds", "GB sent", "process of the page, MiB", "JavaScript heap, MiB")
    file = folder / "memory.csv"
    write_large(file, size)
    async with sending(browser, service, file) as page:
        before, started = stored(folder), time.perf_counter()
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        while (took := time.perf_counter() - started) < seconds:
            metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
            heap = next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")
            table.add_row(
                f"{took:.0f}",
                f"{(stored(folder) - before) / 1e9:.2f}",
                f"{_renderer_memory() / (1 << 20):,.0f}",
                f"{heap / (1 << 20):,.1f}",
            )
            await asyncio.sleep(seconds / 6)
    return table


def _renderer_memory() -> int:
    """Return the resident memory of the largest process that draws a page."""
    sizes = [0]
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes)


def stored(folder: Path) -> int:
    """Return how many bytes the service's folder takes."""
    total = 0
    for path in (folder / "service").rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def write_large(path: Path, size: int) -> None:
    """Write song plays, `REAL` bytes at least; the rest of the file takes next to no disk.

    The service refuses a file soon after it has read bad rows, which the rest consists of.
    """
    write_song_plays(path, ROWS)
    header, _, rows = path.read_bytes().partition(b"\n")
    with path.open("wb") as file:
        file.write(header + b"\n")
        while file.tell() < REAL:
            file.write(rows)
    os.truncate(path, size)


async def measure(parts: list[str], gigabytes: float, seconds: float) -> None:
    """Measure the parts, and print their tables."""
    console = Console(width=110)
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
            folder = Path(name)
            service = Service(folder / "service")
            await service.start()
            try:
                async with Chromium() as chromium:
                    browser = await chromium.browser()
                    if part == "load":
                        table = Table(
                            "network", "drawn after, s", "usable", "reads files", "kB", "requests",
                            "again: drawn", "usable", "reads files", "kB", "requests",
                        )  # fmt: skip
                        await loads(browser, service, table)
                    elif part == "frames":
                        table = await frames(browser, service, folder, seconds)
                    else:
                        table = await memory(
                            browser, service, folder, int(gigabytes * 1e9), seconds
                        )
                console.print(table)
            finally:
                await service.kill()


def main() -> None:
    """Measure what the options name."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--gb", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    asyncio.run(measure(options.part or list(PARTS), options.gb, options.seconds))


if __name__ == "__main__":
    main()
