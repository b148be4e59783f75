"""Reads Server-Sent Events as WHATWG HTML 9.2.6 says, for tests of the bytes sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp


@dataclass
class Event:
    """A block of the stream: fields with their values. A comment has an empty name."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.fields.get("event", "message")

    @property
    def id(self) -> str:
        return self.fields["id"]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.fields["data"])
        return found


class EventReader:
    """The events of a response, one at a time."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content

    async def block(self) -> Event | None:
        """Read the next block, an event or a comment. Return None at the end of the stream."""
        event = Event()
        while line := await self._content.readline():
            text = line.decode().removesuffix("\n")
            if not text:
                return event
            name, _, value = text.partition(":")
            event.fields[name] = value.removeprefix(" ")
        assert not event.fields, f"the stream ended within {event}"
        return None

    async def next(self) -> Event:
        """Read the next event."""
        while event := await self.block():
            if "data" in event.fields:
                return event
        raise AssertionError("the stream has ended")

    async def rest(self) -> list[Event]:
        """Read all events until the end of the stream."""
        events = []
        while event := await self.block():
            if "data" in event.fields:
                events.append(event)
        return events
