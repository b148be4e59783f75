"""A capability of some adapters of `Blobs`: clients can read blobs from object storage itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey


@runtime_checkable
class LinksBlobs(Protocol):
    """Blobs that may have presigned URLs.

    Adapters: `storage.s3.blobs`, `shared.blobs.client` over HTTP, and `shared.blobs.servers`.
    """

    async def link(
        self, key: BlobKey, seconds: int, *, content_type: str, disposition: str
    ) -> str | None:
        """Return a URL by which everyone may read a complete blob for some seconds.

        It answers GET, also with one range, with these fields Content-Type and
        Content-Disposition. None if the blob is not in object storage now: it is read by
        `Blobs.open` then. `seconds` are at most `shared.blobs.linking.LONGEST_LIFE`; the URL ends
        before if the key that signs does. Raises StorageUnavailable.
        """
        ...
