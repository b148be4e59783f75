"""How a client sends chunks: as Dropzone does, or by the native protocol."""

from __future__ import annotations

import base64
import hashlib
import json
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

import aiohttp

from tests.chaos.scenario import Plan, UploadProtocol

if TYPE_CHECKING:
    import random

    from tests.chaos.requests import Requests
    from tests.chaos.scenario import Scenario

UPLOADS = "/api/v1/uploads"


class Sender(Protocol):
    """Sends one file. Stores the job ids of the answers in the scenario."""

    lost: bool
    """Whether a chunk was refused because others were lost: the file is to be sent again."""

    async def begin(self) -> None:
        """Send what precedes the first chunk."""
        ...

    async def send(self, start: int, stop: int, *, gateway: str | None = None) -> bool:
        """Send a chunk until it is answered. Return False if the upload was cancelled or lost."""
        ...

    async def missing(self) -> list[tuple[int, int]]:
        """Ask what the upload misses. Return nothing if the protocol cannot tell."""
        ...


def sender(scenario: Scenario, requests: Requests, draw: random.Random) -> Sender:
    """Return the sender for the protocol of the scenario."""
    speaks = Dropzone if scenario.protocol is UploadProtocol.DROPZONE else Native
    return speaks(scenario, requests, draw)


class Dropzone:
    """`POST /api/upload_file`: each chunk is a form with all fields."""

    def __init__(self, scenario: Scenario, requests: Requests, draw: random.Random) -> None:
        self._story = scenario
        self._requests = requests
        self._draw = draw
        self.lost = False

    async def begin(self) -> None:
        """Do nothing."""

    async def send(self, start: int, stop: int, *, gateway: str | None = None) -> bool:
        """See `Sender`."""
        # An upload that is cancelled during a chunk no longer exists when the chunk ends.
        cancelled = (404,) if self._story.plan is Plan.RACE else ()
        lost = (409,) if self._story.servers_are_lost else ()
        reply = await self._requests.ask(
            "POST",
            "/api/upload_file",
            expected=(200, *cancelled, *lost),
            data=lambda: self._form(start, stop),
            gateway=gateway,
        )
        if job_id := reply.body.get("job_id"):
            self._story.job_ids.add(job_id)
        self.lost = self.lost or reply.status == 409
        return reply.status == 200

    async def missing(self) -> list[tuple[int, int]]:
        """Return nothing: Dropzone never asks. A chunk is refused if others were lost."""
        return []

    def _form(self, start: int, stop: int) -> aiohttp.FormData:
        file = self._story.input
        fields = {
            "dzuuid": self._story.dzuuid,
            "dzchunkbyteoffset": str(start),
            "dzchunksize": str(stop - start),
            "dztotalfilesize": str(len(file.data)),
        }
        # If the fields follow the file, the gateway spools the chunk.
        file_first = self._draw.random() < 0.2
        form = aiohttp.FormData(() if file_first else fields)
        form.add_field("file", BytesIO(file.data[start:stop]), filename=f"{file.number}.csv")
        if file_first:
            form.add_fields(*fields.items())
        return form


class Native:
    """`/api/v1/uploads`: the file is declared first, then chunks are sent to their offsets."""

    def __init__(self, scenario: Scenario, requests: Requests, draw: random.Random) -> None:
        self._story = scenario
        self._requests = requests
        self._path = f"{UPLOADS}/{scenario.dzuuid}"
        self._draw = draw
        self.lost = False

    async def begin(self) -> None:
        """Declare the file; in half of the cases with its digest."""
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
        """See `Sender`. Half of the chunks carry a digest."""
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
            # The upload became a job, and the job was cancelled or expired.
            if not reply.body["type"].endswith("input-removed"):
                self._story.errors.append(f"a chunk was refused: {reply.body}")
            reply = await self._requests.ask("GET", self._path)
        if job := reply.body.get("job"):
            self._story.job_ids.add(job.rpartition("/")[2])
        return reply.status == 200

    async def missing(self) -> list[tuple[int, int]]:
        """See `Sender`. If the upload is complete, wait until it has a job."""
        while True:
            upload = (await self._requests.ask("GET", self._path)).body
            if job := upload["job"]:
                self._story.job_ids.add(job.rpartition("/")[2])
            if job or not upload["complete"]:
                return [(start, stop) for start, stop in upload["missing"]]
            await self._requests.pause()
