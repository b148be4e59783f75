"""A bucket of a server that speaks S3, by aiobotocore."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from shared.errors import StorageUnavailable
from storage.s3.client import ObjectGone, UploadGone, faults, open_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    from shared.http.object_storage import ObjectStorageSettings
    from storage.s3.section import Section

log = logging.getLogger(__name__)


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
        self._client = await self._stack.enter_async_context(
            open_client(self._settings, self._settings.s3_endpoint)
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
        with faults():
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
        with faults():
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

    async def _call(self, operation: str, **fields: object) -> Any:
        with faults():
            return await getattr(self._client, operation)(Bucket=self._name, **fields)


def _base64(md5: bytes) -> str:
    return base64.b64encode(md5).decode()
