"""An honest client: sends chunks until they are acknowledged, and resumes broken downloads."""

from __future__ import annotations

import asyncio
import random
import re
import uuid
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import TYPE_CHECKING

import aiohttp

from tests.chaos.inputs import Content

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from tests.chaos.inputs import Input

REQUEST_TIMEOUT = 10.0
"""Seconds of silence after which a client gives a request up and asks the other gateway."""
FAILURES = (aiohttp.ClientError, OSError, TimeoutError)
TERMINAL = ("SUCCESS", "FAILURE", "REVOKED")
PARALLEL = 3
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(slots=True)
class Story:
    """What a client was told about one upload."""

    input: Input
    """Without its bytes once the client has done with them."""
    dzuuid: str
    abandoned: bool = False
    """Whether the client left before it had sent every byte."""
    job_ids: set[str] = field(default_factory=set)
    acknowledged: bool = False
    state: str | None = None
    message: str = ""
    download: Content | None = None
    wrong: list[str] = field(default_factory=list)
    """Answers that no honest client may get."""


class Client:
    """Uploads one file and downloads its result; counts in `happened` what it meets on the way."""

    def __init__(
        self, gateways: Sequence[str], draw: random.Random, happened: Counter[str]
    ) -> None:
        self._gateways = gateways
        self._draw = draw
        self._happened = happened
        self._session: aiohttp.ClientSession

    async def carry_through(self, story: Story) -> None:
        """Upload, wait for the end of the job, and download its result."""
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=REQUEST_TIMEOUT, sock_read=REQUEST_TIMEOUT
        )
        async with aiohttp.ClientSession(timeout=timeout) as self._session:
            await self._upload(story)
            story.input = replace(story.input, data=b"")
            if story.abandoned or not story.job_ids:
                return
            await self._follow(story)
            if story.state == "SUCCESS":
                story.download = Content.of(await self._download(story))

    async def _upload(self, story: Story) -> None:
        chunks = self._plan(len(story.input.data))
        if story.abandoned:
            missing = self._draw.randrange(len(story.input.data))
            chunks = [(start, stop) for start, stop in chunks if not start <= missing < stop]
        waiting = iter(chunks)

        async def send_chunks() -> None:
            for start, stop in waiting:
                await self._send(story, start, stop)

        async with asyncio.TaskGroup() as senders:
            for _ in range(PARALLEL):
                senders.create_task(send_chunks())
        if not story.abandoned and self._draw.random() < 0.3:
            # The answer counts as lost: the client repeats itself, to every gateway at once.
            async with asyncio.TaskGroup() as senders:
                for gateway in self._gateways:
                    senders.create_task(self._send(story, *chunks[-1], gateway=gateway))
        story.acknowledged = True

    def _plan(self, size: int) -> list[tuple[int, int]]:
        """Chunks that cover the file, in no order, some twice, some overlapping others."""
        length = self._draw.randint(max(2_000, size // 20), max(3_000, size // 2))
        chunks = [(start, min(start + length, size)) for start in range(0, size, length)]
        for _ in range(len(chunks) // 4):
            start = self._draw.randrange(size)
            chunks.append((start, min(start + length, size)))
        chunks += self._draw.sample(chunks, len(chunks) // 5)
        self._draw.shuffle(chunks)
        return chunks

    async def _send(
        self, story: Story, start: int, stop: int, *, gateway: str | None = None
    ) -> None:
        """Send a chunk, again and again if need be, until it is acknowledged."""
        while True:
            url = f"{gateway or self._draw.choice(self._gateways)}/api/upload_file"
            try:
                async with self._session.post(url, data=self._form(story, start, stop)) as answer:
                    if answer.status == 200:
                        body = await answer.json()
                        break
                    await self._note_refusal(story, answer)
            except FAILURES as error:
                self._happened[f"upload broke off: {type(error).__name__}"] += 1
            await self._pause()
        self._happened["chunks acknowledged"] += 1
        if job_id := body.get("job_id"):
            story.job_ids.add(job_id)

    def _form(self, story: Story, start: int, stop: int) -> aiohttp.FormData:
        fields = {
            "dzuuid": story.dzuuid,
            "dzchunkbyteoffset": str(start),
            "dzchunksize": str(stop - start),
            "dztotalfilesize": str(len(story.input.data)),
        }
        # Fields after the file take another way through the gateway.
        file_first = self._draw.random() < 0.2
        form = aiohttp.FormData(() if file_first else fields)
        chunk = BytesIO(story.input.data[start:stop])
        form.add_field("file", chunk, filename=f"{story.input.number}.csv")
        if file_first:
            form.add_fields(*fields.items())
        return form

    async def _follow(self, story: Story) -> None:
        """Ask for the job's state until it is a terminal one."""
        job_id = min(story.job_ids)
        while story.state not in TERMINAL:
            await self._pause()
            url = f"{self._draw.choice(self._gateways)}/api/file_status/{job_id}"
            try:
                async with self._session.get(url) as answer:
                    if answer.status == 200:
                        body = await answer.json()
                        story.state, story.message = body["job_status"], body.get("message", "")
                    else:
                        await self._note_refusal(story, answer)
            except FAILURES as error:
                self._happened[f"status broke off: {type(error).__name__}"] += 1

    async def _download(self, story: Story) -> bytes:
        """The result, resumed from the byte that is next whenever the connection breaks."""
        received, etag, total = bytearray(), "", None
        while total is None or len(received) < total:
            url = f"{self._draw.choice(self._gateways)}/api/download_file/{min(story.job_ids)}"
            headers = {"Range": f"bytes={len(received)}-", "If-Range": etag} if etag else {}
            # Now and then the client is the one who leaves.
            leave_at = int(200_000 ** self._draw.random()) if self._draw.random() < 0.3 else None
            try:
                async with self._session.get(url, headers=headers) as answer:
                    if answer.status == 503:
                        await self._note_refusal(story, answer)
                        continue
                    if answer.status != (206 if etag else 200):
                        story.wrong.append(
                            f"download from {len(received)} was answered {answer.status}: "
                            f"{await answer.text()}"
                        )
                        return bytes(received)
                    begin, whole = _extent(answer)
                    tag = answer.headers["ETag"]
                    if begin != len(received) or (etag and (tag != etag or whole != total)):
                        story.wrong.append("a resumed download is of another result or place")
                        return bytes(received)
                    etag, total = tag, whole
                    async for piece in answer.content.iter_any():
                        received += piece[:leave_at]
                        if leave_at is not None:
                            self._happened["download left by the client"] += 1
                            break
            except FAILURES as error:
                self._happened[f"download broke off: {type(error).__name__}"] += 1
                await self._pause()
        return bytes(received)

    async def _note_refusal(self, story: Story, answer: aiohttp.ClientResponse) -> None:
        """503 with Retry-After is what an outage looks like; everything else is wrong."""
        self._happened[f"answered {answer.status}"] += 1
        if answer.status != 503 or "Retry-After" not in answer.headers:
            story.wrong.append(
                f"{answer.method} {answer.url.path} was answered {answer.status}: "
                f"{await answer.text()}"
            )

    async def _pause(self) -> None:
        await asyncio.sleep(self._draw.uniform(0.05, 0.3))


def _extent(answer: aiohttp.ClientResponse) -> tuple[int, int]:
    """Where the body begins in the result, and the size of the result."""
    if answer.status == 200:
        return 0, int(answer.headers["Content-Length"])
    match = _CONTENT_RANGE.fullmatch(answer.headers["Content-Range"])
    assert match, answer.headers["Content-Range"]
    return int(match[1]), int(match[3])


def new_story(seed: int, file: Input) -> Story:
    """The upload of a file, under an id of its own; one in twenty is never finished."""
    draw = random.Random(f"{seed}/story/{file.number}")
    dzuuid = str(uuid.UUID(int=draw.getrandbits(128), version=4))
    return Story(file, dzuuid, abandoned=file.number % 20 == 13)
