"""What an adapter of the Blobs port reports while it works, for metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey

    BlobEvent = Literal["begun", "removed", "expired"]


class BlobListener(Protocol):
    """Receives one call for each chunk, blob and read. Calls must not block."""

    def chunk_stored(self, key: BlobKey, size: int) -> None:
        """Called when a chunk of `size` bytes is durable."""
        ...

    def blob_changed(self, key: BlobKey, event: BlobEvent) -> None:
        """Called when a blob was created (`begun`), deleted (`removed`) or `expired`."""
        ...

    def bytes_read(self, key: BlobKey, size: int) -> None:
        """Called at the end of a read of which `size` bytes were consumed."""
        ...


class NullBlobListener:
    """Ignores every event."""

    def chunk_stored(self, key: BlobKey, size: int) -> None:
        """See `BlobListener`."""

    def blob_changed(self, key: BlobKey, event: BlobEvent) -> None:
        """See `BlobListener`."""

    def bytes_read(self, key: BlobKey, size: int) -> None:
        """See `BlobListener`."""
