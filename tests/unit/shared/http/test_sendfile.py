"""Sending files with sendfile(2) over real connections, on both kinds of event loop."""

from __future__ import annotations

import asyncio
import errno
import gzip
import logging
import os
import socket
import ssl
import struct
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPSConnection, IncompleteRead
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import uvloop

from shared.http import sendfile
from shared.http.connections import unacknowledged
from shared.http.response_body import WRITE_BUFFER
from shared.http.sendfile import SENDFILE_FROM
from storage.filesystem.blobs import THREADS
from tests.unit.shared.file_service import (
    CONTENT,
    GET,
    KEY,
    SIZE,
    WAIT,
    Kernel,
    Service,
    answer,
    read_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    watched = Kernel()
    monkeypatch.setattr(os, "sendfile", watched.sendfile)
    return watched


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def serve(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> Callable[..., Any]:
    """Start a service with the given fields of `Download`; check that no descriptor stays open."""
    caplog.set_level(logging.DEBUG, "shared")

    @contextmanager
    def serving(**download: Any) -> Iterator[Service]:
        service = Service(request.param(), tmp_path, **download)
        service.start()
        try:
            yield service
        finally:
            service.stop()
        process = psutil.Process()
        opened = [file.path for file in process.open_files()]
        assert [path for path in opened if path.startswith(str(tmp_path))] == []
        sockets = process.net_connections("tcp4")
        assert [each for each in sockets if each.laddr[1:] == (service.port,)] == []

    return serving


def messages(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def test_a_file_is_sent_with_sendfile(serve: Callable[..., Any], kernel: Kernel) -> None:
    with serve() as service:
        assert service.get() == CONTENT
    assert service.sent == [SIZE]
    assert kernel.sent == SIZE


def test_a_large_part_is_sent_with_sendfile(serve: Callable[..., Any], kernel: Kernel) -> None:
    large, small = SENDFILE_FROM, SENDFILE_FROM - 1
    with serve() as service:
        assert service.get(Range=f"bytes=5-{5 + small - 1}") == CONTENT[5 : 5 + small]
        assert kernel.sent == 0
        assert service.get(Range=f"bytes=5-{5 + large - 1}") == CONTENT[5 : 5 + large]
        assert kernel.sent == large
        parts = f"bytes=0-{large - 1}, 9000000-9000099, 20000000-"
        body = service.get(Range=parts)
    for part in (CONTENT[:large], CONTENT[9_000_000:9_000_100], CONTENT[20_000_000:]):
        assert b"\r\n\r\n" + part + b"\r\n--" in body
    assert kernel.sent == large + large + SIZE - 20_000_000


def test_encoded_and_digested_bytes_are_not_sent_with_sendfile(
    serve: Callable[..., Any], kernel: Kernel
) -> None:
    with serve(codings=("gzip",)) as service:
        assert gzip.decompress(service.get(Accept_Encoding="gzip")) == CONTENT
        fields = {"Range": "bytes=0-999999", "Want_Content_Digest": "sha-256=1"}
        assert service.get(**fields) == CONTENT[:1_000_000]
    assert kernel.sent == 0


def test_bytes_over_tls_are_not_sent_with_sendfile(
    serve: Callable[..., Any], kernel: Kernel
) -> None:
    ends = {}
    for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
        ends[protocol] = ssl.SSLContext(protocol)
        # A key exchange without a certificate
        ends[protocol].maximum_version = ssl.TLSVersion.TLSv1_2
        ends[protocol].set_ciphers("AECDH:@SECLEVEL=0")
    client = ends[ssl.PROTOCOL_TLS_CLIENT]
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    with serve(tls=ends[ssl.PROTOCOL_TLS_SERVER]) as service:
        connection = HTTPSConnection("127.0.0.1", service.port, timeout=WAIT, context=client)
        connection.request("GET", "/")
        assert connection.getresponse().read() == CONTENT
        connection.close()
    assert kernel.sent == 0


def test_pipelined_requests_are_answered_in_order(
    serve: Callable[..., Any], kernel: Kernel
) -> None:
    last = GET.replace(b"\r\n\r\n", b"\r\nRange: bytes=0-9\r\nConnection: close\r\n\r\n")
    with serve() as service, service.connect(GET + GET + last) as connection:
        heads = []
        rest = read_all(connection)
        for content in (CONTENT, CONTENT, CONTENT[:10]):
            head, _, rest = rest.partition(b"\r\n\r\n")
            heads.append(head.split(b"\r\n")[0])
            assert rest[: len(content)] == content
            rest = rest[len(content) :]
    assert heads == [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.1 206 Partial Content"]
    assert rest == b""
    assert kernel.sent == 2 * SIZE


SMALL = SENDFILE_FROM - 1
# More than small sockets and our write buffer hold for a client that does not read.
STARTS = range(0, 12 * SENDFILE_FROM, SENDFILE_FROM)
SMALL_SOCKETS = 1 << 16
SMALL_PARTS_THEN_A_LARGE_ONE = GET.replace(
    b"\r\n\r\n",
    b"\r\nConnection: close\r\nRange: bytes=%s, 10000000-\r\n\r\n"
    % b", ".join(b"%d-%d" % (start, start + SMALL - 1) for start in STARTS),
)


def test_bytes_written_before_a_file_are_sent_before_it(
    serve: Callable[..., Any], kernel: Kernel
) -> None:
    with (
        serve(buffer=SMALL_SOCKETS) as service,
        service.connect(SMALL_PARTS_THEN_A_LARGE_ONE) as connection,
    ):
        kernel.watch = lambda: service.transport and service.transport.get_write_buffer_size()
        rest = read_all(connection)
        assert service.ended.wait(WAIT)
        # The limits of the write buffer are restored afterwards.
        assert service.limits[1] == WRITE_BUFFER
    for start in STARTS:
        _, _, rest = rest.partition(b"Content-Range: bytes %d-" % start)
        _, _, rest = rest.partition(b"\r\n\r\n")
        assert rest[:SMALL] == CONTENT[start : start + SMALL]
        rest = rest[SMALL:]
    _, _, rest = rest.partition(b"\r\n\r\n")
    assert rest[: SIZE - 10_000_000] == CONTENT[10_000_000:]
    assert kernel.sent == SIZE - 10_000_000
    assert set(kernel.watched) == {0}


def test_a_client_that_reads_nothing_before_the_file_is_disconnected(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serve(client_timeout=0.2, buffer=SMALL_SOCKETS) as service,
        service.connect(SMALL_PARTS_THEN_A_LARGE_ONE),
    ):
        assert service.ended.wait(WAIT)
    assert not kernel.began.is_set()
    assert messages(caplog, logging.WARNING) == []


def test_an_http_1_0_client_gets_the_file(serve: Callable[..., Any], kernel: Kernel) -> None:
    with serve() as service, service.connect(b"GET / HTTP/1.0\r\n\r\n") as connection:
        _, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert body == CONTENT
    assert kernel.sent == SIZE


def test_clients_that_read_nothing_occupy_no_thread(
    serve: Callable[..., Any], kernel: Kernel
) -> None:
    with serve() as service, ExitStack() as stack:
        for _ in range(THREADS + 2):
            answer(stack.enter_context(service.connect()))
        assert kernel.began.wait(WAIT)
        assert service.get() == CONTENT


def test_a_client_that_stops_reading_is_disconnected(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(client_timeout=0.2) as service, service.connect() as connection:
        assert service.ended.wait(WAIT)
        received = read_all(connection)
        assert 0 < service.sent[0] < SIZE
        assert service.sent[0] == kernel.sent
    assert received.partition(b"\r\n\r\n")[2] == CONTENT[: service.sent[0]]
    assert messages(caplog, logging.WARNING) == []
    (line,) = [line for line in messages(caplog, logging.DEBUG) if "the blob" in line]
    assert (
        line == "the blob: the client disconnected during the download: the client stopped reading"
    )


async def test_a_client_that_reads_slowly_stays_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    # Before and after each of three waits. The client acknowledges bytes in the first two.
    waiting = iter([30, 20, 20, 10, 10, 10])
    monkeypatch.setattr(sendfile, "unacknowledged", lambda _socket: next(waiting))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                ours.send(bytes(1 << 16))
        with pytest.raises(ConnectionAbortedError):
            await sendfile._wait_until_writable(ours.fileno(), 0.01)
        assert list(waiting) == []


def test_unacknowledged_bytes_are_counted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        with ours, theirs:
            theirs.settimeout(WAIT)
            ours.setblocking(False)
            sent = 0
            # Until the buffers of both ends are full
            with suppress(BlockingIOError):
                while True:
                    sent += ours.send(bytes(1 << 16))
            before = unacknowledged(ours.fileno())
            assert 0 < before <= sent
            while sent:
                sent -= len(theirs.recv(1 << 20))
            assert unacknowledged(ours.fileno()) < before


def test_a_client_that_closes_its_half_gets_the_file(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service, service.connect() as connection:
        assert kernel.began.wait(WAIT)
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)
        assert service.ended.wait(WAIT)
    assert received.partition(b"\r\n\r\n")[2] == CONTENT
    assert messages(caplog, logging.WARNING) == []


def test_after_a_download_the_event_loop_does_not_watch_its_socket(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    copies: list[int] = []
    dup = os.dup

    def copied(fd: int) -> int:
        copies.append(dup(fd))
        return copies[-1]

    monkeypatch.setattr(os, "dup", copied)
    with serve() as service:
        service.get()
        assert len(copies) == 1
        assert not service.do(service.stop_waiting(copies[0]))


def test_a_client_that_disconnects_is_not_logged_as_an_error(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service:
        connection = service.connect()
        answer(connection)
        # As when its process is killed
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        assert service.ended.wait(WAIT)
        assert service.sent[0] < SIZE
        assert service.sent[0] == kernel.sent
        assert service.get(Range="bytes=0-0") == CONTENT[:1]
    assert messages(caplog, logging.WARNING) == []


def test_a_file_that_ends_early_breaks_the_connection(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service, service.connect() as connection:
        response = answer(connection)
        assert kernel.began.wait(WAIT)
        os.truncate(service.file, SIZE - 1_000_000)
        with pytest.raises((IncompleteRead, ConnectionError)):
            response.read()
        assert service.ended.wait(WAIT)
        assert service.sent == [SIZE - 1_000_000]
    (line,) = messages(caplog, logging.WARNING)
    assert line.startswith("the blob: the download was aborted: a data file ends at 23000000")


def test_a_deleted_file_is_sent_to_its_end(serve: Callable[..., Any], kernel: Kernel) -> None:
    with serve() as service, service.connect() as connection:
        response = answer(connection)
        assert kernel.began.wait(WAIT)
        service.do(service.blobs.delete(KEY))
        assert not service.file.exists()
        assert response.read() == CONTENT
    assert kernel.sent == SIZE


def test_the_service_stops_although_a_client_reads_nothing(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service:
        connection = service.connect()
        response = answer(connection)
        assert kernel.began.wait(WAIT)
        service.stop()
        with pytest.raises((IncompleteRead, ConnectionError)):
            response.read()
        connection.close()
    assert messages(caplog, logging.WARNING) == []


def test_a_file_system_without_sendfile_is_supported(
    serve: Callable[..., Any], kernel: Kernel, caplog: pytest.LogCaptureFixture
) -> None:
    kernel.error = errno.EINVAL
    with serve() as service:
        assert service.get() == CONTENT
    assert service.sent == [SIZE]
    assert kernel.sent == 0
    assert messages(caplog, logging.WARNING) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errno.EIO,
            [
                "the file system of blobs failed: [Errno 5]",
                "the blob: the download was aborted: the file system",
            ],
        ),
        (errno.ETIMEDOUT, []),
    ],
    ids=["disk", "connection"],
)
def test_a_failing_disk_is_logged_as_an_error_and_a_failing_connection_is_not(
    serve: Callable[..., Any],
    kernel: Kernel,
    caplog: pytest.LogCaptureFixture,
    error: int,
    expected: list[str],
) -> None:
    kernel.error = error
    with serve() as service:
        with pytest.raises((IncompleteRead, ConnectionError)):
            service.get()
        assert service.ended.wait(WAIT)
    assert service.sent == [0]
    lines = messages(caplog, logging.WARNING)
    assert len(lines) == len(expected)
    assert all(map(str.startswith, lines, expected))
