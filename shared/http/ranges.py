"""What a GET or HEAD selects of a representation: conditions and byte ranges of RFC 9110.

The one implementation of these rules; pure, no I/O.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.blobs.byte_ranges import ByteRange, RangeSet
from shared.http.conditions import IDENTITY, failed_precondition, if_range_holds, joined

if TYPE_CHECKING:
    from multidict import MultiMapping

    from shared.http.conditions import Representation

MAX_RANGES = 64
"""Ranges that one request may ask for; a Range with more is ignored (RFC 9110, 14.2 and 17.15)."""

_RANGES = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*)")
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_NO_END = (1 << 63) - 1
"""Beyond the last byte of any file."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to answer: the status, and which bytes.

    `ranges` holds the whole for 200, the parts to send for 206 (none of them empty, no two of them
    overlapping or adjacent), and nothing for 304, 412, 416.
    """

    status: HTTPStatus
    size: int | None
    ranges: tuple[ByteRange, ...] = ()

    @property
    def content_range(self) -> str | None:
        """The value of Content-Range for 416 and a 206 of one part (RFC 9110, 14.4, 15.3.7)."""
        if self.status is HTTPStatus.PARTIAL_CONTENT and len(self.ranges) == 1:
            return content_range(self.ranges[0], self.size)
        if self.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return f"bytes */{self.size}"
        return None


def content_range(part: ByteRange, size: int | None) -> str:
    """The value of Content-Range for a part, which is not empty, of `size` bytes, if known."""
    return f"bytes {part.start}-{part.stop - 1}/{'*' if size is None else size}"


def select(method: str, headers: MultiMapping[str], representation: Representation) -> Selection:
    """Decide what a request for `representation` gets.

    Conditions are evaluated in the order of RFC 9110, 13.2.2. `method` is GET or HEAD; Range and
    If-Range count for GET only (14.2), and only for a representation that is not encoded while it
    is sent. Ranges that overlap or touch are sent as one, where the first of them was asked for
    (15.3.7.2).
    """
    size = representation.size
    if status := failed_precondition(headers, representation):
        return Selection(status, size)
    end = _NO_END if size is None else size
    whole = Selection(HTTPStatus.OK, size, (ByteRange(0, end),))
    if method != "GET" or representation.coding != IDENTITY:
        return whole
    requested = byte_ranges(joined(headers, "Range") or "")
    if requested is None or not if_range_holds(headers, representation):
        return whole
    satisfiable = [part for spec in requested if (part := _satisfy(spec, end)) is not None]
    if not satisfiable:
        return Selection(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, size)
    parts = _coalesced(satisfiable)
    # Of an empty representation a suffix is satisfiable, but Content-Range cannot express it.
    return Selection(HTTPStatus.PARTIAL_CONTENT, size, parts) if parts else whole


def byte_ranges(field: str) -> list[tuple[int | None, int | None]] | None:
    """Read Range: `(first, last)`, `(first, None)` to the end, `(None, n)` the last n bytes.

    None if it is of another unit, malformed or of more than `MAX_RANGES`, so that it is ignored
    (RFC 9110, 14.2).
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
    return specs if 0 < len(specs) <= MAX_RANGES else None


def _position(digits: str) -> int | None:
    if not digits:
        return None
    # Python refuses to convert thousands of digits, and beyond 2**63 no file reaches.
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) < 20 else _NO_END


def _satisfy(spec: tuple[int | None, int | None], size: int) -> ByteRange | None:
    """The bytes that a range means in a whole of `size`; None if not satisfiable (14.1.2)."""
    first, last = spec
    if first is None:
        return ByteRange(max(0, size - last), size) if last else None
    if first >= size:
        return None
    return ByteRange(first, size if last is None else min(last + 1, size))


def _coalesced(requested: list[ByteRange]) -> tuple[ByteRange, ...]:
    """The union, in the order in which its parts were first asked for: it may matter (14.2)."""
    union = RangeSet.of((part.start, part.stop) for part in requested)

    def asked_for(part: ByteRange) -> int:
        return next(i for i, one in enumerate(requested) if part.start <= one.start < part.stop)

    return tuple(sorted(union, key=asked_for))
