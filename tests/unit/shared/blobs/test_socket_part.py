"""A part of a socket gives the bytes that arrive, and takes none that are not its own."""

from __future__ import annotations

import random
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from shared.blobs.socket_part import IncomingBytes, SocketPart, bytes_of, most_of, size_of
from tests.sockets import connection

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
CONTENT = random.Random(1).randbytes(5 * MIB + 321)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, IncomingBytes]]:
    """The end that sends, and what arrives at the other."""
    with connection() as (sender, receiver), IncomingBytes(receiver) as incoming:
        yield sender, incoming


def moved(part: SocketPart) -> bytes:
    """Move the part; return its bytes."""
    into = bytearray()

    def write(buffer: memoryview, at: int) -> None:
        assert at == len(into)
        into.extend(buffer)

    part.move(write)
    return bytes(into)


def test_the_bytes_of_a_part_are_moved_and_the_next_ones_stay(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    sender, incoming = ends
    sending = threading.Thread(target=sender.sendall, args=(CONTENT + b"the next request",))
    sending.start()
    content = b""
    while len(content) < len(CONTENT):
        part = SocketPart(incoming, len(CONTENT) - len(content))
        piece = moved(part)
        assert (part.taken, part.ended, part.failure) == (len(piece), False, None)
        content += piece
    sending.join()
    assert content == CONTENT
    assert incoming.has(1)
    assert incoming.socket.recv(100) == b"the next request"


def test_a_part_ends_when_the_peer_sends_nothing_for_a_moment(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    sender, incoming = ends
    sender.sendall(CONTENT[: MIB + 10])
    part = SocketPart(incoming, len(CONTENT))
    assert moved(part) == CONTENT[:MIB]
    assert not part.ended
    rest = SocketPart(incoming, len(CONTENT))
    assert rest.read() == CONTENT[MIB : MIB + 10]


def test_a_peer_that_disconnects_ends_a_part_after_its_last_byte(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    sender, incoming = ends
    sender.sendall(CONTENT[:1000])
    sender.close()
    part = SocketPart(incoming, len(CONTENT))
    assert moved(part) == CONTENT[:1000]
    assert (part.taken, part.ended, part.failure) == (1000, True, None)


@pytest.mark.parametrize("how", ["move", "read"])
def test_a_connection_that_breaks_is_told(
    ends: tuple[socket.socket, IncomingBytes], how: str
) -> None:
    sender, incoming = ends
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.close()
    part = SocketPart(incoming, len(CONTENT))
    assert (moved(part) if how == "move" else part.read()) == b""
    assert isinstance(part.failure, ConnectionError)
    assert part.taken == 0


def test_nothing_is_read_of_a_socket_without_bytes(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    _, incoming = ends
    for part in (SocketPart(incoming, 10), SocketPart(incoming, 10)):
        assert part.read() == b""
        assert moved(part) == b""
        assert (part.taken, part.ended, part.failure) == (0, False, None)


def test_what_could_not_be_written_counts_as_not_taken(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    sender, incoming = ends
    sender.sendall(CONTENT[:1000])
    sender.close()
    part = SocketPart(incoming, len(CONTENT))

    def write(_: memoryview, at: int) -> None:
        raise OSError(f"the disk is full at {at}")

    with pytest.raises(OSError, match="the disk is full at 0"):
        part.move(write)
    assert part.taken == 0


def test_a_part_can_be_narrowed_and_not_widened(
    ends: tuple[socket.socket, IncomingBytes],
) -> None:
    sender, incoming = ends
    sender.sendall(b"12345")
    part = SocketPart(incoming, 4)
    part.narrow(10)
    assert most_of(part) == 4
    part.narrow(2)
    assert (most_of(part), size_of(part)) == (2, 0)
    assert bytes_of(part) == b"12"
    assert size_of(part) == 2


def test_bytes_are_pieces_too() -> None:
    assert (bytes_of(b"123"), size_of(b"123"), most_of(b"123")) == (b"123", 3, 3)


def test_afterwards_the_socket_is_readable_with_any_byte_again() -> None:
    with connection() as (sender, receiver):
        with IncomingBytes(receiver) as incoming:
            sender.sendall(b"1")
            assert not incoming.has(1000, within=0.05)
        assert IncomingBytes(receiver).has(1, within=10)
