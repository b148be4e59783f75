"""What storage servers that share one object storage can do beyond the port `Blobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from shared.blobs.blob import BlobActivity, BlobInfo, BlobKey


@runtime_checkable
class AdoptsUploads(Protocol):
    """Moves uploads in flight from a server that is lost to another one.

    An upload in flight is on the disk of one server. Its *epoch* is a number that grows each time
    it moves: a compare-and-set decides which server is next, and its epoch is given to the
    methods here. Adapters: `storage.s3.blobs`, and `shared.blobs.client` over HTTP. Every method
    raises StorageUnavailable when storage does not answer in time.
    """

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """Check that this server may serve requests for an upload under `epoch`, and remember it.

        Without an upload of this key here, it is remembered for the one that will be created.
        Raises BlobMoved if a higher epoch was seen here, or if the copy here is of a lower one: it
        has to be adopted.
        """
        ...

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """Take over an upload in flight from another server, with what is in object storage.

        Returns the blob as it is here now: `received` is from the start without a gap what the
        other server had put into object storage, and is durable here too. Takes as long as copying
        these bytes to this server. Idempotent for one epoch. A copy of a lower epoch that is here
        is discarded first. A blob that is complete is returned as it is.
        Raises BlobNotFound if object storage has nothing of the upload: the client has to create
        it again. Raises BlobMoved if a higher epoch was seen here, StorageFull.
        """
        ...

    async def abandon(self, key: BlobKey, epoch: int, *, deleted: bool = False) -> None:
        """Remove the copy here of an upload that has moved away under `epoch`, a higher one.

        Does nothing if there is no copy, or one of that epoch. Object storage is not changed,
        except if the upload was `deleted` under that epoch: then what it has of lower epochs is
        removed, which a server that was away may have put there again.
        """
        ...

    def walk_here(self, kind: str) -> AbstractAsyncContextManager[AsyncIterator[BlobActivity]]:
        """Iterate over the blobs of a kind of which this server has bytes on its own disk.

        As `Blobs.walk` otherwise, which each server answers with all that is in object storage too.
        """
        ...
