"""A bucket of a server that speaks S3, by aiobotocore."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import logging
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from shared.errors import ObjectStorageUnavailable, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping

    from shared.http.object_storage import ObjectStorageSettings
    from storage.s3.section import Section

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


@dataclass(frozen=True, slots=True)
class Listed:
    """An object in a list."""

    name: str
    size: int
    modified: float
    """Unix seconds, by the clock of object storage."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part of a multipart upload."""

    number: int
    size: int
    tag: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A multipart upload that was begun."""

    name: str
    upload_id: str
    begun: float
    """Unix seconds, by the clock of object storage."""


class Bucket:
    """Objects in the bucket `name`. An asynchronous context, which holds the connections.

    Every method raises StorageUnavailable if object storage does not answer, or refuses.
    """

    def __init__(self, name: str, settings: ObjectStorageSettings) -> None:
        """Raises StorageUnavailable if aiobotocore is not installed."""
        if importlib.util.find_spec("aiobotocore") is None:
            raise StorageUnavailable(
                "blobs cannot be kept in object storage, because aiobotocore is not installed: "
                "install csvmill[s3]"
            )
        self._name = name
        self._settings = settings
        self._stack = AsyncExitStack()
        self._client: Any

    async def __aenter__(self) -> Self:
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
                "addressing_style": "auto" if self._settings.s3_endpoint is None else "path",
            },
        )
        key, secret = self._settings.s3_access_key_id, self._settings.s3_secret_access_key
        self._client = await self._stack.enter_async_context(
            _session().create_client(
                "s3",
                region_name=self._settings.s3_region,
                endpoint_url=self._settings.s3_endpoint,
                verify=False if (self._settings.s3_endpoint or "").startswith("http:") else None,
                aws_access_key_id=None if key is None else key.get_secret_value(),
                aws_secret_access_key=None if secret is None else secret.get_secret_value(),
                config=config,
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def check(self, prefix: str) -> None:
        """Return if objects below `prefix` can be listed now."""
        await self._call("list_objects_v2", Prefix=prefix, MaxKeys=1)

    async def put(self, name: str, body: bytes | Section, md5: bytes) -> None:
        """Store an object whose bytes have this MD5, which the server compares."""
        await self._call("put_object", Key=name, Body=body, ContentMD5=_base64(md5))

    async def get(self, name: str) -> bytes:
        """Return a small object. Raises ObjectGone."""
        answer = await self._call("get_object", Key=name)
        with _faults():
            async with answer["Body"] as body:
                return bytes(await body.read())

    @asynccontextmanager
    async def read(self, name: str, start: int, stop: int) -> AsyncIterator[Any]:
        """The bytes `start..stop` of an object, as a body with `read(count)`. Raises ObjectGone."""
        answer = await self._call("get_object", Key=name, Range=f"bytes={start}-{stop - 1}")
        if answer["ContentLength"] != stop - start:
            answer["Body"].close()
            raise StorageUnavailable("object storage sends another range than was asked for")
        body = answer["Body"]
        try:
            yield body
        finally:
            body.close()
            await asyncio.sleep(0)  # the loop closes the connection in its next step

    async def take(self, body: Any, count: int) -> bytes:
        """Return up to `count` bytes of a body of `read`, and at least one."""
        with _faults():
            piece = bytes(await body.read(count))
        if not piece:
            raise StorageUnavailable("object storage sends fewer bytes than it has announced")
        return piece

    async def size(self, name: str) -> int:
        """Return the bytes of an object. Raises ObjectGone."""
        return int((await self._call("head_object", Key=name))["ContentLength"])

    async def modified(self, name: str) -> float:
        """Return when an object was written, in Unix seconds. Raises ObjectGone."""
        answer = await self._call("head_object", Key=name)
        return float(answer["LastModified"].timestamp())

    async def delete(self, name: str) -> None:
        """Remove an object, if there is one."""
        try:
            await self._call("delete_object", Key=name)
        except ObjectGone:
            log.debug("%s is not there", name)

    async def objects(self, prefix: str) -> AsyncGenerator[Listed, None]:
        """Yield the objects whose names begin with `prefix`."""
        more: dict[str, str] = {}
        while True:
            answer = await self._call("list_objects_v2", Prefix=prefix, **more)
            for each in answer.get("Contents", ()):
                yield Listed(each["Key"], each["Size"], each["LastModified"].timestamp())
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    async def begin(self, name: str) -> str:
        """Begin a multipart upload of an object; return its id."""
        return str((await self._call("create_multipart_upload", Key=name))["UploadId"])

    async def put_part(
        self, name: str, upload_id: str, number: int, body: bytes | Section, md5: bytes
    ) -> str:
        """Store a part whose bytes have this MD5; return its tag. Raises UploadGone."""
        answer = await self._call(
            "upload_part",
            Key=name,
            UploadId=upload_id,
            PartNumber=number,
            Body=body,
            ContentMD5=_base64(md5),
        )
        return str(answer["ETag"])

    async def parts(self, name: str, upload_id: str) -> list[StoredPart]:
        """Return the parts of a multipart upload, in order. Raises UploadGone."""
        found: list[StoredPart] = []
        more: dict[str, int] = {}
        while True:
            answer = await self._call("list_parts", Key=name, UploadId=upload_id, **more)
            found += [
                StoredPart(each["PartNumber"], each["Size"], each["ETag"])
                for each in answer.get("Parts", ())
            ]
            if not answer.get("IsTruncated"):
                return sorted(found, key=lambda part: part.number)
            more = {"PartNumberMarker": answer["NextPartNumberMarker"]}

    async def complete(self, name: str, upload_id: str, tags: Mapping[int, str]) -> None:
        """Make an object of the parts with these tags. Raises UploadGone."""
        await self._call(
            "complete_multipart_upload",
            Key=name,
            UploadId=upload_id,
            MultipartUpload={
                "Parts": [
                    {"PartNumber": number, "ETag": tag} for number, tag in sorted(tags.items())
                ]
            },
        )

    async def abort(self, name: str, upload_id: str) -> None:
        """Discard a multipart upload, if there is one."""
        try:
            await self._call("abort_multipart_upload", Key=name, UploadId=upload_id)
        except (ObjectGone, UploadGone):
            log.debug("the multipart upload of %s is not there", name)

    async def unfinished(self, prefix: str) -> AsyncGenerator[Unfinished, None]:
        """Yield the multipart uploads of objects whose names begin with `prefix`."""
        more: dict[str, str] = {}
        while True:
            try:
                answer = await self._call("list_multipart_uploads", Prefix=prefix, **more)
            except UploadGone:  # what rclone says if there are none
                return
            for each in answer.get("Uploads", ()):
                yield Unfinished(each["Key"], each["UploadId"], each["Initiated"].timestamp())
            if not answer.get("IsTruncated"):
                return
            more = {
                "KeyMarker": answer["NextKeyMarker"],
                "UploadIdMarker": answer["NextUploadIdMarker"],
            }

    async def link(self, name: str, seconds: int, **fields: str) -> str:
        """Return a URL by which everyone may read an object for some seconds.

        `fields` are those of GetObject that set fields of the answer.
        """
        with _faults():
            url = await self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._name, "Key": name, **fields},
                ExpiresIn=seconds,
            )
        return str(url)

    async def _call(self, operation: str, **fields: object) -> Any:
        with _faults():
            return await getattr(self._client, operation)(Bucket=self._name, **fields)


@cache
def _session() -> Any:
    """Return what all clients of this process share: it takes long to read."""
    from aiobotocore.session import get_session

    return get_session()


def _base64(md5: bytes) -> str:
    return base64.b64encode(md5).decode()


@contextmanager
def _faults() -> Iterator[None]:
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
