"""Download a file of a job in ranges, several at a time, with resumption and verification."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from csvmill.client.errors import ClientError, NotVerified, ServerUnavailable
from csvmill.client.partial import PartialFile
from csvmill.client.paths import rejects_path, result_path
from csvmill.client.progress import Meter
from csvmill.client.redirected import REDIRECTED, get
from csvmill.client.result_view import ResultView
from csvmill.client.tasks import run_parallel
from csvmill.client.transport import BUFFER_SIZE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from csvmill.client.progress import ReportProgress
    from csvmill.client.transport import Transport

PART_SIZE = 8 << 20
"""Bytes of one request."""
RECORD_INTERVAL = 0.2
"""Seconds between records of the received ranges. A killed download repeats at most this much."""
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")
_STRONG_TAG = re.compile(r'"[^"]*"')
_HEX_TAG = re.compile(r'"([0-9a-f]{64})"')
_EMPTY_SHA256 = hashlib.sha256().hexdigest()
_UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a job: its URL path, and its name in error messages."""

    path: str
    name: str
    fields: Mapping[str, str] = field(default_factory=dict)
    """Header fields of the requests for its bytes."""


def result_file(job_id: str) -> RemoteFile:
    """Return the result of a job."""
    return RemoteFile(result_path(job_id), f"the result of job {job_id}")


def rejects_file(job_id: str) -> RemoteFile:
    """Return the rejected records of a job."""
    return RemoteFile(rejects_path(job_id), f"the rejects of job {job_id}")


async def fetch_view(transport: Transport, remote: RemoteFile) -> ResultView:
    """Request size, entity-tag and SHA-256 of a file.

    Raises as `_describe`.
    """
    view, _ = await _describe(transport, remote)
    return view


async def _describe(transport: Transport, remote: RemoteFile) -> tuple[ResultView, bool]:
    """Request size, entity-tag and SHA-256 of a file; return whether it is in object storage too.

    Raises ClientError if the response has no SHA-256, neither in `Repr-Digest` (RFC 9530, 3) nor
    as a strong `ETag`, because the download could not be verified. An empty file needs none.
    """
    # A range instead of HEAD: an error then has a body with the reason.
    async for attempt in transport.retries:
        with attempt:
            async with transport.request(
                "GET",
                remote.path,
                headers={"Range": "bytes=0-0"},
                accept=(_UNSATISFIABLE, REDIRECTED),
            ) as response:
                status, headers = response.status, response.headers
            redirected = status == REDIRECTED
            if redirected:  # object storage does not know the SHA-256
                async with transport.request("HEAD", remote.path) as response:
                    headers = response.headers
    etag = headers.get("ETag", "")
    digest = _DIGEST.search(headers.get("Repr-Digest", ""))
    tag = _HEX_TAG.fullmatch(etag)
    content_range = headers.get("Content-Range", "")
    # An empty file cannot satisfy any range (RFC 9110, 14.1.2).
    empty = (
        status == _UNSATISFIABLE and content_range == "bytes */0" and _STRONG_TAG.fullmatch(etag)
    )
    if digest:
        sha256 = base64.b64decode(digest[1]).hex()
    elif tag:
        sha256 = tag[1]
    elif empty:
        sha256 = _EMPTY_SHA256
    else:
        raise ClientError(f"the server gives no SHA-256 for {remote.name}")
    size = headers.get("Content-Length", "") if redirected else content_range.rpartition("/")[2]
    if not empty and (status not in (206, REDIRECTED) or not size.isdigit()):
        raise ClientError(f"the server does not serve {remote.name} in ranges")
    return ResultView(int(size), etag, sha256), redirected


async def download(
    transport: Transport,
    remote: RemoteFile,
    target: Path,
    partial: Path,
    *,
    parallel: int,
    progress: ReportProgress,
) -> ResultView:
    """Download a file to `target`, continuing the partial file that an earlier call left.

    `target` appears atomically and durably, after the digest of the whole file was verified. If
    the digest does not match and part of the file is from an earlier call, the whole file is
    downloaded once more. Otherwise raises NotVerified.
    """
    view, elsewhere = await _describe(transport, remote)
    fields = {} if elsewhere else {"If-Match": view.etag}
    file = await asyncio.to_thread(PartialFile, partial, view)
    try:
        resumed = file.held > 0
        while True:
            meter = Meter(progress, total=view.size, held=file.held)
            await _fetch(transport, replace(remote, fields=fields), view, file, parallel, meter)
            if await asyncio.to_thread(file.matches):
                await asyncio.to_thread(file.commit, target)
                return replace(view, path=target)
            await asyncio.to_thread(file.discard)
            if not resumed:
                raise NotVerified(
                    f"{remote.name} does not have the SHA-256 that the server declared, "
                    f"{view.sha256}; the download was discarded"
                )
            resumed = False
    finally:
        await asyncio.to_thread(file.__exit__)


async def _fetch(
    transport: Transport,
    remote: RemoteFile,
    view: ResultView,
    file: PartialFile,
    parallel: int,
    meter: Meter,
) -> None:
    parts = (
        (start, min(start + PART_SIZE, stop))
        for gap_start, stop in file.missing
        for start in range(gap_start, stop, PART_SIZE)
    )

    async def fetch_parts() -> None:
        for start, stop in parts:
            await _fetch_part(transport, remote, view, file, start, stop, meter)

    recorder = asyncio.create_task(_record(file))
    try:
        await run_parallel(fetch_parts, parallel)
    finally:
        recorder.cancel()


async def _record(file: PartialFile) -> None:
    while True:
        await asyncio.sleep(RECORD_INTERVAL)
        await asyncio.to_thread(file.record)


async def _fetch_part(
    transport: Transport,
    remote: RemoteFile,
    view: ResultView,
    file: PartialFile,
    start: int,
    stop: int,
    meter: Meter,
) -> None:
    """Download the bytes `start..stop`. Retries start again after bytes have arrived."""
    while start < stop:
        async for attempt in transport.retries:
            with attempt:
                before = start
                try:
                    async with _open_range(transport, remote, view, start, stop) as blocks:
                        async for data in blocks:
                            await asyncio.to_thread(file.write, start, data)
                            file.mark_received(start, start + len(data))
                            start += len(data)
                            meter.add(len(data))
                except ServerUnavailable:
                    if start == before:
                        raise


@asynccontextmanager
async def _open_range(
    transport: Transport, remote: RemoteFile, view: ResultView, start: int, stop: int
) -> AsyncIterator[AsyncIterator[bytes]]:
    # If-Match (RFC 9110, 13.1.1) refuses bytes of another version of the file. Object storage has
    # entity-tags of its own, so that nothing with If-Match is redirected; an object there never
    # changes, and the SHA-256 of the whole is verified.
    headers = {**remote.fields, "Range": f"bytes={start}-{stop - 1}"}
    async with get(transport, remote.path, headers) as (response, elsewhere):
        expected = f"bytes {start}-{stop - 1}/{view.size}"
        # Some servers of object storage send a range with the status of the whole.
        statuses = (200, 206) if elsewhere else (206,)
        if (
            response.status not in statuses
            or response.headers.get("Content-Range") != expected
            or not (elsewhere or response.headers.get("ETag") == view.etag)
        ):
            raise ClientError(
                f"expected {expected} of {view.etag}, but {response.url.origin()} answered "
                f"{response.status}, {response.headers.get('Content-Range')} of "
                f"{response.headers.get('ETag')}"
            )
        yield response.content.iter_chunked(BUFFER_SIZE)
