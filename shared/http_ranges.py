"""What a GET or HEAD selects of a representation: conditions and byte ranges of RFC 9110.

The one implementation of these rules; pure, no I/O. It exists because ready-made ones, aiohttp's
FileResponse among them, answer 206 to a stale or weak If-Range, which corrupts resumed downloads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.byte_ranges import ByteRange

if TYPE_CHECKING:
    from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

_ETAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\U0010ffff]*"'
_ETAG_LIST = re.compile(rf"(?:[ \t]*,)*[ \t]*{_ETAG}(?:[ \t]*,(?:[ \t]*{_ETAG})?)*[ \t]*")
_RANGES = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*)")
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_DATE_FORMATS = (
    "%a, %d %b %Y %H:%M:%S GMT",  # IMF-fixdate, which we send
    "%A, %d-%b-%y %H:%M:%S GMT",  # RFC 850
    "%a %b %d %H:%M:%S %Y",  # asctime
)


@dataclass(frozen=True, slots=True)
class Representation:
    """What is known of the whole before a byte of it is read."""

    size: int
    """Bytes."""
    etag: str
    """Opaque tag without quotes; strong: the same tag means the same bytes."""
    last_modified: float | None = None
    """Unix seconds. Nothing may change twice within a second, so that it is a strong validator
    (RFC 9110, 8.8.2.2)."""

    def validators(self) -> dict[str, str]:
        """The header fields that let a client ask again (RFC 9110, 8.8)."""
        fields = {"ETag": f'"{self.etag}"'}
        if self.last_modified is not None:
            fields["Last-Modified"] = formatdate(int(self.last_modified), usegmt=True)
        return fields


@dataclass(frozen=True, slots=True)
class Selection:
    """What to answer: the status, and which bytes.

    `ranges` holds the whole for 200, the parts to send for 206 (always one: several requested
    ranges are answered with the whole, as RFC 9110, 14.2 allows), and nothing for 304, 412, 416.
    """

    status: HTTPStatus
    size: int
    ranges: tuple[ByteRange, ...] = ()

    @property
    def content_range(self) -> str | None:
        """The value of Content-Range for 206 and 416 (RFC 9110, 14.4)."""
        if self.status is HTTPStatus.PARTIAL_CONTENT:
            (part,) = self.ranges
            return f"bytes {part.start}-{part.stop - 1}/{self.size}"
        if self.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return f"bytes */{self.size}"
        return None


def select(
    method: str,
    headers: CIMultiDict[str] | CIMultiDictProxy[str],
    representation: Representation,
) -> Selection:
    """Decide what a request for `representation` gets.

    Conditions are evaluated in the order of RFC 9110, 13.2.2. `method` is GET or HEAD; Range and
    If-Range count for GET only (14.2).
    """
    size = representation.size
    if status := _failed_precondition(headers, representation):
        return Selection(status, size)
    whole = Selection(HTTPStatus.OK, size, (ByteRange(0, size),))
    if method != "GET" or not _range_applies(headers, representation):
        return whole
    requested = _byte_ranges(_joined(headers, "Range") or "")
    if requested is None:
        return whole
    satisfiable = tuple(part for spec in requested if (part := _satisfy(spec, size)) is not None)
    if not satisfiable:
        return Selection(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, size)
    # Of an empty representation a suffix is satisfiable, but Content-Range cannot express it.
    if len(requested) > 1 or len(satisfiable[0]) == 0:
        return whole
    return Selection(HTTPStatus.PARTIAL_CONTENT, size, satisfiable)


def parse_http_date(text: str) -> int | None:
    """Unix seconds of an HTTP-date in any of its three forms (RFC 9110, 5.6.7), else None."""
    for form in _DATE_FORMATS:
        try:
            return int(datetime.strptime(text.strip(), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def _failed_precondition(
    headers: MultiMapping[str], representation: Representation
) -> HTTPStatus | None:
    modified = representation.last_modified
    if (if_match := _joined(headers, "If-Match")) is not None:
        if not _names(if_match, representation.etag, weakly=False):
            return HTTPStatus.PRECONDITION_FAILED
    elif modified is not None:
        unmodified_since = parse_http_date(headers.get("If-Unmodified-Since", ""))
        if unmodified_since is not None and int(modified) > unmodified_since:
            return HTTPStatus.PRECONDITION_FAILED
    if (if_none_match := _joined(headers, "If-None-Match")) is not None:
        if _names(if_none_match, representation.etag, weakly=True):
            return HTTPStatus.NOT_MODIFIED
    elif modified is not None:
        modified_since = parse_http_date(headers.get("If-Modified-Since", ""))
        if modified_since is not None and int(modified) <= modified_since:
            return HTTPStatus.NOT_MODIFIED
    return None


def _range_applies(headers: MultiMapping[str], representation: Representation) -> bool:
    """Whether there is a Range, and If-Range does not forbid it (RFC 9110, 13.1.5)."""
    if "Range" not in headers:
        return False
    if_range = _joined(headers, "If-Range")
    if if_range is None:
        return True
    if '"' in if_range:
        # Strong comparison: W/"x" never matches.
        return if_range.strip() == f'"{representation.etag}"'
    date = parse_http_date(if_range)
    modified = representation.last_modified
    return date is not None and modified is not None and date == int(modified)


def _names(field: str, etag: str, *, weakly: bool) -> bool:
    """Whether a list of entity-tags, or `*`, names our strong one (RFC 9110, 8.8.3.2)."""
    if field.strip() == "*":
        return True
    if not _ETAG_LIST.fullmatch(field):
        return False
    tags = re.findall(_ETAG, field)
    return f'"{etag}"' in tags or (weakly and f'W/"{etag}"' in tags)


def _byte_ranges(field: str) -> list[tuple[int | None, int | None]] | None:
    """Read Range: `(first, last)`, `(first, None)` to the end, `(None, n)` the last n bytes.

    None if it is of another unit or malformed, so that it has to be ignored (RFC 9110, 14.2).
    """
    match = _RANGES.fullmatch(field.strip())
    if not match or match[1].lower() != "bytes":
        return None
    specs: list[tuple[int | None, int | None]] = []
    for element in match[2].split(","):
        text = element.strip(" \t")
        if not text:
            continue  # recipients accept empty list elements (RFC 9110, 5.6.1.2)
        ends = _RANGE.fullmatch(text)
        if not ends:
            return None
        first, last = _position(ends[1]), _position(ends[2])
        if (first is None and last is None) or (
            first is not None and last is not None and last < first
        ):
            return None
        specs.append((first, last))
    return specs or None


def _position(digits: str) -> int | None:
    if not digits:
        return None
    # Python refuses to convert thousands of digits, and beyond 2**63 no file reaches.
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) < 20 else 1 << 63


def _satisfy(spec: tuple[int | None, int | None], size: int) -> ByteRange | None:
    """The bytes that a range means in a whole of `size`; None if not satisfiable (14.1.2)."""
    first, last = spec
    if first is None:
        return ByteRange(max(0, size - last), size) if last else None
    if first >= size:
        return None
    return ByteRange(first, size if last is None else min(last + 1, size))


def _joined(headers: MultiMapping[str], name: str) -> str | None:
    """A field's lines as one list (RFC 9110, 5.3)."""
    lines = headers.getall(name, [])
    return ", ".join(lines) if lines else None
