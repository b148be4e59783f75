"""How a client sends the parts of a file: as Dropzone does, or by the native protocol."""

from __future__ import annotations

import base64
import hashlib
import json
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

import aiohttp

from tests.chaos.story import Dialect, Plan

if TYPE_CHECKING:
    import random

    from tests.chaos.requests import Requests
    from tests.chaos.story import Story

UPLOADS = "/api/v1/uploads"


class Sender(Protocol):
    """Sends one file. What it is told of jobs goes into the file's story."""

    async def begin(self) -> None:
        """Do what comes before the first chunk."""
        ...

    async def send(self, start: int, stop: int, *, gateway: str | None = None) -> bool:
        """Send a chunk until it is answered; whether it was acknowledged, or else cancelled."""
        ...


def sender(story: Story, requests: Requests, draw: random.Random) -> Sender:
    """What speaks the story's dialect."""
    speaks = Dropzone if story.dialect is Dialect.DROPZONE else Native
    return speaks(story, requests, draw)


class Dropzone:
    """`POST /api/upload_file`: each chunk is a form that says all there is to know."""

    def __init__(self, story: Story, requests: Requests, draw: random.Random) -> None:
        self._story = story
        self._requests = requests
        self._draw = draw

    async def begin(self) -> None:
        """See `Sender`: nothing."""

    async def send(self, start: int, stop: int, *, gateway: str | None = None) -> bool:
        """See `Sender`."""
        reply = await self._requests.ask(
            "POST",
            "/api/upload_file",
            # What is cancelled in the middle of a chunk is not there when the chunk is.
            expected=(200, 404) if self._story.plan is Plan.RACE else (200,),
            data=lambda: self._form(start, stop),
            gateway=gateway,
        )
        if job_id := reply.body.get("job_id"):
            self._story.job_ids.add(job_id)
        return reply.status == 200

    def _form(self, start: int, stop: int) -> aiohttp.FormData:
        file = self._story.input
        fields = {
            "dzuuid": self._story.dzuuid,
            "dzchunkbyteoffset": str(start),
            "dzchunksize": str(stop - start),
            "dztotalfilesize": str(len(file.data)),
        }
        # Fields after the file take another way through the gateway.
        file_first = self._draw.random() < 0.2
        form = aiohttp.FormData(() if file_first else fields)
        form.add_field("file", BytesIO(file.data[start:stop]), filename=f"{file.number}.csv")
        if file_first:
            form.add_fields(*fields.items())
        return form


class Native:
    """`/api/v1/uploads`: the file is declared first, its bytes are put at their offsets."""

    def __init__(self, story: Story, requests: Requests, draw: random.Random) -> None:
        self._story = story
        self._requests = requests
        self._path = f"{UPLOADS}/{story.dzuuid}"
        self._draw = draw

    async def begin(self) -> None:
        """See `Sender`: declare the file, half of the time with the digest of the whole."""
        file = self._story.input
        declared: dict[str, str | int] = {"name": f"{file.number}.csv", "size": len(file.data)}
        if self._draw.random() < 0.5:
            declared["sha256"] = hashlib.sha256(file.data).hexdigest()
        await self._requests.ask(
            "POST",
            UPLOADS,
            expected=(201,),
            data=lambda: BytesIO(json.dumps(declared).encode()),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": f'"{self._story.dzuuid}"',
            },
        )

    async def send(self, start: int, stop: int, *, gateway: str | None = None) -> bool:
        """See `Sender`; half of the chunks have a digest."""
        data = self._story.input.data[start:stop]
        headers = {"Content-Type": "application/octet-stream"}
        if self._draw.random() < 0.5:
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            headers["Content-Digest"] = f"sha-256=:{digest}:"
        cancelled = (404,) if self._story.plan is Plan.RACE else ()
        reply = await self._requests.ask(
            "PUT",
            f"{self._path}/chunks/{start}",
            expected=(200, 409, *cancelled),
            data=lambda: BytesIO(data),
            headers=headers,
            gateway=gateway,
        )
        if reply.status == 409:
            # Sent after the upload had become a job that has been cancelled, or has expired.
            if not reply.body["type"].endswith("input-removed"):
                self._story.wrong.append(f"a chunk was refused: {reply.body}")
            reply = await self._requests.ask("GET", self._path)
        if job := reply.body.get("job"):
            self._story.job_ids.add(job.rpartition("/")[2])
        return reply.status == 200
