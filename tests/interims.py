"""An HTTP client that returns interim responses, which client libraries ignore."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    Request = tuple[str, Mapping[str, str], bytes]

TIMEOUT = 10.0
"""Seconds."""


@dataclass(frozen=True)
class Answer:
    """A final response."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class Connection:
    """One HTTP/1.1 connection. Responses are read on request only."""

    def __init__(self, address: tuple[str, int], first: Request | None = None) -> None:
        self._address = address
        self._first = first
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.interims: list[CIMultiDict[str]] = []
        """The fields of each 104 response so far."""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        if self._first:
            await self.send(*self._first)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def send(
        self, line: str, headers: Mapping[str, str], body: bytes, *, version: str = "1.1"
    ) -> None:
        """Send a request. `line` is the method and the path."""
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._writer.write(
            f"{line} HTTP/{version}\r\nHost: localhost\r\n{fields}\r\n".encode() + body
        )
        await self._drain()

    async def write(self, body: bytes) -> None:
        """Send more of the content."""
        self._writer.write(body)
        await self._drain()

    async def interim(self) -> CIMultiDict[str]:
        """Read the next response, which must be a 104; return its fields."""
        status, headers = await self._head()
        assert status == 104
        self.interims.append(headers)
        return headers

    async def invited(self) -> None:
        """Read the next response, which must be `100 Continue`."""
        status, _ = await self._head()
        assert status == 100

    async def answer(self, *, no_content: bool = False, no_interim: bool = False) -> Answer:
        """Read up to the next final response and return it."""
        while True:
            status, headers = await self._head()
            if status >= 200:
                break
            assert not no_interim
            if status == 104:
                self.interims.append(headers)
        length = 0 if no_content else int(headers.get("Content-Length", "0"))
        async with asyncio.timeout(TIMEOUT):
            return Answer(status, headers, await self._reader.readexactly(length))

    async def ended(self) -> None:
        """Wait until the server closes its side; nothing more may arrive."""
        async with asyncio.timeout(TIMEOUT):
            assert await self._reader.read() == b""

    def abort(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def _drain(self) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self._writer.drain()

    async def _head(self) -> tuple[int, CIMultiDict[str]]:
        async with asyncio.timeout(TIMEOUT):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = CIMultiDict[str]()
        for field in fields:
            name, _, value = field.partition(": ")
            headers.add(name, value)
        return int(line.split(" ")[1]), headers
