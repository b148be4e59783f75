"""A representation, its validators, and conditional requests (RFC 9110, 8.8 and 13). Pure, no I/O.

We do not use a library because those we tried, aiohttp's FileResponse among them, answer 206 to a
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
"""No content coding (RFC 9110, 12.5.3)."""

_ETAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
_ETAG_LIST = re.compile(rf"(?:[ \t]*,)*[ \t]*{_ETAG}(?:[ \t]*,(?:[ \t]*{_ETAG})?)*[ \t]*")
_DATE_FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",  # IMF-fixdate, the form that we send
    "%A, %d-%b-%y %H:%M:%S GMT",  # RFC 850
    "%a %b %d %H:%M:%S %Y",  # asctime
)


@dataclass(frozen=True, slots=True)
class Representation:
    """The size and the validators of a file, known before a byte of it is read."""

    size: int
    """Bytes, before any content coding."""
    etag: str
    """Opaque tag without quotes. Equal tags mean equal bytes."""
    last_modified: float | None = None
    """Unix seconds. A file must not change twice within a second, so that this is a strong
    validator (RFC 9110, 8.8.2.2)."""
    coding: str = IDENTITY
    """The content coding to send (RFC 9110, 8.4.1)."""

    def encoded(self, coding: str) -> Representation:
        """Return the same content in another content coding."""
        return replace(self, coding=coding)

    @property
    def entity_tag(self) -> str:
        """The value of ETag.

        Strong for the identity coding. Each other coding has its own weak tag, as another version
        of the encoder may produce other bytes from the same content (RFC 9110, 8.8.1).
        """
        if self.coding == IDENTITY:
            return f'"{self.etag}"'
        return f'W/"{self.etag}-{self.coding}"'

    def validators(self) -> dict[str, str]:
        """Return ETag and Last-Modified, for later conditional requests (RFC 9110, 8.8)."""
        fields = {"ETag": self.entity_tag}
        if self.last_modified is not None:
            fields["Last-Modified"] = formatdate(int(self.last_modified), usegmt=True)
        return fields


def failed_precondition(
    headers: MultiMapping[str], representation: Representation
) -> HTTPStatus | None:
    """Return 304 or 412 if a condition fails, else None (RFC 9110, order of 13.2.2)."""
    modified = representation.last_modified
    if (if_match := field_value(headers, "If-Match")) is not None:
        if not _matches(if_match, representation, weak=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif modified is not None:
        unmodified_since = parse_http_date(headers.get("If-Unmodified-Since", ""))
        if unmodified_since is not None and int(modified) > unmodified_since:
            return HTTPStatus.PRECONDITION_FAILED
    if (if_none_match := field_value(headers, "If-None-Match")) is not None:
        if _matches(if_none_match, representation, weak=True):
            return HTTPStatus.NOT_MODIFIED
    elif modified is not None:
        modified_since = parse_http_date(headers.get("If-Modified-Since", ""))
        if modified_since is not None and int(modified) <= modified_since:
            return HTTPStatus.NOT_MODIFIED
    return None


def if_range_holds(headers: MultiMapping[str], representation: Representation) -> bool:
    """Whether Range applies: there is no If-Range, or it matches (RFC 9110, 13.1.5)."""
    if_range = field_value(headers, "If-Range")
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
    """Parse an HTTP-date in any of its three forms to Unix seconds, else None (RFC 9110, 5.6.7)."""
    for form in _DATE_FORMATS:
        try:
            return int(datetime.strptime(text.strip(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def field_value(headers: MultiMapping[str], name: str) -> str | None:
    """Return the field lines of a name as one comma-separated value, or None (RFC 9110, 5.3)."""
    lines = headers.getall(name, [])
    return ", ".join(lines) if lines else None


def _matches(field: str, representation: Representation, *, weak: bool) -> bool:
    """Whether a list of entity-tags, or `*`, matches the representation (RFC 9110, 8.8.3.2)."""
    if field.strip() == "*":
        return True
    ours = representation.entity_tag
    if not _ETAG_LIST.fullmatch(field):
        return False
    tags = re.findall(_ETAG, field)
    if weak:
        return ours.removeprefix("W/") in (tag.removeprefix("W/") for tag in tags)
    return not ours.startswith("W/") and ours in tags
