"""Upload a stream of unknown size that can be read only once."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, BinaryIO

from csvmill.client.errors import BodyTooLarge, ClientError, NotVerified, Refused, ServerUnavailable
from csvmill.client.paths import chunk_path, upload_path
from csvmill.client.progress import Meter
from csvmill.client.source import content_digest
from csvmill.client.tasks import run_parallel
from csvmill.client.uploading import DIGEST_MISMATCH, MIN_CHUNK
from shared.api.upload import UploadView

if TYPE_CHECKING:
    from csvmill.client.progress import ReportProgress
    from csvmill.client.transport import Transport


class Streaming:
    """Sends `stream` in chunks. Each stays in memory until the server has acknowledged it."""

    def __init__(
        self,
        transport: Transport,
        stream: BinaryIO,
        *,
        chunk_size: int,
        parallel: int,
        progress: ReportProgress,
    ) -> None:
        self._transport = transport
        self._stream = stream
        self._chunk_size = chunk_size
        self._parallel = parallel
        self._meter = Meter(progress, total=None, held=0)
        self._reading = asyncio.Lock()
        self._read = 0
        self._ended = False

    async def complete(self, upload_id: str) -> str:
        """Send the whole stream, then declare its size; return the id of the upload's job.

        Raises NotVerified if the stream does not have the declared digest.
        """

        async def send() -> None:
            while (chunk := await self._next()) is not None:
                await self._send(upload_id, *chunk)

        await run_parallel(send, self._parallel)
        try:
            answer = await self._transport.json(
                "PATCH", upload_path(upload_id), body=json.dumps({"size": self._read}).encode(),
                headers={"Content-Type": "application/json"},
            )  # fmt: skip
        except Refused as error:
            if error.problem == DIGEST_MISMATCH:
                raise NotVerified(str(error)) from error
            raise
        job_id = UploadView.of(answer).job_id
        if job_id is None:
            raise ClientError(f"upload {upload_id} is complete, but the server returned no job")
        return job_id

    async def _next(self) -> tuple[int, bytes] | None:
        """Read the next chunk; return it with its offset, or None at the end."""
        async with self._reading:
            if self._ended:
                return None
            size = self._chunk_size  # may shrink meanwhile
            data = await asyncio.to_thread(self._stream.read, size)
            self._ended = len(data) < size
            offset, self._read = self._read, self._read + len(data)
        return (offset, data) if data else None

    async def _send(self, upload_id: str, offset: int, data: bytes) -> None:
        digest = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
        headers = {
            "Content-Digest": content_digest(digest),
            "Content-Type": "application/octet-stream",
        }
        try:
            async for attempt in self._transport.retries:
                with attempt:
                    await self._put(chunk_path(upload_id, offset), data, headers)
        except BodyTooLarge:
            half = len(data) // 2
            if half < MIN_CHUNK:
                raise
            self._chunk_size = min(self._chunk_size, half)
            await self._send(upload_id, offset, data[:half])
            await self._send(upload_id, offset + half, data[half:])

    async def _put(self, path: str, data: bytes, headers: dict[str, str]) -> None:
        sent = 0

        def on_sent(count: int) -> None:
            nonlocal sent
            sent += count
            self._meter.add(count)

        try:
            async with self._transport.request(
                "PUT", path, body=data, on_sent=on_sent, headers=headers
            ) as response:
                await response.read()
        except (ServerUnavailable, BodyTooLarge):
            self._meter.add(-sent)
            raise
