"""Places: which storage server receives a blob. Values and their port, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.blobs.blob import BlobKey, Declaration


@dataclass(frozen=True, slots=True)
class Place:
    """Where a blob is received. A blob that is complete has no place."""

    key: BlobKey
    server: str | None
    """The URL of the storage server; None if the blob was deleted while a server was away."""
    epoch: int
    """Grows with each change of the server."""
    settled: bool
    """Whether the server has the blob, or is the first; else it has to adopt it."""
    moved: bool
    """Whether it was moved from a server that was lost: bytes that were acknowledged may be
    missing."""
    declaration: Declaration
    """What was declared of the blob, so that it can be begun anew if no byte is left."""


class Places(Protocol):
    """The table of places. Adapter: `shared.jobs.places`.

    Every method raises DatabaseUnavailable when the database does not answer in time.
    """

    async def find(self, key: BlobKey) -> Place | None:
        """Return the place of a blob; None if it has none."""
        ...

    async def put(self, key: BlobKey, server: str, declaration: Declaration) -> Place:
        """Give a blob a place, unless it has one; return the place that it has then.

        A deleted blob gets another place, with a higher epoch, which is not settled.
        """
        ...

    async def move(self, place: Place, server: str) -> Place | None:
        """Move a blob to another server with a higher epoch; return the place that it has then.

        Changes nothing if the place was changed since. Returns None if it is gone.
        """
        ...

    async def settle(self, place: Place) -> None:
        """Record that the server of a place has the blob, unless the place was changed since."""
        ...

    async def declare_size(self, place: Place, size: int) -> None:
        """Record the size of a blob that was declared after its place, unless it was changed."""
        ...

    async def remove(self, key: BlobKey, epoch: int | None = None) -> Place | None:
        """Remove the place of a blob, with None whatever its epoch; return what was removed."""
        ...

    async def bury(self, key: BlobKey) -> None:
        """Record that a blob is deleted, which a server that was away has not heard of."""
        ...

    def all(self) -> AsyncGenerator[Place, None]:
        """Iterate over all places, the oldest first, in bounded memory."""
        ...

    async def forget(self, *, before: float) -> None:
        """Remove what is recorded of blobs that were deleted before a time, in Unix seconds."""
        ...
