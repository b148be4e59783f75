"""Sends single chunks to a gateway and returns its responses, errors included."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Answer:
    """A response that has been read."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def job_id(self) -> str:
        """The id of the job of the complete upload."""
        assert self.status == 200, self
        return str(self.body["job_id"])


async def send_chunk(
    url: str, dzuuid: str, content: bytes, *, start: int = 0, stop: int | None = None
) -> Answer:
    """Send the bytes `start..stop` of `content` as one chunk of the upload `dzuuid`."""
    form = aiohttp.FormData(
        {
            "dzuuid": dzuuid,
            "dzchunkbyteoffset": str(start),
            # Larger than any chunk, so that no chunk looks like a short last one.
            "dzchunksize": str(len(content) + 1),
            "dztotalfilesize": str(len(content)),
        }
    )
    form.add_field("file", io.BytesIO(content[start:stop]), filename="plays.csv")
    return await _request("POST", f"{url}/api/upload_file", data=form)


async def get(url: str) -> Answer:
    """Get `url` and return its JSON."""
    return await _request("GET", url)


async def _request(method: str, url: str, *, data: aiohttp.FormData | None = None) -> Answer:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data) as response,
    ):
        return Answer(response.status, await response.json(), response.headers)
