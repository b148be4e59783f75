"""Uploads to the stack, which the processor reads in place or over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from csvmill.client import AsyncClient
from tests.compose.files import Sample
from tests.compose.stack import UNSHARED
from tests.compose.waiting import result_of, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack


async def test_a_file_sent_to_the_published_port_is_aggregated_and_read_in_place(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 400_000)
    (processor,) = stack.containers("processor")
    before = stack.received(processor)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path, chunk_size=500_000)
        assert await result_of(client, job_id, tmp_path) == sample.result
    assert stack.received(processor) - before < sample.size / 4


async def test_without_a_shared_volume_the_processor_reads_over_http(
    stack: Stack, tmp_path: Path
) -> None:
    sample = Sample(tmp_path / "plays.csv", 400_000)
    await asyncio.to_thread(stack.renew, "processor", files=(UNSHARED,))
    (processor,) = stack.containers("processor").values()
    assert "/data" not in {mount["Destination"] for mount in processor["Mounts"]}
    name = processor["Config"]["Hostname"]
    before = stack.received(name)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path, chunk_size=500_000)
        assert await result_of(client, job_id, tmp_path) == sample.result
    assert stack.received(name) - before > sample.size
    await asyncio.to_thread(stack.renew, "processor")


async def test_the_proxy_forwards_bodies_without_buffering(stack: Stack) -> None:
    # Given a client that has sent only a part of a body
    host, _, port = stack.url.removeprefix("http://").partition(":")
    gateways = stack.containers("gateway")
    before = sum(map(stack.received, gateways))
    _, writer = await asyncio.open_connection(host, int(port))
    part = 500_000
    writer.write(
        b"POST /api/upload_file HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    )
    writer.write(b"x" * part)
    # Then a gateway receives that part
    await until(
        lambda: sum(map(stack.received, gateways)) - before >= part, "a gateway received the part"
    )
    writer.close()
