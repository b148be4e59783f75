"""A capability of some adapters of `Blobs`: other machines can read their blobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey


@dataclass(frozen=True, slots=True)
class RemoteBlob:
    """A complete blob at URLs. `?start=` selects the bytes from a position to its end."""

    urls: tuple[str, ...]
    """At least one. Each has the same bytes, as far as it answers."""
    fields: dict[str, str] = field(repr=False)
    """The header fields of a request. They have the token of storage."""


@runtime_checkable
class RemotelyReadable(Protocol):
    """Blobs that any machine can read which reaches storage."""

    def remote(self, key: BlobKey) -> RemoteBlob | None:
        """Return where a blob is read; None if that needs a certificate of this service."""
        ...
