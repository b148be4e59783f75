"""A TCP proxy between two processes: cuts connections at a given byte, slows them down, stalls."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_PIECE = 1 << 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """Forwards connections from `port` to another port of this machine."""

    def __init__(self, name: str, target: int) -> None:
        self.name = name
        self.port = 0
        self.carried = 0
        """Bytes forwarded, in both directions."""
        self.cuts = 0
        """Connections cut."""
        self._target = target
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._lag = 0.0
        self.stalled = asyncio.Event()
        self._stall_at: int | None = None
        self._countdown: int | None = None
        self._reset = False
        self._answers_only = False
        self._severed = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.StreamReader] = set()

    @property
    def given_up(self) -> int:
        """Connections that the target has closed, including those whose end is still stalled."""
        return sum(far.at_eof() or far.exception() is not None for far in self._answers)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Link]:
        """Listen on a free port, stored in `port`, while the context is open."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._connections:
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await server.wait_closed()

    def cut(self, *, after: int, reset: bool, answers_only: bool = False) -> None:
        """Cut the connection that carries the next byte after `after` more bytes.

        With `reset` both sides see a reset, otherwise the end of the stream. With `answers_only`
        only bytes from the target count.
        """
        self._countdown = after
        self._reset = reset
        self._answers_only = answers_only
        self._severed.clear()

    async def severed(self) -> None:
        """Wait for the latest requested cut."""
        await self._severed.wait()

    def stall(self, *, after: int = 0) -> None:
        """Hold back all bytes; connections stay open, new ones are accepted.

        Starts after about `after` more bytes (rounded to a piece) and then sets `stalled`.
        """
        self._stall_at = self.carried + after
        self._stall_if_due()

    def flow(self) -> None:
        """End a stall."""
        self._stall_at = None
        self.stalled.clear()
        self._flowing.set()

    def slow_down(self, lag: float) -> None:
        """Delay each piece of up to 64 KiB by `lag` seconds."""
        self._lag = lag

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._answers.add(far_reader)
        ends = (writer, far_writer)
        for end in ends:
            # `drain` returns when the kernel has the bytes, so a cut loses none of them.
            end.transport.set_write_buffer_limits(high=0)
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer, ends, answers=False)),
            asyncio.create_task(self._pump(far_reader, writer, ends, answers=True)),
        ]
        try:
            await asyncio.gather(*pumps)
        finally:
            self._answers.discard(far_reader)
            far_writer.transport.abort()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ends: tuple[asyncio.StreamWriter, ...],
        *,
        answers: bool,
    ) -> None:
        while data := await reader.read(_PIECE):
            if self._lag:
                await asyncio.sleep(self._lag)
            await self._flowing.wait()
            last = None if self._answers_only and not answers else self._is_last(len(data))
            if last is not None:
                data = data[:last]
            self.carried += len(data)
            self._stall_if_due()
            writer.write(data)
            await writer.drain()
            if last is not None:
                self.cuts += 1
                self._sever(ends)
                self._severed.set()
                raise ConnectionResetError
        await self._flowing.wait()
        if writer.can_write_eof():
            writer.write_eof()

    def _stall_if_due(self) -> None:
        if self._stall_at is not None and self.carried >= self._stall_at:
            self._flowing.clear()
            self.stalled.set()

    def _is_last(self, size: int) -> int | None:
        """Return how many of the next `size` bytes pass before the cut; None without a cut."""
        if self._countdown is None:
            return None
        if self._countdown >= size:
            self._countdown -= size
            return None
        left, self._countdown = self._countdown, None
        return left

    def _sever(self, ends: tuple[asyncio.StreamWriter, ...]) -> None:
        for end in ends:
            if self._reset:
                end.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE
                )
            end.transport.abort()
