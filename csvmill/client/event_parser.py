"""Server-Sent Events out of the bytes of a stream (WHATWG HTML, 9.2.5 and 9.2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 1 << 20
"""Bytes that an event may have; what is longer is no stream of events."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event as it came."""

    kind: str
    data: str
    id: str
    """That of the event, or else of the last before it that had one."""


class EventParser:
    """Takes the bytes of one connection, in pieces cut anywhere.

    What is not ended by an empty line does not count: a connection that breaks off leaves no half
    of an event.
    """

    def __init__(self, last_id: str = "") -> None:
        """`last_id`: that of the last event of the connections before."""
        self.last_id = last_id
        self.retry: float | None = None
        """Seconds after which the server wants to be asked again, if it has said so."""
        self._pending = b""
        self._begun = False
        self._forget()

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """The events that are complete with `data`. Raises ValueError for what has no end."""
        *lines, self._pending = self._lines(self._pending + data)
        for line in lines:
            if line:
                self._take(line.decode(errors="replace"))
                continue
            self.last_id = self._id
            if self._data:
                yield ServerSentEvent(self._kind or "message", "\n".join(self._data), self._id)
            self._forget()
        if len(self._pending) + sum(map(len, self._data)) > LONGEST:
            raise ValueError(f"an event has more than {LONGEST} bytes")

    def _lines(self, data: bytes) -> list[bytes]:
        """The lines; the last is not ended."""
        if not self._begun and len(data) >= len(b"\xef\xbb\xbf"):
            self._begun = True
            data = data.removeprefix(b"\xef\xbb\xbf")
        # A carriage return at the very end may be half of a line end.
        whole, cut = (data[:-1], data[-1:]) if data.endswith(b"\r") else (data, b"")
        *lines, last = _LINE_END.split(whole)
        return [*lines, last + cut]

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._kind = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000

    def _forget(self) -> None:
        self._data: list[str] = []
        self._kind = ""
        self._id = self.last_id
