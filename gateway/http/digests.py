"""Digests that a client declares for its bytes, verified while the bytes pass through."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import zlib
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol

import http_sf

from shared.blobs.socket_part import bytes_of
from shared.errors import ChunkDigestMismatch, InvalidInput
from shared.http.trailers import declares_trailer, request_trailers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from aiohttp import web
    from multidict import CIMultiDict, CIMultiDictProxy

    from shared.blobs.socket_part import Piece

    Headers = CIMultiDict[str] | CIMultiDictProxy[str]


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc32:
    """CRC-32 (ISO 3309) with the interface of hashlib. The digest is 4 bytes, big-endian."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the digest of all bytes added."""
        return self._value.to_bytes(4, "big")


CONTENT_DIGEST_ALGORITHMS: Mapping[str, Callable[[], _Hash]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
}
"""The algorithms of Content-Digest and Repr-Digest: those of RFC 9530 that are not deprecated."""
TUS_CHECKSUM_ALGORITHMS: Mapping[str, Callable[[], _Hash]] = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "crc32": Crc32,
}
"""The supported algorithms of the checksum extension of tus: what its clients use to find errors of
transfer."""


@dataclass(frozen=True, slots=True)
class DeclaredDigest:
    """A digest that the bytes must have."""

    algorithm: str
    digest: bytes
    new: Callable[[], _Hash]


def parse_content_digest(headers: Headers) -> tuple[DeclaredDigest, ...]:
    """Return the digests in Content-Digest (RFC 9530, 2) whose algorithms are supported.

    Raises InvalidInput if the field is malformed or has no supported algorithm: a digest that a
    client sends is verified or refused, never ignored.
    """
    return _parse_digests(headers, "Content-Digest")


def file_digest(headers: Headers, *fields: str) -> str | None:
    """Return the SHA-256 of the whole file in hex, from those of `fields` that were sent, or None.

    Storage verifies it before the upload is complete. Raises InvalidInput as
    `parse_content_digest` does, if a field has no SHA-256, or if two fields differ.
    """
    found: str | None = None
    for name in fields:
        digests = {each.algorithm: each.digest.hex() for each in _parse_digests(headers, name)}
        if not digests:
            continue
        if "sha-256" not in digests:
            raise InvalidInput(f"{name} of a whole file must be sha-256", field=name)
        if found not in (None, digests["sha-256"]):
            raise InvalidInput(f"{' and '.join(fields)} have different digests", field=name)
        found = digests["sha-256"]
    return found


def _parse_digests(headers: Headers, field: str) -> tuple[DeclaredDigest, ...]:
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
        new = CONTENT_DIGEST_ALGORITHMS.get(algorithm)
        if new is not None:
            digest = member[0] if isinstance(member, tuple) else None
            if not isinstance(digest, bytes):
                raise InvalidInput(
                    f"{field}: {algorithm} is not a byte sequence; send {algorithm}=:<base64>:",
                    field=field,
                )
            found.append(_check_length(algorithm, digest, new, field=field))
    if not found:
        raise InvalidInput(
            f"{field} {text!r} has no supported algorithm; send sha-256 or sha-512",
            field=field,
        )
    return tuple(found)


def parse_upload_checksum(headers: Headers) -> tuple[DeclaredDigest, ...]:
    """Return the checksum in Upload-Checksum (tus 1.0.0, checksum extension), if there is one.

    Raises InvalidInput if it is malformed or its algorithm is not supported.
    """
    header = headers.get("Upload-Checksum")
    if header is None:
        return ()
    algorithm, _, encoded = header.strip().partition(" ")
    new = TUS_CHECKSUM_ALGORITHMS.get(algorithm)
    if new is None:
        raise InvalidInput(
            f"Upload-Checksum {header!r} has no supported algorithm; send "
            + " or ".join(TUS_CHECKSUM_ALGORITHMS),
            field="Upload-Checksum",
        )
    return (_decode(algorithm, encoded.strip(), new, field="Upload-Checksum"),)


@dataclass(frozen=True, slots=True)
class DeclaredDigests:
    """The digests of a request body, from its header and its trailer."""

    in_header: tuple[DeclaredDigest, ...] = ()
    in_trailer: Callable[[], tuple[DeclaredDigest, ...]] | None = None
    """Reads the digests of the trailer, once the body has been read; None without a trailer."""
    trailer_algorithms: Mapping[str, Callable[[], _Hash]] = field(default_factory=dict)
    """The algorithms that the trailer may use. All are computed."""

    def __bool__(self) -> bool:
        return bool(self.in_header or self.in_trailer)


def declared_digests(
    request: web.Request,
    name: str,
    parse: Callable[[Headers], tuple[DeclaredDigest, ...]],
    algorithms: Mapping[str, Callable[[], _Hash]],
) -> DeclaredDigests:
    """Return the digests of a request body in the field `name`, which `parse` parses.

    Raises InvalidInput if the header is malformed. If the request declares a trailer that is
    malformed or missing, `verify_digests` raises it at the end of the body.
    """
    if not declares_trailer(request, name):
        return DeclaredDigests(parse(request.headers))

    def in_trailer() -> tuple[DeclaredDigest, ...]:
        found = parse(request_trailers(request))
        if not found:
            raise InvalidInput(
                f"the request declares a trailer {name} and does not send it", field=name
            )
        return found

    return DeclaredDigests(parse(request.headers), in_trailer, algorithms)


async def verify_digests(
    data: AsyncGenerator[Piece, None], declared: DeclaredDigests
) -> AsyncGenerator[Piece, None]:
    """Yield the pieces of `data`, and raise ChunkDigestMismatch at the end if a digest differs.

    Closes `data`. Each piece is hashed in a thread while the consumer uses it.
    """
    hashes = {each.algorithm: each.new() for each in declared.in_header}
    if declared.in_trailer:
        hashes |= {
            name: new() for name, new in declared.trailer_algorithms.items() if name not in hashes
        }

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
                    content = bytes_of(piece)
                    hashing = asyncio.get_running_loop().run_in_executor(None, update, content)
                    yield content
                else:
                    yield piece
    finally:
        if hashing is not None:
            await asyncio.wait([hashing])
    in_trailer = declared.in_trailer() if declared.in_trailer else ()
    for each in (*declared.in_header, *in_trailer):
        if (actual := hashes[each.algorithm].digest()) != each.digest:
            raise ChunkDigestMismatch(
                f"the received bytes have the {each.algorithm} {_base64(actual)}, declared was "
                f"{_base64(each.digest)}; none of the bytes were kept, send them again"
            )


def _decode(
    algorithm: str, encoded: str, new: Callable[[], _Hash], *, field: str
) -> DeclaredDigest:
    try:
        digest = base64.b64decode(encoded, validate=True)
    except ValueError as error:  # not base64, or not even ASCII
        raise InvalidInput(f"{field}: {encoded!r} is not base64", field=field) from error
    return _check_length(algorithm, digest, new, field=field)


def _check_length(
    algorithm: str, digest: bytes, new: Callable[[], _Hash], *, field: str
) -> DeclaredDigest:
    length = len(new().digest())
    if len(digest) != length:
        raise InvalidInput(
            f"{field}: a {algorithm} digest has {length} bytes, not {len(digest)}", field=field
        )
    return DeclaredDigest(algorithm, digest, new)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
