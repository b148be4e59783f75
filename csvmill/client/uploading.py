"""Brings the missing bytes of one upload to the server, several chunks at a time."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from csvmill.client.errors import (
    ClientError,
    ConnectionLost,
    InputChanged,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.client.paths import UPLOADS, chunk_path, upload_path
from csvmill.client.progress import Meter
from csvmill.client.spec import spec_json
from csvmill.client.tasks import run_parallel
from csvmill.client.upload_view import UploadView

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from csvmill.client.progress import ReportProgress
    from csvmill.client.source import Source
    from csvmill.client.spec import Spec
    from csvmill.client.transport import Transport

SMALLEST_CHUNK = 64 << 10
"""Bytes to which chunks shrink on a connection that does not last."""
WHOLE_DIGEST_PROBLEM = "urn:csvmill:problem:digest-mismatch"
KEY_PROBLEM = "urn:csvmill:problem:idempotency-key-reused"


async def declare_upload(
    transport: Transport,
    name: str,
    size: int | None,
    *,
    sha256: str | None,
    aggregation: Spec | None,
    key: str,
) -> UploadView:
    """See `AsyncClient.create_upload`."""
    declared: dict[str, Any] = {"name": name, "size": size}
    if sha256 is not None:
        declared["sha256"] = sha256
    if aggregation is not None:
        declared["aggregation"] = spec_json(aggregation)
    headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
    try:
        answer = await transport.json(
            "POST", UPLOADS, body=json.dumps(declared).encode(), headers=headers
        )
    except Refused as error:
        if error.problem == KEY_PROBLEM:
            raise InputChanged(
                f"the key {key} stands for another file, or another aggregation of it: {error}"
            ) from error
        raise
    return UploadView.of(answer)


class Uploading:
    """Sends what the server misses of `source`.

    A chunk that got lost on a broken connection is sent again in halves, and chunks grow again
    while they arrive: so a connection that always breaks after some megabytes gets there too.
    """

    def __init__(
        self,
        transport: Transport,
        source: Source,
        *,
        chunk_size: int,
        parallel: int,
        progress: ReportProgress,
        shuffle: random.Random | None,
    ) -> None:
        self._transport = transport
        self._source = source
        self._parallel = parallel
        self._largest = chunk_size
        self._chunk_size = chunk_size
        self._progress = progress
        self._shuffle = shuffle
        self._meter: Meter
        self._finished: UploadView | None = None

    async def complete(self, upload: UploadView) -> str:
        """Send until the server has every byte; the id of the job that the upload becomes.

        Raises InputChanged if the file is not the upload's or changes meanwhile, NotVerified if
        the whole does not have the digest that was declared.
        """
        if upload.size != self._source.size:
            raise InputChanged(
                f"the file has {self._source.size} bytes, but its upload {upload.size}"
            )
        self._meter = Meter(self._progress, total=self._source.size, held=upload.received_bytes)
        while not upload.complete:
            before = upload.received_bytes
            await self._send_all(upload)
            upload = self._finished or await self._look(upload)
            if not upload.complete and upload.received_bytes <= before:
                raise ClientError(
                    f"the server took every chunk of upload {upload.id}, but still misses "
                    f"{self._source.size - upload.received_bytes} bytes"
                )
        if upload.job_id is None:
            # It was empty from the start, or the server died just before it made the job.
            upload = await self._put(upload.id, self._source.size, 0)
        if upload.job_id is None:
            raise ClientError(f"upload {upload.id} is complete, but the server named no job")
        return upload.job_id

    async def _send_all(self, upload: UploadView) -> None:
        """Send everything that is missing, `parallel` chunks at a time."""
        ranges = self._ranges(upload.missing)

        async def send() -> None:
            for start, stop in ranges:
                at = start
                while at < stop:
                    size = min(self._chunk_size, stop - at)
                    at += await self._send(upload.id, at, size)

        await run_parallel(send, self._parallel)

    def _ranges(self, missing: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
        ranges = (
            (start, min(start + self._largest, stop))
            for begin, stop in missing
            for start in range(begin, stop, self._largest)
        )
        if self._shuffle is None:
            return ranges
        shuffled = list(ranges)
        self._shuffle.shuffle(shuffled)
        return iter(shuffled)

    async def _send(self, upload_id: str, offset: int, size: int) -> int:
        """Send one chunk until it is acknowledged; how many bytes of it then are."""
        async for attempt in self._transport.retries:
            with attempt:
                try:
                    answer = await self._put(upload_id, offset, size)
                except ConnectionLost:
                    self._chunk_size = max(size // 2, min(size, SMALLEST_CHUNK))
                    size = self._chunk_size
                    raise
        self._chunk_size = min(self._largest, self._chunk_size * 2)
        if answer.complete:
            self._finished = answer
        return size

    async def _put(self, upload_id: str, offset: int, size: int) -> UploadView:
        data, digest = await asyncio.to_thread(self._source.chunk, offset, size)
        sent = 0

        def passed(count: int) -> None:
            nonlocal sent
            sent += count
            self._meter.add(count)

        try:
            async with self._transport.request(
                "PUT", chunk_path(upload_id, offset), body=data, passed=passed,
                headers={"Content-Digest": digest, "Content-Type": "application/octet-stream"},
            ) as response:  # fmt: skip
                return UploadView.of(json.loads(await response.text()))
        except ServerUnavailable:
            self._meter.add(-sent)
            raise
        except Refused as error:
            if error.problem == WHOLE_DIGEST_PROBLEM:
                raise NotVerified(str(error)) from error
            raise

    async def _look(self, upload: UploadView) -> UploadView:
        return UploadView.of(await self._transport.json("GET", upload_path(upload.id)))
