"""All adapters of the Blobs port, opened in a folder, for tests."""

from __future__ import annotations

import atexit
import hashlib
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from shared.blobs.client import HttpBlobs
from shared.blobs.content import FilePart
from shared.blobs.servers.routed import RoutedBlobs
from shared.runtime.service import READ_BUFFER
from shared.telemetry.metrics import Metrics
from storage.app import build_app
from storage.backends import open_blobs
from storage.filesystem.blobs import FilesystemBlobs
from storage.s3.blobs import S3Blobs
from storage.settings import BackendSettings, StorageSettings
from tests.servers.object_storage import ObjectStorage

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from shared.blobs.blob import BlobKey
    from shared.ports import Blobs

    OpenBlobs = Callable[[Path], AbstractAsyncContextManager[Blobs]]

BUCKET = "tests"
TOKEN = "the token of the tests"


@asynccontextmanager
async def filesystem_blobs(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter of storage, without fsync, because no test simulates a power failure."""
    async with FilesystemBlobs(root, fsync=False) as blobs:
        yield blobs


@asynccontextmanager
async def http_blobs(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter of the client, with a storage service."""
    async with (
        filesystem_blobs(root) as kept,
        storage_server(root, kept) as url,
        HttpBlobs(url, TOKEN, local_root=root) as blobs,
    ):
        yield blobs


@asynccontextmanager
async def remote_blobs(root: Path) -> AsyncIterator[Blobs]:
    """Open the adapter of the client as on another machine, which does not see the folder."""
    async with (
        filesystem_blobs(root) as kept,
        storage_server(root, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        yield blobs


@asynccontextmanager
async def storage_server(
    root: Path, blobs: Blobs, *, port: int | None = None, **more: Any
) -> AsyncIterator[str]:
    """Run a storage service in this process that serves `blobs`; yield its URL."""
    settings = StorageSettings(data_dir=root, storage_token=SecretStr(TOKEN), **more)
    server = TestServer(build_app(settings, blobs), port=port)
    await server.start_server(read_bufsize=READ_BUFFER)
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


@cache
def object_storage() -> ObjectStorage:
    """Return a server of object storage, for all tests of this process."""
    server = ObjectStorage()
    server.bucket(BUCKET)  # the server does not see one at once that is made later
    server.__enter__()
    atexit.register(server.__exit__, None, None, None)
    return server


def s3_settings(root: Path, **more: Any) -> BackendSettings:
    """Return settings for blobs below a prefix of their own for the folder `root`."""
    server = object_storage()
    prefix = hashlib.sha256(str(root).encode()).hexdigest()[:20]
    return BackendSettings(
        blobs=f"s3://{BUCKET}/blobs/{prefix}",
        s3_endpoint=server.url,
        s3_access_key_id=SecretStr(server.access_key),
        s3_secret_access_key=SecretStr(server.secret_key),
        storage_fsync="never",
        disk_reserve=0,
        **more,
    )


@asynccontextmanager
async def s3_blobs(root: Path, *, shared: Path | None = None, **more: Any) -> AsyncIterator[Blobs]:
    """Open the adapter of object storage, on a real server.

    Those with the same `shared`, by default `root`, have the same object storage.
    """
    settings = s3_settings(shared or root, **more)
    async with open_blobs(settings, root, Metrics("storage")) as blobs:
        yield blobs


BACKENDS: dict[str, OpenBlobs] = {
    "filesystem": filesystem_blobs,
    "http": http_blobs,
    "s3": s3_blobs,
}


def has_files(blobs: Blobs) -> bool:
    """Whether the complete blobs of an adapter are files of this machine."""
    return not isinstance(blobs, S3Blobs | RoutedBlobs)


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    """Yield the pieces."""
    for piece in pieces:
        yield piece


async def read(blobs: Blobs, key: BlobKey, start: int = 0, stop: int | None = None) -> bytes:
    """Return the bytes `start..stop`."""
    async with blobs.open(key, start, stop) as pieces:
        return await joined(pieces)


async def joined(pieces: AsyncIterable[bytes | FilePart]) -> bytes:
    """Concatenate the pieces, and parts of files."""
    return b"".join([await content_of(piece) async for piece in pieces])


async def content_of(piece: bytes | FilePart) -> bytes:
    """Return the bytes of a piece."""
    return await piece.read() if isinstance(piece, FilePart) else piece
