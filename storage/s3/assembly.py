"""Concatenate blobs in object storage, through this server: not every store copies parts."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.errors import StorageUnavailable
from shared.runtime.files import write_all
from storage.filesystem.meta import check_declaration, new_meta, version_of
from storage.s3.bucket import UploadGone
from storage.s3.copy import CopyLost, check_size, put_small
from storage.s3.documents import About
from storage.s3.parts import PartSizes
from storage.s3.section import Section

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobKey
    from storage.s3.bucket import Bucket
    from storage.s3.names import Names
    from storage.s3.remote import RemoteBlobs


async def assemble(
    key: BlobKey,
    parts: Sequence[About],
    metadata: dict[str, str],
    remote: RemoteBlobs,
    bucket: Bucket,
    names: Names,
    scratch: Path,
    *,
    part_size: int,
    clock: Callable[[], float],
    lock: asyncio.Lock,
) -> About:
    """Make a complete blob of the bytes of others; return it, or the one that exists by then.

    One part at a time is in a nameless file in `scratch`. `lock` is that of the key. Raises
    InvalidInput, StorageUnavailable.
    """
    size = sum(part.size for part in parts)
    check_declaration(size, None, metadata)
    meta = new_meta(key, size, None, metadata)
    data = await _joined(key, parts, size, remote, bucket, names, scratch, part_size)
    about = About(key, size, None, metadata, version_of(meta), clock(), data)
    async with lock:
        existing = await remote.find(key)
        if existing is None:
            await put_small(bucket, names.about(key), about.encode())
            remote.add(about)
            return about
    if data is not None:
        await bucket.delete(data)
    return existing


async def _joined(
    key: BlobKey,
    parts: Sequence[About],
    size: int,
    remote: RemoteBlobs,
    bucket: Bucket,
    names: Names,
    scratch: Path,
    part_size: int,
) -> str | None:
    if not size:
        return None
    name = names.new_data(key)
    sizes = PartSizes.of(size, part_size)
    upload_id = None if size <= sizes.first else await bucket.begin(name)
    tags: dict[int, str] = {}
    try:
        async with aclosing(_bytes_of(parts, remote)) as pieces:
            rest = b""
            for part in sizes.parts(size, whole=True):
                with tempfile.TemporaryFile(dir=scratch) as file:
                    digest, at = hashlib.md5(usedforsecurity=False), 0
                    while at < part.size:
                        piece = rest or await anext(pieces)
                        piece, rest = piece[: part.size - at], piece[part.size - at :]
                        digest.update(piece)
                        await asyncio.to_thread(write_all, file.fileno(), piece, offset=at)
                        at += len(piece)
                    body = Section(file.fileno(), 0, part.size)
                    if upload_id is None:
                        await bucket.put(name, body, digest.digest())
                    else:
                        tags[part.number] = await bucket.put_part(
                            name, upload_id, part.number, body, digest.digest()
                        )
        if upload_id is not None:
            await bucket.complete(name, upload_id, tags)
        await check_size(bucket, name, size)
    except (UploadGone, CopyLost) as error:
        raise StorageUnavailable("object storage has lost the parts of a blob") from error
    except BaseException:
        if upload_id is not None:
            await bucket.abort(name, upload_id)
        raise
    return name


async def _bytes_of(parts: Sequence[About], remote: RemoteBlobs) -> AsyncGenerator[bytes, None]:
    for part in parts:
        async with aclosing(remote.pieces(part, 0, part.size)) as pieces:
            async for piece in pieces:
                yield piece
