"""When `104 Upload Resumption Supported` is sent, and when it must not be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.test_utils import make_mocked_request

from gateway.protocols.ietf import interim as module
from gateway.protocols.ietf.interim import interim
from shared.blobs.socket_part import bytes_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

WHOLE = (
    b"HTTP/1.1 104 Upload Resumption Supported\r\n"
    b"Upload-Draft-Interop-Version: 8\r\nUpload-Offset: 7\r\n\r\n"
)


class Wire:
    """The bytes written to a connection; `unread` of them its peer has not read."""

    def __init__(self, *, unread: int = 0, closing: bool = False) -> None:
        self.written = b""
        self._unread = unread
        self._closing = closing

    def get_write_buffer_size(self) -> int:
        return self._unread

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes) -> None:
        self.written += data


def request_on(wire: Wire | None, version: HttpVersion = HttpVersion11) -> web.Request:
    return make_mocked_request("POST", "/", version=version, protocol=Mock(), transport=wire)


def test_an_interim_response_is_one_whole_message() -> None:
    wire = Wire()
    with interim(request_on(wire)) as telling:
        telling.send({"Upload-Offset": "7"})
    assert wire.written == WHOLE


@pytest.mark.parametrize(
    ("wire", "version"),
    [
        (Wire(unread=1), HttpVersion11),
        (Wire(closing=True), HttpVersion11),
        (Wire(), HttpVersion10),
        (None, HttpVersion11),
    ],
    ids=["a client that does not read", "a closing connection", "HTTP/1.0", "a lost connection"],
)
def test_nothing_is_sent_to(wire: Wire | None, version: HttpVersion) -> None:
    with interim(request_on(wire, version)) as telling:
        telling.send({"Upload-Offset": "7"})
    assert wire is None or wire.written == b""


def test_nothing_is_sent_once_the_final_response_may_begin() -> None:
    wire = Wire()
    with interim(request_on(wire)) as telling:
        telling.send({"Upload-Offset": "7"})
    telling.send({"Upload-Offset": "8"})
    assert wire.written == WHOLE


class Recorded:
    """The recorded offset, which is never returned, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.requested = asyncio.Event()
        self.cancelled = False

    async def offset(self) -> int:
        self.requested.set()
        if self._error is not None:
            raise self._error
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True
        raise AssertionError


async def passed_through(recorded: Recorded) -> list[bytes]:
    """Return data whose second half is sent only once the recorded offset was requested."""

    async def data() -> AsyncGenerator[bytes, None]:
        yield b"first"
        await recorded.requested.wait()
        yield b"second"

    with interim(request_on(Wire())) as responses:
        async with asyncio.timeout(10):
            return [bytes_of(piece) async for piece in responses.progress(data(), recorded.offset)]


async def test_data_does_not_wait_for_the_recorded_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRESS_INTERVAL", 0.0)
    recorded = Recorded()
    assert await passed_through(recorded) == [b"first", b"second"]
    assert recorded.cancelled


async def test_an_unexpected_error_is_raised_after_the_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PROGRESS_INTERVAL", 0.0)
    with pytest.raises(ZeroDivisionError):
        await passed_through(Recorded(ZeroDivisionError()))
