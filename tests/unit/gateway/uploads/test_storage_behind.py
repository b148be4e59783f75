"""A gateway with a separate storage service over HTTP, as in production."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.blobs.client import HttpBlobs
from shared.runtime.service import READ_BUFFER
from storage.app import build_app
from storage.settings import StorageSettings
from tests.ports import free_port
from tests.unit.gateway.conftest import PART_STORED, dropzone_form
from tests.unit.gateway.forms import BOUNDARY, FormBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

TOKEN = "a secret of the tests"
MEGABYTES = bytes(range(256)) * 16_384  # 4 MiB

CONTRADICTION = f"""\r
--{BOUNDARY}\r
Content-Disposition: form-data; name="dzuuid"\r
\r
another\r
--{BOUNDARY}--\r
"""


@asynccontextmanager
async def storage_service(files: FilesystemBlobs, folder: Path, port: int) -> AsyncIterator[None]:
    settings = StorageSettings(data_dir=folder, storage_token=SecretStr(TOKEN))
    # Storage keeps reading a chunk that it has refused; in tests only for a short time.
    runner = web.AppRunner(
        build_app(settings, files), read_bufsize=READ_BUFFER, shutdown_timeout=0.1
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def port() -> int:
    """The port of storage, which need not run."""
    return free_port()


@pytest.fixture
async def cut_off(start_gateway: Start, port: int) -> AsyncIterator[Gateway]:
    """A gateway whose storage does not run."""
    async with HttpBlobs(f"http://127.0.0.1:{port}", TOKEN) as blobs:
        yield await start_gateway(blobs=lambda _: blobs)


@pytest.fixture
async def gateway(cut_off: Gateway, port: int, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with a storage service over HTTP."""
    async with storage_service(cut_off.blobs, tmp_path, port):
        yield cut_off


async def test_an_upload_is_stored_and_downloaded(gateway: Gateway) -> None:
    source = MEGABYTES * 3
    total, size = len(source), len(MEGABYTES) + 7
    chunks = [(start, source[start : start + size]) for start in range(0, total, size)]
    answers = await asyncio.gather(
        *(gateway.chunk("u", body, offset=at, size=size, total=total) for at, body in chunks)
    )
    (named,) = [answer for answer in answers if answer != PART_STORED] or [{}]
    job = await gateway.job_of(named)
    assert await gateway.content(job.inputs[0].key) == source
    finished = await gateway.finished_job(source)
    response = await gateway.client.get(
        f"/api/download_file/{finished.id}", headers={"Range": "bytes=1000-8000000"}
    )
    assert (response.status, await response.read()) == (206, source[1000:8_000_001])


@pytest.mark.parametrize(
    "late",
    [
        f"\r\n--{BOUNDARY}\r\n",
        "",
        CONTRADICTION,
    ],
)
async def test_an_error_at_the_end_of_a_form_cuts_the_chunk_off_at_storage(
    gateway: Gateway, late: str
) -> None:
    whole = dropzone_form("u", MEGABYTES, 0, len(MEGABYTES), 2 * len(MEGABYTES))
    content = whole.content[: -len(f"\r\n--{BOUNDARY}--\r\n")] + late.encode()
    status, answer = await gateway.post(FormBody(content))
    assert (status, answer["status"]) == (400, "error")
    assert await gateway.received("u") == []
    assert await gateway.post(whole) == (200, PART_STORED)


async def test_a_chunk_that_storage_refuses_early_is_a_400(
    gateway: Gateway,
) -> None:
    # Given a chunk of 12 MiB that storage refuses, as it reaches beyond the end
    form = dropzone_form("u", MEGABYTES * 3, 10, 5, 1000)
    for _ in range(3):
        status, answer = await gateway.post(form)
        assert (status, "dztotalfilesize" in answer["message"]) == (400, True)
    assert await gateway.received("u") == []


async def test_unavailable_storage_is_503_and_the_repeat_succeeds(
    cut_off: Gateway, port: int, tmp_path: Path
) -> None:
    form = dropzone_form("u", MEGABYTES, 0, len(MEGABYTES), 2 * len(MEGABYTES))
    # Given no storage, when a chunk is sent, then the client gets a Retry-After
    status, answer = await cut_off.post(form)
    assert (status, answer["status"]) == (503, "error")
    assert (await cut_off.client.get("/readyz")).status == 503
    # When storage runs, then the repeat succeeds
    async with storage_service(cut_off.blobs, tmp_path, port):
        assert await cut_off.post(form) == (200, PART_STORED)
        assert (await cut_off.client.get("/readyz")).status == 200


async def test_other_bytes_than_before_are_refused_and_the_same_ones_are_taken(
    gateway: Gateway,
) -> None:
    size = len(MEGABYTES)
    other = MEGABYTES[:-1] + b"\0"
    first = await gateway.chunk("u", MEGABYTES, offset=0, size=size, total=size)
    for content, expected in ((other, 409), (MEGABYTES, 200), (other, 409)):
        status, answer = await gateway.post(dropzone_form("u", content, 0, size, size))
        assert status == expected
        assert expected == 409 or answer == first
        response = await gateway.client.put(
            "/api/v1/uploads?name=plays.csv",
            data=BytesIO(content),
            headers={"Idempotency-Key": "u"},
        )
        assert response.status == (409 if content == other else 201)
    assert await gateway.content((await gateway.job_of(first)).inputs[0].key) == MEGABYTES
