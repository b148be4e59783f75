"""Negotiation of content codings (RFC 9110, 12.5.3), and encoding of streams."""

from __future__ import annotations

import gzip
import random
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.http.content_codings import CODINGS, ENCODED_AT_ONCE, encode_stream, negotiate_coding
from tests.blob_backends import joined, stream

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DECODERS = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        # 12.5.3: without the field any coding is acceptable; an empty field asks for none
        (None, "identity"),
        ("", "identity"),
        (" , ", "identity"),
        # Only the other coding is named
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("GZip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("deflate, br", "identity"),
        # 8.4.1.3
        ("x-gzip", "gzip"),
        # 12.4.2: weights
        ("gzip;q=1.0, zstd;q=0.5", "gzip"),
        ("gzip ; q=0.5,zstd;Q=0.501", "zstd"),
        ("gzip;q=0.001", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000, zstd;q=0.", "identity"),
        # Identity with the same weight is preferred, as it can be resumed
        ("gzip, identity", "identity"),
        ("gzip, identity;q=0.9", "gzip"),
        ("gzip;q=0.5, identity;q=0.6", "identity"),
        # 12.5.3: the asterisk matches codings that are not named
        ("*", "identity"),
        ("gzip;q=0.5, *", "identity"),
        ("gzip, *;q=0.5", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("identity;q=0, *", "zstd"),
        ("identity;q=0, zstd;q=0, *;q=0.1", "gzip"),
        # No coding is acceptable
        ("identity;q=0", None),
        ("*;q=0", None),
        ("deflate, identity;q=0", None),
        ("gzip;q=0, zstd;q=0, *", "identity"),
        ("gzip;q=0, zstd;q=0, identity;q=0, *", None),
        ("identity, *;q=0", "identity"),
        # Malformed: ignored
        ("gzip;q=2", "identity"),
        ("gzip;q=1.5", "identity"),
        ("gzip;q=0.1234", "identity"),
        ("gzip;level=9", "identity"),
        ("gzip zstd", "identity"),
        ("identity;q=-1", "identity"),
    ],
)
def test_the_coding_is_negotiated(accepted: str | None, expected: str | None) -> None:
    assert negotiate_coding(accepted, CODINGS) == expected


@given(st.text(alphabet="gzipstd*identity;q=0.15, \t", max_size=50))
def test_only_an_offered_coding_is_chosen(accepted: str) -> None:
    assert negotiate_coding(accepted, CODINGS) in (*CODINGS, "identity", None)
    assert negotiate_coding(accepted, ()) in ("identity", None)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [0, 1, ENCODED_AT_ONCE - 1, ENCODED_AT_ONCE, 3_000_001])
async def test_an_encoded_stream_can_be_decoded(coding: str, size: int) -> None:
    content = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    pieces = [content[at : at + 700_000] for at in range(0, size, 700_000)]
    assert DECODERS[coding](await joined(encode_stream(stream(*pieces), coding))) == content


@pytest.mark.parametrize("coding", CODINGS)
async def test_encoding_reads_only_as_much_as_the_consumer_needs(coding: str) -> None:
    # Given pieces that cannot be compressed
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        source = random.Random(1)
        for _ in range(20):
            read += 1
            yield source.randbytes(ENCODED_AT_ONCE)

    # When part of the output is read, only the input for that part is read
    ready = encode_stream(pieces(), coding)
    taken = 0
    async for piece in ready:
        taken += len(piece)
        assert read * ENCODED_AT_ONCE <= taken + 2 * ENCODED_AT_ONCE
    assert read == 20
