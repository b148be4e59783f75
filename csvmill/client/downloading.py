"""Fetches a file of a job in ranges, several at a time, resumes it, and checks the whole."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csvmill.client.errors import ClientError, NotVerified, ServerUnavailable
from csvmill.client.partial import PartialFile
from csvmill.client.paths import rejects_path, result_path
from csvmill.client.progress import Meter
from csvmill.client.result_view import ResultView
from csvmill.client.tasks import run_parallel
from csvmill.client.transport import PIECE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from csvmill.client.progress import ReportProgress
    from csvmill.client.transport import Transport

PART_SIZE = 8 << 20
"""Bytes asked for at a time."""
RECORD_EVERY = 0.2
"""Seconds between records of what has arrived: what a killed download has to fetch again."""
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_STRONG_TAG = re.compile(r'"[^"]*"')
_HEX_TAG = re.compile(r'"([0-9a-f]{64})"')
_NO_BYTES = hashlib.sha256().hexdigest()
_UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a job: where it is, and what it is called in errors."""

    path: str
    name: str


def result_file(job_id: str) -> RemoteFile:
    """The result of a job."""
    return RemoteFile(result_path(job_id), f"the result of job {job_id}")


def rejects_file(job_id: str) -> RemoteFile:
    """The records that a job left out."""
    return RemoteFile(rejects_path(job_id), f"the rejects of job {job_id}")


async def announced(transport: Transport, wanted: RemoteFile) -> ResultView:
    """Ask what a file of a job is, without taking it.

    Raises ClientError if the server names no SHA-256, in neither `Repr-Digest` (RFC 9530, 3) nor
    a strong `ETag`: it could not be verified. A file of 0 bytes needs none.
    """
    # Not HEAD: a refusal without a body would not say why.
    async for attempt in transport.retries:
        with attempt:
            async with transport.request(
                "GET", wanted.path, headers={"Range": "bytes=0-0"}, accept=(_UNSATISFIABLE,)
            ) as response:
                status, headers = response.status, response.headers
    etag = headers.get("ETag", "")
    digest = _DIGEST.search(headers.get("Repr-Digest", ""))
    tag = _HEX_TAG.fullmatch(etag)
    content_range = headers.get("Content-Range", "")
    # Of no bytes there is no first one to give (RFC 9110, 14.1.2).
    empty = (
        status == _UNSATISFIABLE and content_range == "bytes */0" and _STRONG_TAG.fullmatch(etag)
    )
    if digest:
        sha256 = base64.b64decode(digest[1]).hex()
    elif tag:
        sha256 = tag[1]
    elif empty:
        sha256 = _NO_BYTES
    else:
        raise ClientError(f"{wanted.name} comes without a SHA-256 to check it by")
    size = content_range.rpartition("/")[2]
    if not empty and (status != 206 or not size.isdigit()):
        raise ClientError(f"the server does not give {wanted.name} in ranges")
    return ResultView(int(size), etag, sha256)


async def download(
    transport: Transport,
    wanted: RemoteFile,
    target: Path,
    partial: Path,
    *,
    parallel: int,
    progress: ReportProgress,
) -> ResultView:
    """Bring the file to `target`, by way of `partial`, which an earlier call may have begun.

    `target` appears in one step, durably, when the whole has the digest that was announced. If it
    has not, and part of it was there before, all is fetched once more; else raises NotVerified.
    """
    view = await announced(transport, wanted)
    file = await asyncio.to_thread(PartialFile, partial, view)
    try:
        resumed = file.held > 0
        while True:
            meter = Meter(progress, total=view.size, held=file.held)
            await _fetch(transport, wanted, view, file, parallel, meter)
            if await asyncio.to_thread(file.matches):
                await asyncio.to_thread(file.commit, target)
                return view
            await asyncio.to_thread(file.discard)
            if not resumed:
                raise NotVerified(
                    f"{wanted.name} arrived without the digest that the server "
                    f"announced, SHA-256 {view.sha256}; nothing was kept"
                )
            resumed = False
    finally:
        await asyncio.to_thread(file.__exit__)


async def _fetch(
    transport: Transport,
    wanted: RemoteFile,
    view: ResultView,
    file: PartialFile,
    parallel: int,
    meter: Meter,
) -> None:
    parts = (
        (start, min(start + PART_SIZE, stop))
        for begin, stop in file.missing
        for start in range(begin, stop, PART_SIZE)
    )

    async def fetch() -> None:
        for start, stop in parts:
            await _fetch_part(transport, wanted, view, file, start, stop, meter)

    recorder = asyncio.create_task(_record(file))
    try:
        await run_parallel(fetch, parallel)
    finally:
        recorder.cancel()


async def _record(file: PartialFile) -> None:
    while True:
        await asyncio.sleep(RECORD_EVERY)
        await asyncio.to_thread(file.record)


async def _fetch_part(
    transport: Transport,
    wanted: RemoteFile,
    view: ResultView,
    file: PartialFile,
    start: int,
    stop: int,
    meter: Meter,
) -> None:
    """Fetch the bytes `start..stop`. Tries are counted anew whenever bytes have arrived."""
    while start < stop:
        async for attempt in transport.retries:
            with attempt:
                before = start
                try:
                    async with _part(transport, wanted, view, start, stop) as pieces:
                        async for data in pieces:
                            await asyncio.to_thread(file.write, start, data)
                            file.written(start, start + len(data))
                            start += len(data)
                            meter.add(len(data))
                except ServerUnavailable:
                    if start == before:
                        raise


@asynccontextmanager
async def _part(
    transport: Transport, wanted: RemoteFile, view: ResultView, start: int, stop: int
) -> AsyncIterator[AsyncIterator[bytes]]:
    # If-Match (RFC 9110, 13.1.1): a part of another result is refused, not mixed in.
    headers = {"Range": f"bytes={start}-{stop - 1}", "If-Match": view.etag}
    async with transport.request("GET", wanted.path, headers=headers) as response:
        expected = f"bytes {start}-{stop - 1}/{view.size}"
        if response.status != 206 or response.headers.get("Content-Range") != expected:
            raise ClientError(
                f"asked for {expected}, the server answered {response.status}, "
                f"{response.headers.get('Content-Range')}"
            )
        yield response.content.iter_chunked(PIECE)
