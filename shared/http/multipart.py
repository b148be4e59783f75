"""Several ranges in one answer: `multipart/byteranges` (RFC 9110, 14.6)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.http.ranges import content_range

if TYPE_CHECKING:
    from shared.blobs.byte_ranges import ByteRange


@dataclass(frozen=True, slots=True)
class Multipart:
    """What is sent before, between and after the bytes of the parts."""

    content_type: str
    """Of the whole message."""
    parts: tuple[tuple[bytes, ByteRange], ...]
    """Each part, with what precedes its bytes."""
    end: bytes

    @property
    def length(self) -> int:
        """Bytes of the whole content."""
        return sum(len(head) + len(part) for head, part in self.parts) + len(self.end)


def multipart(ranges: tuple[ByteRange, ...], size: int | None, content_type: str) -> Multipart:
    """Frame `ranges` of a representation of `size` bytes.

    The boundary is random, so that no file can be made to contain it.
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
    return Multipart(
        f"multipart/byteranges; boundary={boundary}",
        tuple(zip((head.encode() for head in heads), ranges, strict=True)),
        f"\r\n--{boundary}--\r\n".encode(),
    )
