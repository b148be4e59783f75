"""An honest client: sends chunks until they are acknowledged, and resumes broken downloads.

Some change their mind and cancel; most put back jobs that failed through no fault of the file.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.chaos.dialects import Sender, sender
from tests.chaos.history import MALFORMED
from tests.chaos.inputs import Content
from tests.chaos.requests import FAILURES, Requests, new_session
from tests.chaos.story import TERMINAL, Plan, Story

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    import aiohttp

PARALLEL = 3
CANCEL_WITHIN = 1.5
"""Seconds at most from the last chunk to the request to cancel."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

Chunk = tuple[int, int]


class Client:
    """Uploads one file and downloads its result; counts in `happened` what it meets on the way."""

    def __init__(
        self, gateways: Sequence[str], draw: random.Random, happened: Counter[str]
    ) -> None:
        self._gateways = gateways
        self._draw = draw
        self._happened = happened
        self._requests: Requests
        self._sender: Sender

    async def carry_through(self, story: Story) -> None:
        """Do as the story's plan has it, up to the end of the job and its download."""
        async with new_session() as session:
            self._requests = Requests(session, self._gateways, self._draw, self._happened, story)
            self._sender = sender(story, self._requests, self._draw)
            await self._upload(story)
            story.input = replace(story.input, data=b"")
            if story.plan is Plan.CANCEL_UPLOAD:
                await self._cancel_upload(story)
            if not story.job_ids:
                return
            if story.plan is Plan.CANCEL_JOB:
                await self._cancel_job(story)
            await self._follow(story)
            if story.state == "SUCCESS":
                story.download = Content.of(await self._download(story))

    async def _upload(self, story: Story) -> None:
        chunks = self._plan(len(story.input.data))
        missing = self._draw.randrange(len(story.input.data))
        last = [(start, stop) for start, stop in chunks if start <= missing < stop]
        if not story.whole or story.plan is Plan.RACE:
            chunks = [chunk for chunk in chunks if chunk not in last]
        await self._sender.begin()
        await self._send_all(story, chunks)
        if story.plan is Plan.RACE:
            async with asyncio.TaskGroup() as racing:
                racing.create_task(self._send_all(story, last))
                await asyncio.sleep(self._draw.uniform(0, 0.05))
                racing.create_task(self._cancel_upload(story))
        elif story.whole and self._draw.random() < 0.3:
            # The answer counts as lost: the client repeats itself, to every gateway at once.
            async with asyncio.TaskGroup() as senders:
                for gateway in self._gateways:
                    senders.create_task(self._send(story, *chunks[-1], gateway=gateway))
        story.acknowledged = True

    async def _send_all(self, story: Story, chunks: list[Chunk]) -> None:
        waiting = iter(chunks)

        async def send_chunks() -> None:
            for start, stop in waiting:
                await self._send(story, start, stop)

        async with asyncio.TaskGroup() as senders:
            for _ in range(PARALLEL):
                senders.create_task(send_chunks())

    def _plan(self, size: int) -> list[Chunk]:
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
        """Send a chunk, again and again if need be, until it is acknowledged (or cancelled)."""
        acknowledged = await self._sender.send(start, stop, gateway=gateway)
        self._happened[f"chunks acknowledged, {story.dialect}"] += acknowledged

    async def _cancel_upload(self, story: Story) -> None:
        reply = await self._requests.ask(
            "DELETE", f"/api/v1/uploads/{story.dzuuid}", expected=(204, 404, 409)
        )
        if reply.status == 404 and reply.asked == 1:
            story.wrong.append(f"the upload to be cancelled is unknown: {reply.body}")
        # Not found the second time: the first request did it, and its answer got lost.
        story.cancelled = reply.status != 409

    async def _cancel_job(self, story: Story) -> None:
        if self._draw.random() < 0.5:
            await self._requests.pause()
        else:
            await asyncio.sleep(self._draw.uniform(0, CANCEL_WITHIN))
        by_job = self._draw.random() < 0.7
        path = f"jobs/{min(story.job_ids)}" if by_job else f"uploads/{story.dzuuid}"
        reply = await self._requests.ask(
            "DELETE", f"/api/v1/{path}", expected=(200 if by_job else 204, 409)
        )
        story.cancelled = reply.status != 409

    async def _follow(self, story: Story) -> None:
        """Ask for the job's state until it is a terminal one; have it retried if it failed."""
        again, resigns = self._draw.random() < 0.3, self._draw.random() < 0.4
        while True:
            await self._requests.pause()
            body = (await self._requests.ask("GET", f"/api/file_status/{min(story.job_ids)}")).body
            state, story.message = body["job_status"], body.get("message", "")
            if story.cancelled and state != "REVOKED":
                story.wrong.append(f"its cancelled job was seen as {state}")
            if state == "FAILURE" and not story.cancelled:
                # What was lost is put back, or left at that; what is malformed is put back now
                # and then, in vain.
                malformed = MALFORMED.search(story.message)
                story.resigned = resigns and not malformed
                if (again if malformed else not resigns) and not story.expired:
                    again = again and not malformed
                    await self._retry(story)
                    continue
            if state in TERMINAL:
                story.state = state
                return

    async def _retry(self, story: Story) -> None:
        reply = await self._requests.ask(
            "POST", f"/api/v1/jobs/{min(story.job_ids)}/retry", expected=(200, 409)
        )
        story.retries += reply.status == 200
        story.retries_asked += reply.asked
        if reply.status == 409:
            if reply.body["type"].endswith("input-removed"):
                story.expired = True
            elif reply.asked == 1:
                story.wrong.append(f"its failed job could not be retried: {reply.body}")

    async def _download(self, story: Story) -> bytes:
        """The result, resumed from the byte that is next whenever the connection breaks."""
        requests = self._requests
        received, etag, total = bytearray(), "", None
        while total is None or len(received) < total:
            url = requests.url(f"/api/download_file/{min(story.job_ids)}")
            headers = {"Range": f"bytes={len(received)}-", "If-Range": etag} if etag else {}
            # Now and then the client is the one who leaves.
            leave_at = int(200_000 ** self._draw.random()) if self._draw.random() < 0.3 else None
            try:
                async with requests.session.get(url, headers=headers) as answer:
                    if answer.status == 410:
                        story.expired = True
                        return bytes(received)
                    if answer.status == 503:
                        await requests.note_refusal(answer)
                        await requests.pause()
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
                requests.broke_off("/api/download_file", error)
                await requests.pause()
        return bytes(received)


