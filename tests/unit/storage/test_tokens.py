"""Storage's tokens: two are valid while one replaces the other, so nothing is refused meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.blobs.tokens import parse_tokens
from shared.errors import InvalidInput, StorageUnavailable
from tests.blob_backends import read, stream
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from pathlib import Path

KEY = upload_key(UUID(int=1))


@pytest.mark.parametrize("text", ["new,old", "new\nold\n", " new ,\n old,,\n"])
def test_the_first_token_is_the_current_one(text: str) -> None:
    assert parse_tokens(text) == ("new", "old")


@pytest.mark.parametrize("text", ["", ",", "\n \n"])
def test_a_setting_without_a_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="CSVMILL_STORAGE_TOKEN"):
        parse_tokens(text)


async def test_a_token_is_replaced_while_its_users_go_on(tmp_path: Path) -> None:
    """The steps of docs/operations.md, with one client of each kind at any time."""
    file = tmp_path / "token"
    written = 0

    def storage() -> ServiceProcess:
        env = {
            "CSVMILL_DATA_DIR": str(tmp_path / "data"),
            "CSVMILL_STORAGE_TOKEN_FILE": str(file),
            "CSVMILL_STORAGE_PORT": "0",
        }
        return ServiceProcess("storage", log_path=tmp_path / "storage.log", env=env)

    async def write(url: str, setting: str) -> None:
        nonlocal written
        async with HttpBlobs(url, setting) as blobs:
            await blobs.write(KEY, written, stream(b"x"))
            written += 1

    file.write_text("old\n")
    with storage() as process:
        async with HttpBlobs(process.url, "old") as blobs:
            await blobs.create(KEY, 5)
        await write(process.url, "old")
    # 1. The new one is put before the old one, and storage is restarted first
    file.write_text("new\nold\n")
    with storage() as process:
        await write(process.url, "old")
        # 2. Then its clients, one after the other
        await write(process.url, "new\nold")
        await write(process.url, "old")
    # 3. When no client has the old one, it is removed
    file.write_text("new\n")
    with storage() as process:
        await write(process.url, "new")
        with pytest.raises(StorageUnavailable):
            await write(process.url, "old")
        async with HttpBlobs(process.url, "new") as blobs:
            assert await read(blobs, KEY) == b"xxxxx"
        assert "old" not in process.tail()
