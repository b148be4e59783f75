"""Upload a file in chunks, several at a time, and continue earlier uploads."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from csvmill.client.errors import (
    BadRows,
    BodyTooLarge,
    ClientError,
    ConnectionLost,
    InputChanged,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.client.paths import UPLOADS, chunk_path, upload_path
from csvmill.client.progress import Meter
from csvmill.client.spec import spec_or_name
from csvmill.client.tasks import run_parallel
from shared.api.upload import UploadView

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from csvmill.client.progress import ReportProgress
    from csvmill.client.source import Source
    from csvmill.client.spec import Spec
    from csvmill.client.transport import Transport

MIN_CHUNK = 64 << 10
"""Bytes to which chunks shrink at most on an unreliable connection."""
FRUITLESS_ROUNDS = 3
"""How often all missing bytes are sent while the server holds no more of them afterwards. A storage
server that is lost takes chunks with it that were acknowledged; they are sent again."""
DIGEST_MISMATCH = "urn:csvmill:problem:digest-mismatch"
BAD_ROWS = "urn:csvmill:problem:bad-rows-found"
KEY_REUSED = "urn:csvmill:problem:idempotency-key-reused"


async def declare_upload(
    transport: Transport,
    name: str,
    size: int | None,
    *,
    sha256: str | None,
    aggregation: Spec | str | None,
    key: str,
    fail_early: bool,
    job: bool = True,
    keep: bool | int | None = None,
    engine: str | None = None,
) -> UploadView:
    """Create an upload. See `AsyncClient.create_upload`; `store` for `job` and `keep`."""
    declared: dict[str, Any] = {"name": name, "size": size}
    if sha256 is not None:
        declared["sha256"] = sha256
    if aggregation is not None:
        declared["aggregation"] = spec_or_name(aggregation)
    if not job:
        declared["job"] = False
    if keep is not None:
        declared["keep"] = keep
    if fail_early:
        declared["fail_early"] = True
    if engine is not None:
        declared["engine"] = engine
    headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{key}"'}
    try:
        answer = await transport.json(
            "POST", UPLOADS, body=json.dumps(declared).encode(), headers=headers
        )
    except Refused as error:
        if error.problem == KEY_REUSED:
            raise InputChanged(
                f"the key {key} belongs to an upload of another file or with another spec: {error}"
            ) from error
        raise
    return UploadView.of(answer)


class Uploading:
    """Sends the missing bytes of an upload from `source`.

    After a broken connection, chunks are halved; after each success they double again, up to
    `chunk_size`. So an upload finishes even if every connection breaks after a few megabytes. If a
    proxy refuses chunks of a size (413), they are halved for good.
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
        self._max_chunk = chunk_size
        self._chunk_size = chunk_size
        self._progress = progress
        self._shuffle = shuffle
        self._meter: Meter
        self._finished: UploadView | None = None

    async def complete(self, upload: UploadView) -> UploadView:
        """Send until the upload is complete; return it as it is then.

        Raises InputChanged if the file does not belong to the upload or changes meanwhile,
        NotVerified if it does not have the declared digest.
        """
        if upload.size != self._source.size:
            raise InputChanged(
                f"the file has {self._source.size} bytes, but its upload {upload.size}"
            )
        self._meter = Meter(self._progress, total=self._source.size, held=upload.received_bytes)
        fruitless = 0
        while not upload.complete:
            before = upload.received_bytes
            await self._send_missing(upload)
            upload = self._finished or await self._fetch_view(upload)
            fruitless = fruitless + 1 if upload.received_bytes <= before else 0
            if not upload.complete and fruitless == FRUITLESS_ROUNDS:
                raise ClientError(
                    f"the server accepted every chunk of upload {upload.id}, but still misses "
                    f"{self._source.size - upload.received_bytes} bytes"
                )
        return upload

    async def _send_missing(self, upload: UploadView) -> None:
        ranges = self._ranges(upload.missing)

        async def send() -> None:
            for start, stop in ranges:
                at = start
                while at < stop:
                    size = min(self._chunk_size, stop - at)
                    at += await self._send(upload.id, at, size)

        await run_parallel(send, self._parallel)

    def _ranges(self, missing: tuple[tuple[int, int], ...]) -> Iterator[tuple[int, int]]:
        step = self._max_chunk  # may shrink meanwhile
        ranges = (
            (start, min(start + step, stop))
            for gap_start, stop in missing
            for start in range(gap_start, stop, step)
        )
        if self._shuffle is None:
            return ranges
        shuffled = list(ranges)
        self._shuffle.shuffle(shuffled)
        return iter(shuffled)

    async def _send(self, upload_id: str, offset: int, size: int) -> int:
        """Send one chunk with retries; return how many of its bytes were acknowledged."""
        async for attempt in self._transport.retries:
            with attempt:
                while True:
                    try:
                        answer = await self._put(upload_id, offset, size)
                        break
                    except ConnectionLost:
                        size = self._shrink(size)
                        raise
                    except BodyTooLarge:
                        if size <= MIN_CHUNK:
                            raise
                        # A proxy has a limit, which no later chunk has to find out again.
                        size = self._shrink(size)
                        self._max_chunk = min(self._max_chunk, size)
        self._chunk_size = min(self._max_chunk, self._chunk_size * 2)
        if answer.complete:
            self._finished = answer
        return size

    def _shrink(self, size: int) -> int:
        """Halve the size of chunks after one of `size` bytes has failed, and return it."""
        self._chunk_size = max(size // 2, min(size, MIN_CHUNK))
        return self._chunk_size

    async def _put(self, upload_id: str, offset: int, size: int) -> UploadView:
        data, digest = await asyncio.to_thread(self._source.chunk, offset, size)
        sent = 0

        def on_sent(count: int) -> None:
            nonlocal sent
            sent += count
            self._meter.add(count)

        try:
            async with self._transport.request(
                "PUT", chunk_path(upload_id, offset), body=data, on_sent=on_sent,
                headers={"Content-Digest": digest, "Content-Type": "application/octet-stream"},
            ) as response:  # fmt: skip
                return UploadView.of(json.loads(await response.text()))
        except (ServerUnavailable, BodyTooLarge):
            self._meter.add(-sent)
            raise
        except Refused as error:
            if error.problem == DIGEST_MISMATCH:
                raise NotVerified(str(error)) from error
            if error.problem == BAD_ROWS:
                raise BadRows(str(error)) from error
            raise

    async def _fetch_view(self, upload: UploadView) -> UploadView:
        return UploadView.of(await self._transport.json("GET", upload_path(upload.id)))
