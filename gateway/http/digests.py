"""Digests that a client announces with its bytes, and that are checked as the bytes pass."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import zlib
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import http_sf

from shared.errors import ChunkDigestMismatch, InvalidInput
from shared.http.trailers import declares_trailer, request_trailers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from aiohttp import web
    from multidict import CIMultiDict, CIMultiDictProxy

    Headers = CIMultiDict[str] | CIMultiDictProxy[str]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc32:
    """CRC-32 (ISO 3309) in the shape of hashlib's; its digest is 4 bytes, big-endian."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Of all that was taken."""
        return self._value.to_bytes(4, "big")


CONTENT_DIGEST: Mapping[str, Callable[[], _Hash]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}
"""The algorithms of RFC 9530 that are not deprecated."""
TUS_CHECKSUM: Mapping[str, Callable[[], _Hash]] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "crc32": Crc32,
}
"""The algorithms of the tus protocol's checksum extension that are taken."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A digest that bytes have to have."""

    algorithm: str
    digest: bytes
    new: Callable[[], _Hash]


def content_digests(headers: Headers) -> tuple[Expected, ...]:
    """What `Content-Digest` announces (RFC 9530, 2), in the algorithms that are known here.

    Raises InvalidInput if it is malformed, or names no algorithm that is known: what a client
    wants checked is checked, or refused.
    """
    return _digests(headers, "Content-Digest")


def file_digest(headers: Headers, *fields: str) -> str | None:
    """The SHA-256 of the whole file in hexadecimal, from those of `fields` that are there.

    Storage checks it before the file counts as whole. Raises InvalidInput as `content_digests`
    does, if a field announces another digest than SHA-256 only, and if two contradict each other.
    """
    found: str | None = None
    for name in fields:
        digests = {each.algorithm: each.digest.hex() for each in _digests(headers, name)}
        if not digests:
            continue
        if "sha-256" not in digests:
            raise InvalidInput(f"{name} of a whole file has to be sha-256", field=name)
        if found not in (None, digests["sha-256"]):
            raise InvalidInput(f"{' and '.join(fields)} contradict each other", field=name)
        found = digests["sha-256"]
    return found


def _digests(headers: Headers, field: str) -> tuple[Expected, ...]:
    text = ",".join(headers.getall(field, []))
    if not text.strip():
        return ()
    try:
        members = http_sf.parse(text.encode(), tltype="dictionary")
    except ValueError as error:
        raise InvalidInput(
            f"{field} {text!r} is malformed: {error}; send sha-256=:<base64>: (RFC 9530)",
            field=field,
        ) from error
    found = []
    for algorithm, member in members.items() if isinstance(members, dict) else ():
        new = CONTENT_DIGEST.get(algorithm)
        if new is not None:
            digest = member[0] if isinstance(member, tuple) else None
            if not isinstance(digest, bytes):
                raise InvalidInput(
                    f"{field}: {algorithm} has no bytes; send {algorithm}=:<base64>:", field=field
                )
            found.append(_of_length(algorithm, digest, new, field=field))
    if not found:
        raise InvalidInput(
            f"{field} {text!r} has no algorithm that is known; send sha-256 or sha-512",
            field=field,
        )
    return tuple(found)


def tus_checksums(headers: Headers) -> tuple[Expected, ...]:
    """What `Upload-Checksum` announces (tus 1.0.0, checksum). Raises InvalidInput."""
    header = headers.get("Upload-Checksum")
    if header is None:
        return ()
    algorithm, _, encoded = header.strip().partition(" ")
    new = TUS_CHECKSUM.get(algorithm)
    if new is None:
        raise InvalidInput(
            f"Upload-Checksum {header!r} is of no known algorithm; send "
            + " or ".join(TUS_CHECKSUM),
            field="Upload-Checksum",
        )
    return (_expected(algorithm, encoded.strip(), new, field="Upload-Checksum"),)


@dataclass(frozen=True, slots=True)
class Announced:
    """Digests that come with the bytes: before them, or after them in a trailer."""

    expected: tuple[Expected, ...] = ()
    late: Callable[[], tuple[Expected, ...]] | None = None
    """Tells, once all bytes have come, what the trailer announces."""
    algorithms: Mapping[str, Callable[[], _Hash]] = field(default_factory=dict)
    """What the trailer may choose from."""

    def __bool__(self) -> bool:
        return bool(self.expected or self.late)


def announced(
    request: web.Request,
    name: str,
    read: Callable[[Headers], tuple[Expected, ...]],
    algorithms: Mapping[str, Callable[[], _Hash]],
) -> Announced:
    """The digests of a request's body in the field `name`, which `read` understands.

    Raises InvalidInput for a malformed header. A trailer that is announced and malformed, or does
    not come, raises it at the end of the bytes.
    """
    if not declares_trailer(request, name):
        return Announced(read(request.headers))

    def late() -> tuple[Expected, ...]:
        found = read(request_trailers(request))
        if not found:
            raise InvalidInput(f"the trailer {name} was announced and did not come", field=name)
        return found

    return Announced(read(request.headers), late, algorithms)


async def verified(
    data: AsyncGenerator[bytes, None], announced: Announced
) -> AsyncGenerator[bytes, None]:
    """`data` as it is, which is closed then; raises ChunkDigestMismatch at its end if need be.

    Hashing goes on in a thread while the piece is used.
    """
    hashes = {each.algorithm: each.new() for each in announced.expected}
    if announced.late:
        hashes |= {name: new() for name, new in announced.algorithms.items() if name not in hashes}

    def update(piece: bytes) -> None:
        for running in hashes.values():
            running.update(piece)

    hashing: asyncio.Future[None] | None = None
    try:
        async with aclosing(data):
            async for piece in data:
                if hashing is not None:
                    await hashing
                if hashes:
                    hashing = asyncio.get_running_loop().run_in_executor(None, update, piece)
                yield piece
    finally:
        if hashing is not None:
            await asyncio.wait([hashing])
    for each in (*announced.expected, *(announced.late() if announced.late else ())):
        if (actual := hashes[each.algorithm].digest()) != each.digest:
            raise ChunkDigestMismatch(
                f"the bytes that arrived have {each.algorithm} {_shown(actual)}, announced was "
                f"{_shown(each.digest)}; nothing of them was kept, send them again"
            )


def _expected(algorithm: str, encoded: str, new: Callable[[], _Hash], *, field: str) -> Expected:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise InvalidInput(f"{field}: {encoded!r} is not base64", field=field) from error
    return _of_length(algorithm, digest, new, field=field)


def _of_length(algorithm: str, digest: bytes, new: Callable[[], _Hash], *, field: str) -> Expected:
    length = len(new().digest())
    if len(digest) != length:
        raise InvalidInput(
            f"{field}: a digest of {algorithm} has {length} bytes, not {len(digest)}", field=field
        )
    return Expected(algorithm, digest, new)


def _shown(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
