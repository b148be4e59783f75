"""The port to a file elsewhere: opened at an offset, as often as its connection is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager


class RemoteRefused(Exception):
    """The file cannot be had: a later try would end likewise. The text is shown to the client."""


class RemoteChanged(RemoteRefused):
    """The file is another one than the one whose bytes were received before."""


class RemoteFailed(Exception):
    """The file could not be had this time. The text is shown to the client."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, counts: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which the server asks to be tried again."""
        self.counts = counts
        """Whether this is a failure although bytes were received: they came too slowly."""


@dataclass(frozen=True, slots=True)
class Entity:
    """What tells one version of a file from another. None is unknown."""

    tag: str | None = None
    """Its entity tag (RFC 9110, 8.8.3), as the server writes it."""
    modified: str | None = None
    """Its last modification, as the server writes it."""
    size: int | None = None
    """Bytes."""

    def differs(self, other: Entity) -> bool:
        """Whether both are known to be of different files."""
        return any(
            mine is not None and theirs is not None and mine != theirs
            for mine, theirs in (
                (self.tag, other.tag),
                (self.modified, other.modified),
                (self.size, other.size),
            )
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of a file from `start` to its end."""

    start: int
    entity: Entity
    pieces: AsyncIterator[bytes]
    """Of bounded size. Iterating raises RemoteFailed if the connection is lost before the end."""


class Remote(Protocol):
    """One file elsewhere."""

    def open(self, offset: int, known: Entity | None) -> AbstractAsyncContextManager[Answer]:
        """Read from `offset` on, or from the start: the answer says which.

        `known` is the file whose first `offset` bytes were received before, None at first. Without
        a strong validator (RFC 9110, 8.8.1) the file is read from its start, to be compared.
        Entering raises RemoteRefused, RemoteChanged, RemoteFailed.
        """
        ...
