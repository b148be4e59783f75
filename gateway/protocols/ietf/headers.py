"""Fields of draft-ietf-httpbis-resumable-upload, interop version 8 (that of -09, -10 and -11).

Structured fields (RFC 9651) are parsed strictly. One that is not of its type counts as one that is
not there, as sections 4.1.1 to 4.1.3 of -10 have it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import http_sf

from shared.errors import InconsistentLength

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web
    from multidict import CIMultiDict, CIMultiDictProxy

    from gateway.settings import GatewaySettings
    from gateway.uploads.upload import Upload

    Headers = CIMultiDict[str] | CIMultiDictProxy[str]

VERSION = 8
"""The interop version that is spoken."""
VERSION_FIELD = "Upload-Draft-Interop-Version"
MEDIA_TYPE = "application/partial-upload"
"""Of what is appended."""
MAX_INTEGER = 999_999_999_999_999
"""The largest Integer of a structured field (RFC 9651, 3.3.1)."""


@dataclass(frozen=True, slots=True)
class UploadFields:
    """What a request says of an upload; None for what it does not say."""

    complete: bool | None
    """Whether the upload is complete once the content has been received."""
    offset: int | None
    """Where the content belongs, in bytes."""
    length: int | None
    """Bytes of the whole."""

    @classmethod
    def of(cls, headers: Headers) -> UploadFields:
        """Read them."""
        complete = _item(headers, "Upload-Complete")
        return cls(
            complete if isinstance(complete, bool) else None,
            _count(headers, "Upload-Offset"),
            _count(headers, "Upload-Length"),
        )

    def told_length(self, offset: int, content_length: int | None) -> int | None:
        """The length of the whole as the request tells it, by either indicator (4.1.3 of -10).

        Raises InconsistentLength if it contradicts itself.
        """
        end = None if content_length is None else offset + content_length
        implied = end if self.complete else None
        if None not in (self.length, implied) and self.length != implied:
            raise InconsistentLength(
                f"Upload-Length is {self.length}, but the content ends the upload at {implied}"
            )
        told = self.length if implied is None else implied
        if told is not None and end is not None and end > told:
            raise InconsistentLength(
                f"Upload-Length is {told}, but the content reaches up to {end}"
            )
        return told


def is_spoken(request: web.Request) -> bool:
    """Whether the request is of the version that is spoken here."""
    return _count(request.headers, VERSION_FIELD) == VERSION


def standing(upload: Upload, settings: GatewaySettings) -> dict[str, str]:
    """The fields that say how an upload stands."""
    fields = {
        "Upload-Complete": http_sf.ser(is_complete(upload)),
        "Upload-Offset": str(upload.blob.prefix),
    }
    if upload.job is None:
        fields["Upload-Limit"] = limits(settings)
    return fields


def is_complete(upload: Upload) -> bool:
    """Whether an upload is complete in the sense of the draft: its client has said that it is.

    One that was begun in another dialect is so with its last byte.
    """
    return upload.job is not None or (upload.is_part and upload.blob.complete)


def limits(settings: GatewaySettings) -> str:
    """`Upload-Limit`: what bounds an upload. The size of a single append is not bounded."""
    bounds: Mapping[str, int] = {
        "max-size": min(settings.max_upload_size, MAX_INTEGER),
        "max-age": min(int(settings.upload_ttl), MAX_INTEGER),
    }
    return http_sf.ser(dict(bounds))


def _count(headers: Headers, name: str) -> int | None:
    value = _item(headers, name)
    return value if type(value) is int and value >= 0 else None


def _item(headers: Headers, name: str) -> object:
    """The value of an Item; None if there is none, or it is malformed."""
    if name not in headers:
        return None
    try:
        item = http_sf.parse(",".join(headers.getall(name)).encode(), tltype="item")
    except ValueError:
        return None
    return item[0] if isinstance(item, tuple) else None
