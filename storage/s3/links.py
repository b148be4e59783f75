"""Presigned URLs, by which clients read the bytes of complete blobs from object storage."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

from storage.s3.client import faults, open_client

if TYPE_CHECKING:
    from shared.http.object_storage import ObjectStorageSettings


class Links:
    """Signs URLs of objects in the bucket `name`. An asynchronous context.

    A signature is for one host (the field Host is signed), so `endpoint` is the server as clients
    reach it: by default the one that this service uses.
    """

    def __init__(
        self, name: str, settings: ObjectStorageSettings, endpoint: str | None = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._endpoint = endpoint or settings.s3_endpoint
        self._stack = AsyncExitStack()
        self._client: Any

    async def __aenter__(self) -> Self:
        self._client = await self._stack.enter_async_context(
            open_client(self._settings, self._endpoint)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def sign(
        self, object_name: str, seconds: int, *, content_type: str, disposition: str
    ) -> str:
        """Return a URL by which everyone may read an object for some seconds.

        Answers to it have these fields Content-Type and Content-Disposition. Sends no request.
        Raises StorageUnavailable if there is no key to sign with.
        """
        with faults():
            url = await self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._name,
                    "Key": object_name,
                    "ResponseContentType": content_type,
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=seconds,
            )
        return str(url)
