"""Each request that is not valid HTTP has at most one log line."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.blob_backends import TOKEN
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "Bearer-of-a-secret"
HEAD = b"PUT /blobs/x HTTP/1.1\r\nHost: x\r\n"
MALFORMED = {
    "Invalid character in Content-Length": HEAD + b"Content-Length: abc\r\n\r\n",
    "Duplicate Content-Length": HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "Invalid header value char": HEAD + f"Authorization: {SECRET}\x00\r\n\r\n".encode(),
    "Invalid header token": HEAD + f"{SECRET} x: y\r\n\r\n".encode(),
    "Got more than 8190 bytes when reading": HEAD + f"X: {SECRET * 1000}\r\n\r\n".encode(),
    "Missing 'Host' header in request.": b"GET / HTTP/1.1\r\n\r\n",
    "Bad status line": b"GET / HTTP/9.z\r\n\r\n",
    "Invalid URL": b"GET http://a:99999/?" + SECRET.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "Invalid character in chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    folder = tmp_path_factory.mktemp("service")
    env = {
        "CSVMILL_DATA_DIR": str(folder / "data"),
        "CSVMILL_STORAGE_TOKEN": TOKEN,
        "CSVMILL_STORAGE_PORT": "0",
        "CSVMILL_LOG_FORMAT": "json",
    }
    with ServiceProcess("storage", log_path=folder / "storage.log", env=env) as process:
        assert process.url
        yield process


def answer(service: ServiceProcess, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2])), 10) as talk:
        talk.sendall(request)
        return talk.makefile("rb").readline()


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_request_gets_400_and_a_log_line_without_its_bytes(
    service: ServiceProcess, what: str
) -> None:
    before = len(service.lines)
    # Bytes that are not HTTP at all, such as TLS, are not logged
    assert answer(service, b"\x16\x03\x01\x02\x00\r\n\r\n").split()[1] == b"400"
    status = b"431" if "bytes" in what else b"400"
    assert answer(service, MALFORMED[what]).split()[1] == status
    service.wait_for_line(r"aiohttp\.server.*" + what.replace(".", r"\."), timeout=10)
    (line,) = service.lines[before:]
    fields = json.loads(line)
    assert (fields["level"], "exception" in fields) == ("INFO", False)
    assert fields["message"] == f"Error handling request from 127.0.0.1: answered 400, {what}"
    assert SECRET not in line


WITH_TOKEN = (
    HEAD.replace(b"/blobs/x", b"/blobs/uploads%2Fx") + f"Authorization: Bearer {TOKEN}\r\n".encode()
)


def test_an_encoded_body_is_refused_before_it_is_read(service: ServiceProcess) -> None:
    head = WITH_TOKEN + b"Content-Encoding: gzip\r\n"
    assert answer(service, head + b"Content-Length: 2\r\n\r\n{}").split()[1] == b"415"


def test_a_body_with_a_malformed_chunk_gets_400_and_a_log_line(service: ServiceProcess) -> None:
    before = len(service.lines)
    head = WITH_TOKEN + b"Transfer-Encoding: chunked\r\n\r\n"
    assert answer(service, head + b"no size\r\n{}\r\n0\r\n\r\n").split()[1] == b"400"
    service.wait_for_line("Error handling request|cannot be read", timeout=10, after=before)
    (line,) = service.lines[before:]
    assert (json.loads(line)["level"], "exception" in json.loads(line)) == ("INFO", False)
