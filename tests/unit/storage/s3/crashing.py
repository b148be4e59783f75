"""Storage that dies at one request to object storage, before it is sent or before its answer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from storage.s3.bucket import Bucket
from tests.blob_backends import s3_blobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import pytest

    from shared.ports import Blobs

CHANGES = {
    "put_object",
    "upload_part",
    "create_multipart_upload",
    "complete_multipart_upload",
    "delete_object",
    "abort_multipart_upload",
}


class Crashes:
    """Lets storage die at request number `at` of those that change something.

    From then on no request of any task is sent.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: int | None = None
        self.answered = False
        """Whether that request is done before."""
        self.seen: list[str] = []
        self.done: list[str] = []
        self.dead = asyncio.Event()
        self._step = asyncio.Event()
        real: Callable[..., Awaitable[Any]] = Bucket._call

        async def call(bucket: Bucket, operation: str, **fields: object) -> Any:
            if self.dead.is_set():
                await asyncio.Event().wait()
            if operation not in CHANGES:
                return await real(bucket, operation, **fields)
            return await self._change(real, bucket, operation, fields)

        monkeypatch.setattr(Bucket, "_call", call)

    async def _change(
        self, real: Callable[..., Awaitable[Any]], bucket: Bucket, operation: str, fields: Any
    ) -> Any:
        number = len(self.seen)
        self.seen.append(operation)
        if number == self.at:
            if self.answered:
                await real(bucket, operation, **fields)
            self.dead.set()
            await asyncio.Event().wait()
        answer = await real(bucket, operation, **fields)
        self.done.append(operation)
        self._step.set()
        return answer

    async def wait_for(self, operation: str, count: int) -> None:
        """Return when so many of these requests are done."""
        async with asyncio.timeout(60):
            while self.done.count(operation) < count:
                self._step.clear()
                await self._step.wait()

    async def during(self, work: Awaitable[object]) -> bool:
        """Do work until it is done, or storage has died; return whether it has died."""
        task = asyncio.ensure_future(work)
        dying = asyncio.create_task(self.dead.wait())
        await asyncio.wait({task, dying}, return_when=asyncio.FIRST_COMPLETED)
        died = self.dead.is_set()
        for each in (task, dying):
            each.cancel()
        outcomes = await asyncio.gather(task, dying, return_exceptions=True)
        if not died and isinstance(outcomes[0], BaseException):
            raise outcomes[0]
        return died

    def recover(self) -> None:
        """Let the next process live."""
        self.at = None
        self.dead.clear()


@asynccontextmanager
async def opened(root: Path, **more: Any) -> AsyncIterator[Blobs]:
    """Open the adapter with parts of 5 MiB, the least that S3 takes."""
    async with s3_blobs(root, blobs_part_size=5 << 20, **more) as blobs:
        yield blobs
