"""Clients of a server that speaks S3, by aiobotocore, and what their errors mean."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from shared.errors import ObjectStorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.http.object_storage import ObjectStorageSettings

CONNECT_TIMEOUT = 5
ANSWER_TIMEOUT = 30
"""Seconds without a byte."""
CONNECTIONS = 64

log = logging.getLogger(__name__)

_GONE = {"NoSuchKey", "404", "NotFound"}
_NO_UPLOAD = {"NoSuchUpload"}


class ObjectGone(Exception):
    """There is no such object."""


class UploadGone(Exception):
    """There is no such multipart upload: it was completed or aborted, or its parts do not fit."""


@asynccontextmanager
async def open_client(settings: ObjectStorageSettings, endpoint: str | None) -> AsyncIterator[Any]:
    """Open a client of the server at `endpoint`, by default AWS, with the key of `settings`."""
    from aiobotocore.config import AioConfig

    config = AioConfig(
        signature_version="s3v4",
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=ANSWER_TIMEOUT,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 2},
        # Bodies are checked by Content-MD5, which every server knows.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={
            "payload_signing_enabled": False,
            "addressing_style": "auto" if endpoint is None else "path",
        },
    )
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    async with _session().create_client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=endpoint,
        verify=False if (endpoint or "").startswith("http:") else None,
        aws_access_key_id=None if key is None else key.get_secret_value(),
        aws_secret_access_key=None if secret is None else secret.get_secret_value(),
        config=config,
    ) as client:
        yield client


@cache
def _session() -> Any:
    """Return what all clients of this process share: it takes long to read."""
    from aiobotocore.session import get_session

    return get_session()


@contextmanager
def faults() -> Iterator[None]:
    """Raise what an error of aiobotocore means."""
    import aiohttp
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _NO_UPLOAD:
            raise UploadGone from error
        if code in _GONE:
            raise ObjectGone from error
        raise _unavailable(error) from error
    except (TimeoutError, BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> ObjectStorageUnavailable:
    # What it says may name what only operators are to know.
    log.warning("object storage failed: %s", error)
    return ObjectStorageUnavailable("object storage does not answer, or refuses")
