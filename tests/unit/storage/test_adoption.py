"""Requests about uploads that move between servers, to a server that shares nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from shared.blobs.client import HttpBlobs
from shared.blobs.epochs import parse_epoch, under_epoch
from shared.errors import CsvmillError, InvalidInput
from shared.ports.adoption import AdoptsUploads
from tests.blob_backends import TOKEN, filesystem_blobs, storage_server

if TYPE_CHECKING:
    from pathlib import Path

KEY = upload_key(UUID(int=1))


async def test_a_server_without_object_storage_ignores_epochs_and_adopts_nothing(
    tmp_path: Path,
) -> None:
    async with (
        filesystem_blobs(tmp_path) as kept,
        storage_server(tmp_path, kept) as url,
        HttpBlobs(url, TOKEN) as blobs,
    ):
        assert not isinstance(kept, AdoptsUploads)
        await blobs.hold(KEY, 3)
        with under_epoch(2):
            assert (await blobs.create(KEY, 4)).size == 4
        with pytest.raises(CsvmillError):
            await blobs.adopt(KEY, 4)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "x", "9" * 19])
def test_an_epoch_is_a_number(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_epoch(text)
