"""A representation, its validators, and the conditions that a request may set (RFC 9110, 8.8, 13).

Pure, no I/O. It exists because ready-made ones, aiohttp's FileResponse among them, answer 206 to a
stale or weak If-Range, which corrupts resumed downloads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multidict import MultiMapping

IDENTITY = "identity"
"""The content coding that changes nothing (RFC 9110, 12.5.3)."""

_ETAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
_ETAG_LIST = re.compile(rf"(?:[ \t]*,)*[ \t]*{_ETAG}(?:[ \t]*,(?:[ \t]*{_ETAG})?)*[ \t]*")
_DATE_FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",  # IMF-fixdate, which we send
    "%A, %d-%b-%y %H:%M:%S GMT",  # RFC 850
    "%a %b %d %H:%M:%S %Y",  # asctime
)


@dataclass(frozen=True, slots=True)
class Representation:
    """What is known of the whole before a byte of it is read."""

    size: int | None
    """Bytes, before any content coding. None if nobody knows yet: the source then says which of
    the bytes that are asked for there are."""
    etag: str | None
    """Opaque tag without quotes: the same tag means the same bytes. None if there is none yet."""
    last_modified: float | None = None
    """Unix seconds. Nothing may change twice within a second, so that it is a strong validator
    (RFC 9110, 8.8.2.2)."""
    coding: str = IDENTITY
    """The content coding in which it is sent (RFC 9110, 8.4.1)."""

    def encoded(self, coding: str) -> Representation:
        """The same content in another content coding."""
        return replace(self, coding=coding)

    @property
    def entity_tag(self) -> str | None:
        """The value of ETag; None if there is none.

        Strong for the bytes as they are. What is encoded while it is sent has a tag of its own
        for each coding, and a weak one: another version of the encoder may make other bytes of
        the same content (RFC 9110, 8.8.1).
        """
        if self.etag is None:
            return None
        if self.coding == IDENTITY:
            return f'"{self.etag}"'
        return f'W/"{self.etag}-{self.coding}"'

    def validators(self) -> dict[str, str]:
        """The header fields that let a client ask again (RFC 9110, 8.8)."""
        fields = {}
        if self.entity_tag is not None:
            fields["ETag"] = self.entity_tag
        if self.last_modified is not None:
            fields["Last-Modified"] = formatdate(int(self.last_modified), usegmt=True)
        return fields


def failed_precondition(
    headers: MultiMapping[str], representation: Representation
) -> HTTPStatus | None:
    """304 or 412 if a condition says so, in the order of RFC 9110, 13.2.2; else None."""
    modified = representation.last_modified
    if (if_match := joined(headers, "If-Match")) is not None:
        if not _names(if_match, representation, weakly=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif modified is not None:
        unmodified_since = parse_http_date(headers.get("If-Unmodified-Since", ""))
        if unmodified_since is not None and int(modified) > unmodified_since:
            return HTTPStatus.PRECONDITION_FAILED
    if (if_none_match := joined(headers, "If-None-Match")) is not None:
        if _names(if_none_match, representation, weakly=True):
            return HTTPStatus.NOT_MODIFIED
    elif modified is not None:
        modified_since = parse_http_date(headers.get("If-Modified-Since", ""))
        if modified_since is not None and int(modified) <= modified_since:
            return HTTPStatus.NOT_MODIFIED
    return None


def if_range_holds(headers: MultiMapping[str], representation: Representation) -> bool:
    """Whether If-Range, if there is one, lets Range count (RFC 9110, 13.1.5)."""
    if_range = joined(headers, "If-Range")
    if if_range is None:
        return True
    if '"' in if_range:
        # Strong comparison: W/"x" never matches.
        text = if_range.strip()
        return not text.startswith("W/") and text == representation.entity_tag
    date = parse_http_date(if_range)
    modified = representation.last_modified
    return date is not None and modified is not None and date == int(modified)


def parse_http_date(text: str) -> int | None:
    """Unix seconds of an HTTP-date in any of its three forms (RFC 9110, 5.6.7), else None."""
    for form in _DATE_FORMATS:
        try:
            return int(datetime.strptime(text.strip(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def joined(headers: MultiMapping[str], name: str) -> str | None:
    """A field's lines as one list (RFC 9110, 5.3); None if there is none."""
    lines = headers.getall(name, [])
    return ", ".join(lines) if lines else None


def _names(field: str, representation: Representation, *, weakly: bool) -> bool:
    """Whether a list of entity-tags, or `*`, names the representation (RFC 9110, 8.8.3.2)."""
    if field.strip() == "*":
        return True
    ours = representation.entity_tag
    if ours is None or not _ETAG_LIST.fullmatch(field):
        return False
    tags = re.findall(_ETAG, field)
    if weakly:
        return ours.removeprefix("W/") in (tag.removeprefix("W/") for tag in tags)
    return not ours.startswith("W/") and ours in tags
