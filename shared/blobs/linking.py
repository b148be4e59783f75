"""The request to storage for a presigned URL of a blob (`shared.ports.linking`)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shared.blobs.protocol import blob_path
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.blobs.blob import BlobKey


LONGEST_LIFE = 604_800
"""Seconds for which a presigned URL is valid at most (Signature Version 4)."""


def link_path(key: BlobKey, seconds: int, *, content_type: str, disposition: str) -> str:
    """The path that returns a URL of a blob; the parameters are those of `LinksBlobs.link`."""
    query = urlencode({"seconds": seconds, "type": content_type, "disposition": disposition})
    return f"{blob_path(key)}/link?{query}"


def parse_link(query: Mapping[str, str]) -> tuple[int, str, str]:
    """Read the seconds, the content type and the disposition of `link_path`.

    Raises InvalidInput unless the seconds are 1 to `LONGEST_LIFE`, and both texts are there.
    """
    text = query.get("seconds", "")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LONGEST_LIFE):
        raise InvalidInput(f"seconds {text!r} is not 1 to {LONGEST_LIFE}", field="seconds")
    for name in ("type", "disposition"):
        if not query.get(name):
            raise InvalidInput(f"{name} is missing", field=name)
    return int(text), query["type"], query["disposition"]
