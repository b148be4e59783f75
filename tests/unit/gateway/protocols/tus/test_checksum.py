"""Checksums in the tus protocol, in the header; see also `test_trailing_digests`."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.unit.gateway.protocols.tus.test_handlers import (
    CONTENT,
    content_of,
    created,
    encoded,
    offset_of,
    patch,
)

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

CHECKSUMS = {
    "sha1": hashlib.sha1(CONTENT).digest(),  # noqa: S324
    "sha256": hashlib.sha256(CONTENT).digest(),
    "crc32": zlib.crc32(CONTENT).to_bytes(4, "big"),
}


@pytest.mark.parametrize("algorithm", CHECKSUMS)
async def test_bytes_with_another_checksum_are_refused_and_not_stored(
    gateway: Gateway, algorithm: str
) -> None:
    path = await created(gateway)
    checksum = f"{algorithm} {encoded(CHECKSUMS[algorithm])}"
    wrong = await patch(gateway, path, 0, CONTENT[:-1] + b"!", 460, Upload_Checksum=checksum)
    assert wrong.reason == "Checksum Mismatch"
    assert await offset_of(gateway, path) == 0
    await patch(gateway, path, 0, CONTENT, Upload_Checksum=checksum)
    assert await content_of(gateway, path) == CONTENT


@pytest.mark.parametrize("header", ["md5 YWJj", "sha1", "sha1 YWJj", "sha1 #"])
async def test_a_checksum_that_cannot_be_checked_is_refused(gateway: Gateway, header: str) -> None:
    path = await created(gateway)
    await patch(gateway, path, 0, b"x", 400, Upload_Checksum=header)
    assert await offset_of(gateway, path) == 0
