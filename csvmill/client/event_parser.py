"""Parse Server-Sent Events from a byte stream (WHATWG HTML, 9.2.5 and 9.2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENT = 1 << 20
"""Maximum bytes of an event. Anything longer is not an event stream."""

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event."""

    kind: str
    data: str
    id: str
    """Of the event, or of the last event before it that had one."""


class EventParser:
    """Parses the bytes of one connection, in pieces of any size.

    An event counts only once its final empty line has arrived, so a broken connection never
    leaves half an event.
    """

    def __init__(self, last_id: str = "") -> None:
        """`last_id` is the id of the last event of earlier connections."""
        self.last_id = last_id
        self.retry: float | None = None
        """Seconds to wait before reconnecting, if the server has set them."""
        self._pending = b""
        self._started = False
        self._reset()

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that `data` completes. Raises ValueError if an event is too long."""
        *lines, self._pending = self._lines(self._pending + data)
        for line in lines:
            if line:
                self._read_field(line.decode(errors="replace"))
                continue
            self.last_id = self._id
            if self._data:
                yield ServerSentEvent(self._kind or "message", "\n".join(self._data), self._id)
            self._reset()
        if len(self._pending) + sum(map(len, self._data)) > MAX_EVENT:
            raise ValueError(f"an event has more than {MAX_EVENT} bytes")

    def _lines(self, data: bytes) -> list[bytes]:
        """Split into lines. The last one is incomplete."""
        if not self._started and len(data) >= len(b"\xef\xbb\xbf"):
            self._started = True
            data = data.removeprefix(b"\xef\xbb\xbf")
        # A final carriage return may be the first half of a line end.
        whole, cut = (data[:-1], data[-1:]) if data.endswith(b"\r") else (data, b"")
        *lines, last = _LINE_END.split(whole)
        return [*lines, last + cut]

    def _read_field(self, line: str) -> None:
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

    def _reset(self) -> None:
        self._data: list[str] = []
        self._kind = ""
        self._id = self.last_id
