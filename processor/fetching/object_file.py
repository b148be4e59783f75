"""A file in object storage that speaks S3, by obstore."""

from __future__ import annotations

import importlib.util
import logging
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from processor.fetching.remote import Answer, Entity, RemoteChanged, RemoteFailed, RemoteRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

    from shared.http.elsewhere import Place
    from shared.http.object_storage import ObjectStorageSettings

log = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bytes of a piece, but for the last."""
STALL = timedelta(seconds=60)
"""After how long without a byte a connection counts as lost."""
_NO_LIMIT = timedelta(days=30)
"""A whole file may take this long; obstore knows no other way to have no limit."""
_NO_RANGES = "non-partial response"
"""What obstore says of a server that answers a range without 206."""


class ObjectFile:
    """See `processor.fetching.remote.Remote`."""

    def __init__(self, place: Place, settings: ObjectStorageSettings) -> None:
        self._place = place
        self._settings = settings

    @asynccontextmanager
    async def open(self, offset: int, known: Entity | None) -> AsyncIterator[Answer]:
        """See `Remote`."""
        store = open_bucket(self._place.bucket, self._settings)
        options: GetOptions = {}
        if known is not None and known.tag is not None:
            options["if_match"] = known.tag
            if offset:
                if offset == known.size:  # no range begins at the end
                    yield Answer(offset, known, _nothing())
                    return
                options["range"] = {"offset": offset}
        result = await self._get(store, options)
        begun = offset if "range" in options else 0
        meta = result.meta
        modified = None if meta["e_tag"] else meta["last_modified"].isoformat()
        entity = Entity(meta["e_tag"], modified, meta["size"])
        if result.range[0] != begun or (known is not None and entity.differs(known)):
            raise changed(self._place)
        yield Answer(begun, entity, self._pieces(result.stream(min_chunk_size=PIECE)))

    async def _get(self, store: S3Store, options: GetOptions) -> GetResult:
        """Ask for the object; for all of it if the server knows no ranges. Changes `options`."""
        try:
            return await store.get_async(self._place.key, options=options)
        except Exception as error:
            if "range" in options and _NO_RANGES in str(error):
                del options["range"]
                return await self._get(store, options)
            raise fault(error, self._place) from error

    async def _pieces(self, stream: Any) -> AsyncIterator[bytes]:
        try:
            async for piece in stream:
                yield bytes(piece)
        except Exception as error:
            raise fault(error, self._place) from error


def open_bucket(bucket: str, settings: ObjectStorageSettings) -> S3Store:
    """Return a bucket. Raises RemoteRefused if obstore is not installed."""
    check_installed()
    from obstore.store import S3Store

    client: ClientConfig = {
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": STALL,
        "timeout": _NO_LIMIT,
        "user_agent": "csvmill",
    }
    config: S3Config = {"region": settings.s3_region}
    if settings.s3_endpoint is not None:
        config["endpoint"] = settings.s3_endpoint
        config["virtual_hosted_style_request"] = False
        client["allow_http"] = settings.s3_endpoint.startswith("http://")
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    if key is None or secret is None:
        config["skip_signature"] = True
    else:
        config["access_key_id"] = key.get_secret_value()
        config["secret_access_key"] = secret.get_secret_value()
    # Lost connections are this service's to count and to wait for.
    retries: RetryConfig = {"max_retries": 1, "retry_timeout": timedelta(seconds=10)}
    return S3Store(bucket, config=config, client_options=client, retry_config=retries)


def check_installed() -> None:
    """Raise RemoteRefused if obstore is not installed."""
    if importlib.util.find_spec("obstore") is None:
        raise RemoteRefused(
            "this service cannot use object storage, because obstore is not installed: install "
            "csvmill[s3]"
        )


def changed(place: Place) -> RemoteChanged:
    """Return that a file is another one than before."""
    return RemoteChanged(f"{place} has changed since its first bytes came")


def fault(error: Exception, place: Place) -> RemoteRefused | RemoteFailed:
    """Return what an error of obstore means."""
    from obstore import exceptions

    if isinstance(error, exceptions.PreconditionError):
        return changed(place)
    if isinstance(error, FileNotFoundError):
        return RemoteRefused(f"{place} does not exist")
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return RemoteRefused(f"object storage does not let this service use {place}")
    if isinstance(error, exceptions.InvalidPathError | exceptions.NotSupportedError):
        return RemoteRefused(f"object storage refuses {place}")
    # What it says may name what only operators are to know.
    log.warning("object storage failed for %s: %s", place, str(error).partition("\n")[0])
    return RemoteFailed(f"object storage failed for {place}")


async def _nothing() -> AsyncIterator[bytes]:
    for piece in tuple[bytes, ...]():
        yield piece
