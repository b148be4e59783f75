"""The client of the storage service, whose API `shared.blobs.protocol` describes."""

from __future__ import annotations

import json
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from shared.blobs import protocol, responses
from shared.blobs.boot import boot_id
from shared.blobs.content import FOLLOW_WAIT, Content, Growth
from shared.blobs.epochs import under_epoch
from shared.blobs.growing_file import content_of, opened_file, parts_of
from shared.blobs.http_writing import HttpBlobWriting, checked_offset
from shared.blobs.layout import complete_data
from shared.blobs.linking import link_path
from shared.blobs.remote import RemoteBlob
from shared.errors import (
    BlobNotFound,
    ChunkOutOfBounds,
    CsvmillError,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import (
        AsyncIterator,
    )
    from pathlib import Path

    import aiohttp

    from shared.blobs.blob import (
        BlobActivity,
        BlobInfo,
        BlobKey,
    )


class HttpBlobs(HttpBlobWriting):
    """Implements `shared.ports.Blobs` by the storage service; see `StorageConnection`.

    With `local_root`, `local_path` finds files there, and `follow` reads them.
    """

    async def hold(self, key: BlobKey, epoch: int) -> None:
        """See `AdoptsUploads`: storage checks it with each request that is made `under_epoch`."""
        with under_epoch(epoch), suppress(BlobNotFound):
            await self.peek(key)

    async def adopt(self, key: BlobKey, epoch: int) -> BlobInfo:
        """See `AdoptsUploads`."""
        path = protocol.adoption_path(key, epoch)
        return await responses.info_of(await self._send("PUT", path, long=True))

    async def abandon(self, key: BlobKey, epoch: int, *, deleted: bool = False) -> None:
        """See `AdoptsUploads`."""
        path = protocol.adoption_path(key, epoch) + ("?deleted=1" if deleted else "")
        (await self._send("DELETE", path, long=True)).release()

    async def info(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await responses.info_of(await self._send("GET", protocol.info_path(key)))

    async def peek(self, key: BlobKey) -> BlobInfo:
        """See the port."""
        return await responses.info_of(await self._send("GET", protocol.peek_path(key)))

    @asynccontextmanager
    async def open(
        self, key: BlobKey, start: int = 0, stop: int | None = None
    ) -> AsyncIterator[Content]:
        """See the port."""
        if start < 0 or (stop is not None and stop < start):
            raise ChunkOutOfBounds(f"{start}..{stop} is not an interval of blob {key}")
        response = await self._send("GET", protocol.interval_path(key, start, stop))
        async with response:
            size = response.content_length
            if size is None or (stop is not None and size != stop - start):
                expected = "a blob" if stop is None else str(stop - start)
                raise StorageUnavailable(f"storage offers {size} bytes of {expected}")
            if response.headers.get(protocol.START_FIELD) != str(start):
                raise StorageUnavailable("this version of storage does not serve intervals")
            async with aclosing(responses.pieces_of(response, size)) as pieces:
                yield Content(pieces, start, start + size)

    @asynccontextmanager
    async def follow(
        self,
        key: BlobKey,
        start: int = 0,
        *,
        version: str | None = None,
        wait: float = FOLLOW_WAIT,
    ) -> AsyncIterator[Growth]:
        """See the port. `wait` has to be shorter than `answer_timeout`."""
        request = partial(protocol.growth_path, key, checked_offset(key, start), version, wait)
        if self._local_root is not None and (boot := boot_id()) is not None:
            async with self._growth(request(boot)) as (response, found):
                inode = response.headers.get(protocol.INODE_FIELD)
                if inode is None:
                    async with aclosing(responses.pieces_of(response)) as pieces:
                        yield Growth(pieces, start, found)
                    return
                with opened_file(self._local_root, key, int(inode)) as file:
                    if file is not None:
                        async with (
                            aclosing(parts_of(file, start, responses.lines(response))) as parts,
                            aclosing(content_of(parts)) as pieces,
                        ):
                            yield Growth(pieces, start, found, parts, int(inode))
                        return
        async with (
            self._growth(request()) as (response, found),
            aclosing(responses.pieces_of(response)) as pieces,
        ):
            yield Growth(pieces, start, found)

    @asynccontextmanager
    async def _growth(self, path: str) -> AsyncIterator[tuple[aiohttp.ClientResponse, str]]:
        """Request a blob that grows; yield the response and the version of the blob."""
        async with await self._send("GET", path) as response:
            found = response.headers.get(protocol.VERSION_FIELD)
            if found is None:
                raise StorageUnavailable("this version of storage serves no blob that grows")
            yield response, found

    async def link(
        self, key: BlobKey, seconds: int, *, content_type: str, disposition: str
    ) -> str | None:
        """See `LinksBlobs`."""
        path = link_path(key, seconds, content_type=content_type, disposition=disposition)
        content = await responses.content_of(await self._send("GET", path))
        with responses.decoding(content):
            url = json.loads(content)["url"]
            return None if url is None else str(url)

    async def delete(self, key: BlobKey) -> None:
        """See the port."""
        await responses.content_of(await self._send("DELETE", protocol.blob_path(key)))

    async def expire(self, key: BlobKey, *, idle_for: float, used: float | None = None) -> bool:
        """See the port. May return False for a removal whose response was lost."""
        path = protocol.expire_path(key, idle_for, used)
        content = await responses.content_of(await self._send("DELETE", path))
        with responses.decoding(content):
            return bool(json.loads(content)["removed"])

    @asynccontextmanager
    async def walk(self, kind: str) -> AsyncIterator[AsyncIterator[BlobActivity]]:
        """See the port."""
        response = await self._send("GET", protocol.walk_path(kind))
        async with response, aclosing(responses.activities_of(response)) as found:
            yield found

    def remote(self, key: BlobKey) -> RemoteBlob | None:
        """See `shared.blobs.remote.RemotelyReadable`."""
        if self._tls is not None:
            return None
        fields = {"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"}
        return RemoteBlob((self._base_url + protocol.blob_path(key),), fields)

    def local_path(self, key: BlobKey) -> Path | None:
        """See the port. None unless `local_root` was given."""
        return None if self._local_root is None else complete_data(self._local_root, key)

    async def ping(self) -> None:
        """See the port. Raises StorageUnavailable if storage refuses the token."""
        try:
            await responses.content_of(await self._send("GET", "/ping"))
        except StorageUnavailable:
            raise
        except CsvmillError as error:
            raise StorageUnavailable(str(error)) from error

    async def check_room(self) -> None:
        """See the port. Storage of an older version is taken to have room."""
        await responses.content_of(await self._send("GET", protocol.ROOM_PATH))
