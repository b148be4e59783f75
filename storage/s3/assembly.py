"""Concatenate blobs in object storage, through this server: not every store copies parts."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.errors import BlobIncomplete, InvalidInput, StorageUnavailable
from shared.runtime.files import write_all
from storage.filesystem.meta import check_declaration, new_meta, version_of
from storage.s3.client import UploadGone
from storage.s3.copy import CopyLost, check_size, put_small
from storage.s3.documents import About
from storage.s3.parts import PartSizes
from storage.s3.section import Section

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.blobs.listener import BlobListener
    from storage.filesystem.blobs import FilesystemBlobs
    from storage.s3.bucket import Bucket
    from storage.s3.copies import Copies
    from storage.s3.names import Names
    from storage.s3.places import Places
    from storage.s3.reading import Reading
    from storage.s3.remote import RemoteBlobs


class Assembly:
    """Makes blobs of those of `local` and `remote`, which is in `bucket`.

    `scratch` is a folder for temporary files. Reports to `listener`. `clock` returns Unix seconds.
    """

    def __init__(
        self,
        local: FilesystemBlobs,
        remote: RemoteBlobs,
        copies: Copies,
        places: Places,
        reading: Reading,
        bucket: Bucket,
        names: Names,
        scratch: Path,
        listener: BlobListener,
        *,
        part_size: int,
        clock: Callable[[], float],
    ) -> None:
        self._local = local
        self._remote = remote
        self._copies = copies
        self._places = places
        self._reading = reading
        self._bucket = bucket
        self._names = names
        self._scratch = scratch
        self._listener = listener
        self._part_size = part_size
        self._clock = clock

    async def assemble(
        self, key: BlobKey, parts: Sequence[BlobKey], *, metadata: Mapping[str, str] | None = None
    ) -> BlobInfo:
        """See `Blobs.assemble`. Raises StorageUnavailable."""
        if not parts or key in parts:
            raise InvalidInput("a blob is assembled from one or more other blobs", field="parts")
        complete = [await self._complete_part(part) for part in parts]
        if await self._local.exists(key):
            return await self._reading.info(key)
        about = await self._remote.find(key)
        if about is None:
            about = await self._assemble(key, complete, dict(metadata or {}))
            self._listener.blob_changed(key, "begun")
            await self._places.use(key)
        return about.info()

    async def _complete_part(self, key: BlobKey) -> About:
        if await self._local.exists(key):
            if not (await self._local.info(key)).complete:
                raise BlobIncomplete(f"blob {key} is not complete")
            return await self._copies.store(key)
        return await self._places.found(key)

    async def _assemble(
        self, key: BlobKey, parts: Sequence[About], metadata: dict[str, str]
    ) -> About:
        """Make a complete blob of the bytes of others; return it, or the one that exists by then.

        One part at a time is in a nameless file. Raises InvalidInput, StorageUnavailable.
        """
        size = sum(part.size for part in parts)
        check_declaration(size, None, metadata)
        meta = new_meta(key, size, None, metadata)
        data = await self._joined(key, parts, size)
        about = About(key, size, None, metadata, version_of(meta), self._clock(), data)
        async with self._copies.lock(key):
            existing = await self._remote.find(key)
            if existing is None:
                await put_small(self._bucket, self._names.about(key), about.encode())
                self._remote.add(about)
                return about
        if data is not None:
            await self._bucket.delete(data)
        return existing

    async def _joined(self, key: BlobKey, parts: Sequence[About], size: int) -> str | None:
        """Make an object of the bytes of `parts`; return its name, None if there are none."""
        if not size:
            return None
        name = self._names.new_data(key)
        sizes = PartSizes.of(size, self._part_size)
        upload_id = None if size <= sizes.first else await self._bucket.begin(name)
        tags: dict[int, str] = {}
        try:
            async with aclosing(_bytes_of(parts, self._remote)) as pieces:
                rest = b""
                for part in sizes.parts(size, whole=True):
                    with tempfile.TemporaryFile(dir=self._scratch) as file:
                        digest, at = hashlib.md5(usedforsecurity=False), 0
                        while at < part.size:
                            piece = rest or await anext(pieces)
                            piece, rest = piece[: part.size - at], piece[part.size - at :]
                            digest.update(piece)
                            await asyncio.to_thread(write_all, file.fileno(), piece, offset=at)
                            at += len(piece)
                        body = Section(file.fileno(), 0, part.size)
                        if upload_id is None:
                            await self._bucket.put(name, body, digest.digest())
                        else:
                            tags[part.number] = await self._bucket.put_part(
                                name, upload_id, part.number, body, digest.digest()
                            )
            if upload_id is not None:
                await self._bucket.complete(name, upload_id, tags)
            await check_size(self._bucket, name, size)
        except (UploadGone, CopyLost) as error:
            raise StorageUnavailable("object storage has lost the parts of a blob") from error
        except BaseException:
            if upload_id is not None:
                await self._bucket.abort(name, upload_id)
            raise
        return name


async def _bytes_of(parts: Sequence[About], remote: RemoteBlobs) -> AsyncGenerator[bytes, None]:
    for part in parts:
        async with aclosing(remote.pieces(part, 0, part.size)) as pieces:
            async for piece in pieces:
                yield piece
