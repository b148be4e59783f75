"""The proxy cuts at the requested byte, and stalls and slows down connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.chaos.proxy import Link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TIMEOUT = 10.0


class Connection:
    """A connection to an echo server through a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    def end(self) -> None:
        self._writer.write_eof()

    async def receive(self, size: int = -1) -> bytes:
        """Return `size` bytes, or all bytes until the end."""
        async with asyncio.timeout(TIMEOUT):
            return await (self._reader.read() if size < 0 else self._reader.readexactly(size))

    def close(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def link_to_an_echo() -> AsyncIterator[Link]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except ConnectionError:
            pass  # expected: the test cuts the connection
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Link("a>b", server.sockets[0].getsockname()[1]).open() as link:
        yield link


async def connect(link: Link) -> Connection:
    return Connection(*await asyncio.open_connection("127.0.0.1", link.port))


async def test_bytes_and_ends_pass_in_both_directions() -> None:
    async with link_to_an_echo() as link:
        connection = await connect(link)
        connection.send(bytes(300_000))
        connection.end()
        assert await connection.receive() == bytes(300_000)
        assert link.carried == 600_000
        connection.close()


async def test_a_cut_connection_carries_exactly_the_given_number_of_bytes() -> None:
    async with link_to_an_echo() as link:
        connection, other = await connect(link), await connect(link)
        connection.send(b"12345")
        assert await connection.receive(5) == b"12345"
        # Five bytes to the server and four back
        link.cut(after=9, reset=False)
        connection.send(b"67890")
        assert await connection.receive() == b"6789"
        assert link.cuts == 1
        # Other and new connections still work
        third = await connect(link)
        for open_connection in (other, third):
            open_connection.send(b"ab")
            assert await open_connection.receive(2) == b"ab"
            open_connection.close()
        connection.close()


async def test_a_cut_of_answers_only_lets_every_request_arrive() -> None:
    async with link_to_an_echo() as link:
        connection = await connect(link)
        link.cut(after=3, reset=False, answers_only=True)
        connection.send(b"0123456789")
        assert await connection.receive() == b"012"
        async with asyncio.timeout(TIMEOUT):
            await link.severed()
        assert link.carried == 10 + 3
        assert link.cuts == 1
        connection.close()


async def test_a_cut_with_reset_raises_connection_reset() -> None:
    async with link_to_an_echo() as link:
        connection = await connect(link)
        link.cut(after=2, reset=True)
        connection.send(b"12345")
        with pytest.raises(ConnectionResetError):
            await connection.receive()
        connection.close()


async def test_a_stalled_link_loses_no_bytes() -> None:
    async with link_to_an_echo() as link:
        connection = await connect(link)
        link.stall()
        connection.send(b"12345")
        answer = asyncio.create_task(connection.receive(5))
        done, _ = await asyncio.wait({answer}, timeout=0.1)
        assert not done
        link.flow()
        assert await answer == b"12345"
        connection.close()


async def test_a_stalled_end_is_counted_and_delivered_later() -> None:
    over = asyncio.Event()

    async def close_later(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.write(b"bye")
        writer.close()

    server = await asyncio.start_server(close_later, "127.0.0.1", 0)
    async with server, Link("a>b", server.sockets[0].getsockname()[1]).open() as link:
        connection = await connect(link)
        link.stall()
        assert link.given_up == 0
        over.set()
        async with asyncio.timeout(TIMEOUT):
            while link.given_up == 0:  # noqa: ASYNC110  (the kernel sets no event)
                await asyncio.sleep(0.01)
        assert link.carried == 0
        link.flow()
        assert await connection.receive() == b"bye"
        connection.close()


async def test_a_slow_link_delays_each_piece() -> None:
    async with link_to_an_echo() as link:
        connection = await connect(link)
        link.slow_down(0.1)
        before = asyncio.get_running_loop().time()
        connection.send(bytes(100_000))
        assert await connection.receive(100_000) == bytes(100_000)
        # Delayed in both directions
        assert asyncio.get_running_loop().time() - before >= 0.2
        connection.close()


async def test_a_server_that_is_down_ends_the_connection() -> None:
    async with link_to_an_echo() as link:
        link._target = 1  # no server listens there
        connection = await connect(link)
        assert await connection.receive() == b""
        connection.close()
