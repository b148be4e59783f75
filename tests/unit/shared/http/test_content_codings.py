"""Which coding a client asks for (RFC 9110, 12.5.3), and what encoding makes of the bytes."""

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
    ("asked", "expected"),
    [
        # 12.5.3: without the field anything will do; an empty one wants no coding
        (None, "identity"),
        ("", "identity"),
        (" , ", "identity"),
        # Named, and what it is compared with is not
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
        # Identity, ranked as high, is kept: it can be resumed
        ("gzip, identity", "identity"),
        ("gzip, identity;q=0.9", "gzip"),
        ("gzip;q=0.5, identity;q=0.6", "identity"),
        # 12.5.3: the asterisk stands for what is not named
        ("*", "identity"),
        ("gzip;q=0.5, *", "identity"),
        ("gzip, *;q=0.5", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("identity;q=0, *", "zstd"),
        ("identity;q=0, zstd;q=0, *;q=0.1", "gzip"),
        # Nothing is left
        ("identity;q=0", None),
        ("*;q=0", None),
        ("deflate, identity;q=0", None),
        ("gzip;q=0, zstd;q=0, *", "identity"),
        ("gzip;q=0, zstd;q=0, identity;q=0, *", None),
        ("identity, *;q=0", "identity"),
        # Malformed: asks for nothing
        ("gzip;q=2", "identity"),
        ("gzip;q=1.5", "identity"),
        ("gzip;q=0.1234", "identity"),
        ("gzip;level=9", "identity"),
        ("gzip zstd", "identity"),
        ("identity;q=-1", "identity"),
    ],
)
def test_what_is_asked_for(asked: str | None, expected: str | None) -> None:
    assert negotiate_coding(asked, CODINGS) == expected


@given(st.text(alphabet="gzipstd*identity;q=0.15, \t", max_size=50))
def test_whatever_is_asked_for_only_what_is_there_is_chosen(asked: str) -> None:
    assert negotiate_coding(asked, CODINGS) in (*CODINGS, "identity", None)
    assert negotiate_coding(asked, ()) in ("identity", None)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [0, 1, ENCODED_AT_ONCE - 1, ENCODED_AT_ONCE, 3_000_001])
async def test_what_was_encoded_can_be_decoded(coding: str, size: int) -> None:
    content = random.Random(size).randbytes(size // 2) + bytes(size - size // 2)
    pieces = [content[at : at + 700_000] for at in range(0, size, 700_000)]
    assert DECODERS[coding](await joined(encode_stream(stream(*pieces), coding))) == content


@pytest.mark.parametrize("coding", CODINGS)
async def test_encoding_reads_no_further_than_it_is_taken(coding: str) -> None:
    # Given pieces that cannot be compressed
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        source = random.Random(1)
        for _ in range(20):
            read += 1
            yield source.randbytes(ENCODED_AT_ONCE)

    # When some of what they become is taken, no more of them were read than that needs
    ready = encode_stream(pieces(), coding)
    taken = 0
    async for piece in ready:
        taken += len(piece)
        assert read * ENCODED_AT_ONCE <= taken + 2 * ENCODED_AT_ONCE
    assert read == 20
