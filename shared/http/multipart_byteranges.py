"""Several ranges in one response: `multipart/byteranges` (RFC 9110, 14.6)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.http.ranges import content_range

if TYPE_CHECKING:
    from shared.blobs.byte_ranges import ByteRange


@dataclass(frozen=True, slots=True)
class MultipartByteranges:
    """The bytes sent before, between and after the parts."""

    content_type: str
    """Content-Type of the whole response."""
    parts: tuple[tuple[bytes, ByteRange], ...]
    """The bytes that precede each part, and the part."""
    end: bytes

    @property
    def length(self) -> int:
        """Content-Length of the whole response, in bytes."""
        return sum(len(head) + len(part) for head, part in self.parts) + len(self.end)


def frame_ranges(
    ranges: tuple[ByteRange, ...], size: int, content_type: str
) -> MultipartByteranges:
    """Frame `ranges` of a representation of `size` bytes.

    The boundary is random, so that no file can be crafted to contain it.
    """
    boundary = secrets.token_hex(16)
    heads = [
        f"--{boundary}\r\n"
        f"Content-Type: {content_type}\r\n"
        f"Content-Range: {content_range(part, size)}\r\n\r\n"
        for part in ranges
    ]
    # The line break before a boundary belongs to it, not to the part (RFC 2046, 5.1.1).
    heads[1:] = [f"\r\n{head}" for head in heads[1:]]
    return MultipartByteranges(
        f"multipart/byteranges; boundary={boundary}",
        tuple(zip((head.encode() for head in heads), ranges, strict=True)),
        f"\r\n--{boundary}--\r\n".encode(),
    )
