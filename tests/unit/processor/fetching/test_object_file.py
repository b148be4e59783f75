"""Files in object storage, read from real servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from processor.fetching.object_file import ObjectFile
from processor.fetching.remote import Entity, RemoteChanged, RemoteFailed, RemoteRefused
from shared.http.elsewhere import Place
from shared.http.object_storage import ObjectStorageSettings
from tests.servers.object_storage import ObjectStorage
from tests.servers.web_files import WebFiles

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = bytes(range(256)) * 20_000
PLACE = Place("plays", "2026/a b.csv")


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with ObjectStorage() as server:
        folder = server.bucket("plays") / "2026"
        folder.mkdir()
        (folder / "a b.csv").write_bytes(DATA)
        yield server


@pytest.fixture(scope="module")
def ranges() -> Iterator[WebFiles]:
    """A server that answers ranges and conditions as S3 does, to everyone."""
    with WebFiles() as server:
        folder = server.files / "plays" / "2026"
        folder.mkdir(parents=True)
        (folder / "a b.csv").write_bytes(DATA)
        yield server


def with_key(storage: ObjectStorage, secret: str | None = None) -> ObjectStorageSettings:
    return ObjectStorageSettings(
        s3_endpoint=storage.url,
        s3_access_key_id=SecretStr(storage.access_key),
        s3_secret_access_key=SecretStr(secret or storage.secret_key),
    )


def without_key(server: WebFiles) -> ObjectStorageSettings:
    return ObjectStorageSettings(s3_endpoint=server.url)


async def read(
    settings: ObjectStorageSettings,
    offset: int = 0,
    known: Entity | None = None,
    place: Place = PLACE,
) -> tuple[int, Entity, bytes]:
    async with ObjectFile(place, settings).open(offset, known) as answer:
        return answer.start, answer.entity, b"".join([piece async for piece in answer.pieces])


async def test_an_object_is_read_with_the_key_of_the_service(storage: ObjectStorage) -> None:
    start, entity, data = await read(with_key(storage))

    assert (start, data, entity.size) == (0, DATA, len(DATA))
    assert entity.tag is not None


async def test_another_key_is_refused(storage: ObjectStorage) -> None:
    with pytest.raises(RemoteRefused, match="does not let this service use s3://plays/2026/a b"):
        await read(with_key(storage, "wrong"))


async def test_an_object_that_does_not_exist_is_refused(storage: ObjectStorage) -> None:
    with pytest.raises(RemoteRefused, match="s3://plays/none does not exist"):
        await read(with_key(storage), place=Place("plays", "none"))


async def test_the_rest_of_an_object_is_read(ranges: WebFiles) -> None:
    _, entity, data = await read(without_key(ranges))
    assert data == DATA

    assert await read(without_key(ranges), 1000, entity) == (1000, entity, DATA[1000:])
    assert await read(without_key(ranges), len(DATA), entity) == (len(DATA), entity, b"")


async def test_an_object_that_changed_is_refused(ranges: WebFiles) -> None:
    _, entity, _ = await read(without_key(ranges))
    other = Entity('"other"', None, entity.size)
    for offset in (0, 1000):
        with pytest.raises(RemoteChanged, match=r"s3://plays/2026/a b\.csv has changed"):
            await read(without_key(ranges), offset, other)


async def test_a_server_without_ranges_sends_the_object_from_its_start(
    storage: ObjectStorage,
) -> None:
    _, entity, _ = await read(with_key(storage))

    assert await read(with_key(storage), 1000, entity) == (0, entity, DATA)
    with pytest.raises(RemoteChanged):
        await read(with_key(storage), 1000, Entity('"other"', None, entity.size))


async def test_a_server_that_is_away_has_failed_for_now() -> None:
    settings = ObjectStorageSettings(s3_endpoint="http://127.0.0.1:1")
    with pytest.raises(RemoteFailed, match="object storage failed for s3://plays"):
        await read(settings)
