"""Fields of draft-ietf-httpbis-resumable-upload, interop version 8 (drafts -09, -10 and -11).

Structured fields (RFC 9651) are parsed strictly. A field of another type is ignored, as sections
4.1.1 to 4.1.3 of -10 require.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import http_sf

from gateway.protocols.common.response import upload_limit
from shared.errors import InconsistentLength

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDict, CIMultiDictProxy

    from gateway.settings import GatewaySettings
    from gateway.uploads.upload import Upload

    Headers = CIMultiDict[str] | CIMultiDictProxy[str]

VERSION = 8
"""The interop version of this implementation."""
VERSION_FIELD = "Upload-Draft-Interop-Version"
MEDIA_TYPE = "application/partial-upload"
"""The media type of an append."""


@dataclass(frozen=True, slots=True)
class UploadFields:
    """The fields of a request; None for a field that it does not have."""

    complete: bool | None
    """Whether the content completes the upload."""
    offset: int | None
    """Where the content belongs, in bytes."""
    length: int | None
    """Bytes of the whole file."""

    @classmethod
    def of(cls, headers: Headers) -> UploadFields:
        """Read the fields."""
        complete = _item(headers, "Upload-Complete")
        return cls(
            complete if isinstance(complete, bool) else None,
            _count(headers, "Upload-Offset"),
            _count(headers, "Upload-Length"),
        )

    def total_length(self, offset: int, content_length: int | None) -> int | None:
        """Return the declared length of the whole file, by either indicator (4.1.3 of -10).

        None if the request declares none. Raises InconsistentLength if it contradicts itself.
        """
        end = None if content_length is None else offset + content_length
        implied = end if self.complete else None
        if None not in (self.length, implied) and self.length != implied:
            raise InconsistentLength(
                f"Upload-Length is {self.length}, but the content ends the upload at {implied}"
            )
        total = self.length if implied is None else implied
        if total is not None and end is not None and end > total:
            raise InconsistentLength(
                f"Upload-Length is {total}, but the content reaches up to {end}"
            )
        return total


def has_version(request: web.Request) -> bool:
    """Whether the request has the interop version of this implementation."""
    return _count(request.headers, VERSION_FIELD) == VERSION


def upload_state(upload: Upload, settings: GatewaySettings) -> dict[str, str]:
    """Return the fields that describe the state of an upload."""
    fields = {
        "Upload-Complete": http_sf.ser(is_complete(upload)),
        "Upload-Offset": str(upload.blob.prefix),
    }
    if upload.job is None:
        fields["Upload-Limit"] = upload_limit(settings)
    return fields


def is_complete(upload: Upload) -> bool:
    """Whether an upload is complete in the sense of the draft: its client has marked it so.

    An upload of another protocol is complete with its last byte.
    """
    return upload.job is not None or (upload.is_part and upload.blob.complete)


def _count(headers: Headers, name: str) -> int | None:
    value = _item(headers, name)
    return value if type(value) is int and value >= 0 else None


def _item(headers: Headers, name: str) -> object:
    """Return the value of an Item; None if there is none, or it is malformed."""
    if name not in headers:
        return None
    try:
        item = http_sf.parse(",".join(headers.getall(name)).encode(), tltype="item")
    except ValueError:
        return None
    return item[0] if isinstance(item, tuple) else None