async def look_again(
    gateways: Sequence[str], stories: Sequence[Story], happened: Counter[str]
) -> None:
    """When all is over, each story's job is what its client was told, and stays so."""
    waiting = iter([story for story in stories if story.job_ids and story.state in TERMINAL])

    async def look() -> None:
        for story in waiting:
            requests = Requests(session, gateways, random.Random(story.dzuuid), happened, story)
            job_id = min(story.job_ids)
            status = await requests.ask("GET", f"/api/file_status/{job_id}")
            if status.body["job_status"] != story.state:
                story.wrong.append(f"was {story.state}, and is {status.body['job_status']}")
            kept = (200, 410) if story.state == "SUCCESS" else (400,)
            async with session.head(requests.url(f"/api/download_file/{job_id}")) as answer:
                if answer.status not in kept:
                    story.wrong.append(f"{story.state}, its download is answered {answer.status}")
                elif answer.status == 410:
                    story.expired = True
                elif answer.status == 200 and story.download and not story.expired:
                    told = (answer.content_length, answer.headers["ETag"].strip('"'))
                    if told != (story.download.size, story.download.sha256):
                        story.wrong.append(f"its result has become {told}")

    async with new_session() as session, asyncio.TaskGroup() as lookers:
        for _ in range(PARALLEL):
            lookers.create_task(look())


def _extent(answer: aiohttp.ClientResponse) -> tuple[int, int]:
    """Where the body begins in the result, and the size of the result."""
    if answer.status == 200:
        return 0, int(answer.headers["Content-Length"])
    match = _CONTENT_RANGE.fullmatch(answer.headers["Content-Range"])
    assert match, answer.headers["Content-Range"]
    return int(match[1]), int(match[3])
