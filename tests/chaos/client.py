"""A correct client: sends chunks until they are acknowledged, and resumes broken downloads.

Some clients cancel. Most retry a failed job if its file is well-formed.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import uuid
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING

from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.spec import SONG_PLAYS
from tests.chaos.history import MALFORMED
from tests.chaos.inputs import FOLLOWED, Content
from tests.chaos.requests import FAILURES, Requests, new_session
from tests.chaos.scenario import TERMINAL, Asked, Plan, Scenario
from tests.chaos.senders import Sender, sender

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    import aiohttp

PARALLEL = 3
SLOWEST_CHUNK = 0.6
"""The longest pause before a chunk of a file that is followed, in seconds."""
CANCEL_WITHIN = 1.5
"""Seconds, at most, from the last chunk to the cancellation."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

Chunk = tuple[int, int]


class Client:
    """Uploads one file and downloads its result. Counts answers and broken connections."""

    def __init__(
        self, gateways: Sequence[str], draw: random.Random, counters: Counter[str]
    ) -> None:
        self._gateways = gateways
        self._draw = draw
        self._happened = counters
        self._requests: Requests
        self._sender: Sender

    async def run(self, scenario: Scenario) -> None:
        """Carry out the scenario up to the end of the job and its download."""
        async with new_session() as session:
            self._requests = Requests(session, self._gateways, self._draw, self._happened, scenario)
            self._sender = sender(scenario, self._requests, self._draw)
            await self._upload(scenario)
            scenario.input = replace(scenario.input, data=b"")
            if scenario.plan is Plan.CANCEL_UPLOAD:
                await self._cancel_upload(scenario)
            if not scenario.job_ids:
                return
            if scenario.plan is Plan.CANCEL_JOB:
                await self._cancel_job(scenario)
            await self._follow(scenario)
            if scenario.state == "SUCCESS":
                job_id = min(scenario.job_ids)
                scenario.download = Content.of(await self._download(scenario, scenario, job_id))
                if scenario.asked is not None:
                    await self._ask(scenario, scenario.asked)

    async def _upload(self, scenario: Scenario) -> None:
        chunks = self._plan(len(scenario.input.data))
        missing = self._draw.randrange(len(scenario.input.data))
        last = [(start, stop) for start, stop in chunks if start <= missing < stop]
        if not scenario.sends_everything or scenario.plan is Plan.RACE:
            chunks = [chunk for chunk in chunks if chunk not in last]
        await self._sender.begin()
        await self._send_all(scenario, chunks)
        while self._sender.lost:
            self._happened["files sent again"] += 1
            scenario.left.append(scenario.dzuuid)
            scenario.dzuuid = str(uuid.UUID(int=self._draw.getrandbits(128), version=4))
            self._sender = sender(scenario, self._requests, self._draw)
            await self._sender.begin()
            await self._send_all(scenario, chunks)
        if scenario.plan is Plan.RACE:
            async with asyncio.TaskGroup() as racing:
                racing.create_task(self._send_all(scenario, last))
                await asyncio.sleep(self._draw.uniform(0, 0.05))
                racing.create_task(self._cancel_upload(scenario))
        elif scenario.sends_everything and self._draw.random() < 0.3:
            # The client treats the answer as lost and repeats the chunk to every gateway at once.
            async with asyncio.TaskGroup() as senders:
                for gateway in self._gateways:
                    senders.create_task(self._send(scenario, *chunks[-1], gateway=gateway))
        if scenario.servers_are_lost and scenario.plan is not Plan.RACE:
            await self._send_what_was_lost(scenario)
        scenario.acknowledged = True

    async def _send_all(self, scenario: Scenario, chunks: list[Chunk]) -> None:
        waiting = iter(chunks)

        async def send_chunks() -> None:
            for start, stop in waiting:
                if len(scenario.input.data) >= FOLLOWED:
                    await asyncio.sleep(self._draw.uniform(0, SLOWEST_CHUNK))
                await self._send(scenario, start, stop)

        async with asyncio.TaskGroup() as senders:
            for _ in range(PARALLEL):
                senders.create_task(send_chunks())

    async def _send_what_was_lost(self, scenario: Scenario) -> None:
        """Send what an upload misses although all of it was acknowledged."""
        while scenario.sends_everything and (lost := await self._sender.missing()):
            self._happened["ranges sent again"] += len(lost)
            await self._send_all(scenario, lost)

    def _plan(self, size: int) -> list[Chunk]:
        """Return chunks that cover the file, shuffled, some repeated, some overlapping."""
        length = self._draw.randint(max(2_000, size // 20), max(3_000, size // 2))
        chunks = [(start, min(start + length, size)) for start in range(0, size, length)]
        for _ in range(len(chunks) // 4):
            start = self._draw.randrange(size)
            chunks.append((start, min(start + length, size)))
        chunks += self._draw.sample(chunks, len(chunks) // 5)
        self._draw.shuffle(chunks)
        if size >= FOLLOWED:
            # Nearly in order, as most clients send, so that there is something to follow.
            chunks.sort(key=lambda chunk: chunk[0] + self._draw.uniform(0, 2 * length))
        return chunks

    async def _send(
        self, scenario: Scenario, start: int, stop: int, *, gateway: str | None = None
    ) -> None:
        """Send a chunk until it is acknowledged or the upload is cancelled."""
        acknowledged = await self._sender.send(start, stop, gateway=gateway)
        self._happened[f"chunks acknowledged, {scenario.protocol}"] += acknowledged

    async def _cancel_upload(self, scenario: Scenario) -> None:
        reply = await self._requests.ask(
            "DELETE", f"/api/v1/uploads/{scenario.dzuuid}", expected=(204, 404, 409)
        )
        if reply.status == 404 and reply.tries == 1:
            scenario.errors.append(f"the upload to cancel is unknown: {reply.body}")
        # 404 on a repeat: the first request succeeded, and its answer was lost.
        scenario.cancelled = reply.status != 409
        if scenario.cancelled and scenario.job_ids:
            await self._note_if_deleted(scenario)

    async def _cancel_job(self, scenario: Scenario) -> None:
        if self._draw.random() < 0.5:
            await self._requests.pause()
        else:
            await asyncio.sleep(self._draw.uniform(0, CANCEL_WITHIN))
        by_job = self._draw.random() < 0.7
        path = f"jobs/{min(scenario.job_ids)}" if by_job else f"uploads/{scenario.dzuuid}"
        reply = await self._requests.ask("DELETE", f"/api/v1/{path}", expected=(200, 204, 409))
        scenario.cancelled = reply.status != 409
        if reply.status == 204:
            await self._note_if_deleted(scenario)

    async def _note_if_deleted(self, scenario: Scenario) -> None:
        """Find out whether a job was cancelled or, as it had ended, deleted with its bytes."""
        reply = await self._requests.ask("GET", f"/api/file_status/{min(scenario.job_ids)}")
        if reply.body["job_status"] != "REVOKED":
            scenario.cancelled, scenario.deleted, scenario.expired = False, True, True

    async def _follow(self, scenario: Scenario) -> None:
        """Poll the state of the job until it is terminal; retry the job if it failed."""
        again, gives_up = self._draw.random() < 0.3, self._draw.random() < 0.4
        while True:
            await self._requests.pause()
            body = (
                await self._requests.ask("GET", f"/api/file_status/{min(scenario.job_ids)}")
            ).body
            state, scenario.message = body["job_status"], body.get("message", "")
            if scenario.cancelled and state != "REVOKED":
                scenario.errors.append(f"its cancelled job had the state {state}")
            if state == "FAILURE" and not scenario.cancelled:
                # A job that faults made fail is retried or given up. A malformed file is sometimes
                # retried, which cannot help.
                malformed = MALFORMED.search(scenario.message)
                scenario.gave_up = gives_up and not malformed
                if (again if malformed else not gives_up) and not scenario.expired:
                    again = again and not malformed
                    await self._retry(scenario)
                    continue
            if state in TERMINAL:
                scenario.state = state
                return

    async def _retry(self, scenario: Scenario) -> None:
        reply = await self._requests.ask(
            "POST", f"/api/v1/jobs/{min(scenario.job_ids)}/retry", expected=(200, 409)
        )
        scenario.retries += reply.status == 200
        scenario.retries_requested += reply.tries
        if reply.status == 409:
            if reply.body["type"].endswith("input-removed"):
                scenario.expired = True
            elif reply.tries == 1:
                scenario.errors.append(f"its failed job could not be retried: {reply.body}")

    async def _ask(self, scenario: Scenario, asked: Asked) -> None:
        """Ask for another job of the upload, and download its result."""
        await asyncio.sleep(asked.after)
        body = json.dumps(
            {
                "inputs": [scenario.dzuuid],
                "aggregation": aggregation_json(SONG_PLAYS),
                "cache": asked.cache,
            }
        ).encode()
        reply = await self._requests.ask(
            "POST",
            "/api/v1/jobs",
            expected=(200, 201, 404, 409),
            data=lambda: BytesIO(body),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f'"{scenario.dzuuid}-again"',
            },
        )
        if reply.status in (404, 409):
            asked.refused = reply.body["type"].rpartition(":")[2]
            self._happened[f"asks refused: {asked.refused}"] += 1
            return
        asked.job_id = reply.body["id"]
        self._happened[f"asks acknowledged ({'cached' if asked.cache else 'computed'})"] += 1
        while asked.state not in TERMINAL:
            await self._requests.pause()
            shown = (await self._requests.ask("GET", f"/api/file_status/{asked.job_id}")).body
            asked.state, asked.message = shown["job_status"], shown.get("message", "")
        if asked.state == "SUCCESS":
            asked.download = Content.of(await self._download(scenario, asked, asked.job_id))

    async def _download(self, scenario: Scenario, wanted: Scenario | Asked, job_id: str) -> bytes:
        """Return the result; resume at the next byte whenever the connection breaks."""
        requests = self._requests
        received, etag, total = bytearray(), "", None
        while total is None or len(received) < total:
            url = requests.url(f"/api/download_file/{job_id}")
            headers = {"Range": f"bytes={len(received)}-", "If-Range": etag} if etag else {}
            # Sometimes the client closes the connection.
            leave_at = int(200_000 ** self._draw.random()) if self._draw.random() < 0.3 else None
            try:
                async with requests.session.get(url, headers=headers) as answer:
                    if answer.status == 410:
                        wanted.expired = True
                        return bytes(received)
                    if answer.status == 503:
                        await requests.note_refusal(answer)
                        await requests.pause()
                        continue
                    if answer.status != (206 if etag else 200):
                        scenario.errors.append(
                            f"download from {len(received)} was answered {answer.status}: "
                            f"{await answer.text()}"
                        )
                        return bytes(received)
                    begin, whole = _extent(answer)
                    tag = answer.headers["ETag"]
                    if begin != len(received) or (etag and (tag != etag or whole != total)):
                        scenario.errors.append("a resumed download has another result or offset")
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


async def check_final_states(
    gateways: Sequence[str], scenarios: Sequence[Scenario], counters: Counter[str]
) -> None:
    """Check at the end that each job still has the state that its client saw."""
    waiting = iter(
        [scenario for scenario in scenarios if scenario.job_ids and scenario.state in TERMINAL]
    )

    async def look() -> None:
        for scenario in waiting:
            requests = Requests(
                session, gateways, random.Random(scenario.dzuuid), counters, scenario
            )
            job_id = min(scenario.job_ids)
            status = await requests.ask("GET", f"/api/file_status/{job_id}")
            if status.body["job_status"] != scenario.state:
                scenario.errors.append(
                    f"was {scenario.state} and is now {status.body['job_status']}"
                )
            kept = (200, 410) if scenario.state == "SUCCESS" else (400,)
            async with session.head(requests.url(f"/api/download_file/{job_id}")) as answer:
                if answer.status not in kept:
                    scenario.errors.append(
                        f"{scenario.state}, its download was answered {answer.status}"
                    )
                elif answer.status == 410:
                    scenario.expired = True
                elif answer.status == 200 and scenario.download and not scenario.expired:
                    result = (answer.content_length, answer.headers["ETag"].strip('"'))
                    if result != (scenario.download.size, scenario.download.sha256):
                        scenario.errors.append(f"its result changed to {result}")

    async with new_session() as session, asyncio.TaskGroup() as lookers:
        for _ in range(PARALLEL):
            lookers.create_task(look())


def _extent(answer: aiohttp.ClientResponse) -> tuple[int, int]:
    """Return the offset of the body in the result, and the size of the result."""
    if answer.status == 200:
        return 0, int(answer.headers["Content-Length"])
    match = _CONTENT_RANGE.fullmatch(answer.headers["Content-Range"])
    assert match, answer.headers["Content-Range"]
    return int(match[1]), int(match[3])
