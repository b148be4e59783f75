"""When `104 Upload Resumption Supported` goes out, and when it must not."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from aiohttp import HttpVersion, HttpVersion10, HttpVersion11, web
from aiohttp.test_utils import make_mocked_request

from gateway.interim import interim

WHOLE = (
    b"HTTP/1.1 104 Upload Resumption Supported\r\n"
    b"Upload-Draft-Interop-Version: 8\r\nUpload-Offset: 7\r\n\r\n"
)


class Wire:
    """What has been written to a connection; `unread` are bytes that its peer leaves there."""

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


def test_it_is_one_whole_message() -> None:
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
def test_nothing_goes_to(wire: Wire | None, version: HttpVersion) -> None:
    with interim(request_on(wire, version)) as telling:
        telling.send({"Upload-Offset": "7"})
    assert wire is None or wire.written == b""


def test_nothing_goes_out_once_the_final_response_may_begin() -> None:
    wire = Wire()
    with interim(request_on(wire)) as telling:
        telling.send({"Upload-Offset": "7"})
    telling.send({"Upload-Offset": "8"})
    assert wire.written == WHOLE
