"""The settings for one storage server and for several."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from shared.blobs.servers.settings import StorageClientSettings

TOKEN = SecretStr("t")


def test_several_servers_are_separated_by_commas() -> None:
    settings = StorageClientSettings(
        storage_url=" http://a:8001/, http://b:8001", storage_token=TOKEN
    )
    assert settings.storage_urls == ("http://a:8001", "http://b:8001")
    assert settings.storage_lost_after == 60.0


@pytest.mark.parametrize("url", ["", " , ", "http://a:8001,http://a:8001/"], ids=str)
def test_no_server_or_the_same_twice_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        StorageClientSettings(storage_url=url, storage_token=TOKEN)
