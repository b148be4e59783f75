"""The least rate of a client: measured by windows, and enforced while it takes a body."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from shared.http.least_rate import LeastRate, RateMeter
from tests.unit.shared.file_service import CONTENT, SIZE, WAIT, Service

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

LOOP = [asyncio.new_event_loop, uvloop.new_event_loop]


def test_a_client_below_the_rate_is_too_slow_at_the_end_of_a_window() -> None:
    meter = RateMeter(LeastRate(rate=10, window=60))
    assert not meter.too_slow(59, 100)
    assert meter.too_slow(1, 400)


def test_a_client_that_pauses_and_catches_up_in_the_window_is_not_too_slow() -> None:
    meter = RateMeter(LeastRate(rate=10, window=60))
    assert not meter.too_slow(59, 0)
    assert not meter.too_slow(1, 600)
    # And what it did in one window does not count in the next
    assert meter.too_slow(60, 599)


def test_a_wait_of_several_windows_counts_as_a_whole() -> None:
    meter = RateMeter(LeastRate(rate=10, window=60))
    assert meter.too_slow(120, 1199)
    assert not meter.too_slow(120, 1200)


@contextmanager
def serving(loop: asyncio.AbstractEventLoop, folder: Path, **download: Any) -> Iterator[Service]:
    service = Service(loop, folder, **download)
    service.start()
    try:
        yield service
    finally:
        service.stop()


def read_by(service: Service, connection: socket.socket, size: int, pause: float) -> int:
    """Read `size` bytes at a time with pauses; return how many came before the end.

    What the sockets still hold when the download has ended is read at once.
    """
    total = 0
    try:
        while piece := connection.recv(SIZE if service.ended.wait(pause) else size):
            total += len(piece)
    except ConnectionError:
        pass
    return total


@pytest.mark.parametrize("loop", LOOP, ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("fields", [{}, {"codings": ("gzip",)}], ids=["sendfile", "gzip"])
def test_a_client_that_takes_a_few_bytes_now_and_then_is_disconnected(
    loop: Any, fields: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "shared")
    least = LeastRate(rate=1_000_000, window=0.3)
    request = b"GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: %s\r\n\r\n" % (
        b"gzip" if fields else b"identity"
    )
    with (
        serving(loop(), tmp_path, least_rate=least, **fields) as service,
        service.connect(request) as connection,
    ):
        assert read_by(service, connection, 100, 0.01) < SIZE
        assert service.ended.wait(WAIT)
    assert [line for line in caplog.messages if "the client reads too slowly" in line]


@pytest.mark.parametrize("loop", LOOP, ids=["asyncio", "uvloop"])
def test_a_slow_client_above_the_rate_gets_everything(loop: Any, tmp_path: Path) -> None:
    least = LeastRate(rate=10_000, window=0.5)
    with (
        serving(loop(), tmp_path, least_rate=least) as service,
        service.connect(b"GET / HTTP/1.0\r\n\r\n") as connection,
    ):
        assert read_by(service, connection, 1 << 18, 0.01) > len(CONTENT)
