"""Digest fields of RFC 9530."""

from __future__ import annotations

import hashlib

import pytest

from shared.http.digest_fields import digest_field, sha256_preference


def test_the_field_equals_the_example_in_the_rfc() -> None:
    # RFC 9530, B.1: this content ends with a line feed
    digest = hashlib.sha256(b'{"hello": "world"}\n').digest()
    assert digest_field(digest) == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@pytest.mark.parametrize(
    ("want", "expected"),
    [
        (None, None),
        ("sha-256=1", 1),
        ("sha-256=10", 10),
        ("sha-256=0", 0),
        ("sha-512=3, sha-256=10, unixsum=0", 10),
        ("sha-512=3,sha-256=2", 2),
        ("sha-512=3", None),
        # RFC 9651, 3.2: the last of equal keys counts; parameters are allowed
        ("sha-256=1, sha-256=0", 0),
        ("sha-256=5;a=b ;c", 5),
        # RFC 9651, 4.2: a field that cannot be parsed is ignored as a whole
        ("sha-256=0, sha-512", None),
        ("sha-256=11", None),
        ("sha-256=-1", None),
        ("sha-256=0.5", None),
        ("SHA-256=0", None),
        ("sha-256", None),
        ("sha-256=0,", None),
        ("", None),
    ],
)
def test_the_preference_for_sha_256(want: str | None, expected: int | None) -> None:
    assert sha256_preference(want) == expected
