"""Chunks sent one by one to any gateway, and what it answers, errors included."""

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
        """Of the job that the upload has become."""
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
            # Larger than any chunk, so that no offset is taken for that of a short last chunk.
            "dzchunksize": str(len(content) + 1),
            "dztotalfilesize": str(len(content)),
        }
    )
    form.add_field("file", io.BytesIO(content[start:stop]), filename="plays.csv")
    return await _request("POST", f"{url}/api/upload_file", data=form)


async def get(url: str) -> Answer:
    """The JSON at `url`."""
    return await _request("GET", url)


async def _request(method: str, url: str, *, data: aiohttp.FormData | None = None) -> Answer:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=data) as response,
    ):
        return Answer(response.status, await response.json(), response.headers)
