"""Uploads in Firefox, which keeps no handles of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.web.files import plays
from tests.web.firefox import Firefox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.web.service import Service

QUEUE = """import(new URL("upload/queue.js",
    document.querySelector('script[type="module"]').src).href)"""
STATE = "document.querySelector('csv-uploads li')?.dataset.state"
JOB = "document.querySelector('csv-uploads li a').getAttribute('href')"


@pytest_asyncio.fixture(loop_scope="session")
async def firefox(tmp_path: Path) -> AsyncIterator[Firefox]:
    """A Firefox with a new profile."""
    async with Firefox(tmp_path / "firefox") as started:
        yield started


async def give(firefox: Firefox, file: Path) -> None:
    """Choose a file in an input of our own, which the page shows."""
    await firefox.wait_for("document.querySelector('csv-uploads:defined') !== null")
    await firefox.evaluate(
        "void document.body.append(Object.assign(document.createElement('input'), "
        "{type: 'file', id: 'given'}))"
    )
    await firefox.choose("#given", file)


async def test_an_upload_goes_on_in_firefox_after_a_reload_with_the_same_file(
    firefox: Firefox, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "plays.csv"
    expected = plays(file, 20_000)
    await firefox.open(service.url)
    await give(firefox, file)
    await firefox.evaluate(
        f"""{QUEUE}.then(({{uploads}}) => {{
            uploads.pace = {{...uploads.pace, first: 16384, most: 16384, quick: 0}};
            const task = uploads.add({{file: document.querySelector("#given").files[0]}});
            return new Promise((resolve) => uploads.addEventListener("change", () => {{
                if (task.sent < 100000 || task.state !== "sending") return;
                task.pause();
                resolve();
            }}));
        }})"""
    )
    await firefox.wait_for(f"{STATE} === 'paused'")

    await firefox.open(service.url)
    await give(firefox, file)
    await firefox.wait_for(f"{STATE} === 'paused'")
    await firefox.evaluate(
        f"""{QUEUE}.then(({{uploads}}) =>
            uploads.tasks[0].provideFile(document.querySelector("#given").files[0]))"""
    )
    await firefox.wait_for(f"{STATE} === 'done'")

    job = (await firefox.evaluate(JOB)).rpartition("/")[2]
    async with service.client() as client:
        await client.wait(job)
        await client.download(job, tmp_path / "result")
    assert read(tmp_path / "result") == expected
    assert firefox.faults == []


def read(path: Path) -> bytes:
    """Return the bytes of a file."""
    return path.read_bytes()
