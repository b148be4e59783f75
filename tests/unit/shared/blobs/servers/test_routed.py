"""Blobs on several storage servers, which are stopped and started again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.blobs.blob import RESULTS, UPLOADS, Declaration, result_key, upload_key
from shared.errors import BlobNotFound, BytesLost, StorageUnavailable
from tests.blob_backends import filesystem_blobs, read, storage_server, stream
from tests.ports import free_port
from tests.replicas import Replicas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from shared.blobs.blob import BlobInfo
    from shared.blobs.servers.routed import RoutedBlobs
    from shared.ports import Blobs

KEY = upload_key(UUID(int=1))
SOON = 0.5
"""Seconds without an answer after which these tests take a server for lost."""
DECLARED = Declaration(6, None, {"filename": "ä.csv"})


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Replicas]:
    async with Replicas(tmp_path) as servers:
        yield servers


async def patient(ask: Callable[[], Awaitable[BlobInfo]]) -> BlobInfo:
    """Repeat a request while storage is unavailable, as clients do."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await ask()
            except StorageUnavailable:
                await asyncio.sleep(0.05)


async def is_kept(server: Blobs) -> bool:
    try:
        await server.peek(KEY)
    except BlobNotFound:
        return False
    return True


async def deleted(blobs: RoutedBlobs) -> None:
    """Delete the blob as soon as its server counts as lost."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await blobs.delete(KEY)
            except StorageUnavailable:
                await asyncio.sleep(0.05)


async def walked(blobs: RoutedBlobs, kind: str) -> list[str]:
    async with blobs.walk(kind) as found:
        return sorted([activity.key async for activity in found])


async def test_gateways_that_create_an_upload_at_once_meet_at_one_server(
    servers: Replicas,
) -> None:
    async with servers.process() as one, servers.process() as other:
        await asyncio.gather(
            one.write(KEY, 0, stream(b"abc"), declaration=DECLARED),
            other.write(KEY, 3, stream(b"de"), declaration=DECLARED),
        )
        assert (await one.info(KEY)).prefix == 5
        assert (await servers.kept[await servers.holder(KEY)].peek(KEY)).prefix == 5
        done = await other.write(KEY, 5, stream(b"f"))
        assert done.complete
        assert await servers.places.find(KEY) is None
        assert await read(one, KEY) == b"abcdef"


async def test_uploads_are_on_all_servers_and_listed_once(servers: Replicas) -> None:
    uploads = [upload_key(UUID(int=number)) for number in range(16)]
    results = [result_key(UUID(int=number), 1) for number in range(16)]
    async with servers.process() as blobs:
        for number, key in enumerate(uploads):
            await blobs.write(key, 0, stream(b"abcdef"[: 3 + number % 4]), declaration=DECLARED)
        for key in results:
            await blobs.create(key, 2)
            await blobs.write(key, 0, stream(b"ab"))
        assert await walked(blobs, UPLOADS) == sorted(uploads)
        assert await walked(blobs, RESULTS) == sorted(results)
        for kept in servers.kept:
            async with kept.walk(UPLOADS) as found:
                assert [each async for each in found]
        for key in (*uploads, *results):
            await blobs.delete(key)
        assert await walked(blobs, UPLOADS) == await walked(blobs, RESULTS) == []


async def test_an_upload_waits_for_a_server_that_is_soon_back(servers: Replicas) -> None:
    async with servers.process() as blobs:
        await blobs.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        away = await servers.holder(KEY)
        await servers.stop(away)
        with pytest.raises(StorageUnavailable):
            await blobs.write(KEY, 3, stream(b"def"))
        with pytest.raises(StorageUnavailable):
            await blobs.delete(KEY)
        with pytest.raises(StorageUnavailable):
            await blobs.info(KEY)
        await servers.start(away)
        assert (await blobs.info(KEY)).prefix == 3
        assert (await blobs.write(KEY, 3, stream(b"def"))).complete


async def test_an_upload_of_a_lost_server_moves_with_its_declaration_and_is_resumed(
    servers: Replicas,
) -> None:
    async with servers.process(SOON) as one, servers.process(SOON) as other:
        await one.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        assert (await other.info(KEY)).prefix == 3
        lost = await servers.holder(KEY)
        await servers.stop(lost)

        moved = await patient(lambda: one.info(KEY))
        assert (moved.size, moved.prefix, moved.metadata) == (6, 0, {"filename": "ä.csv"})
        assert await servers.holder(KEY) != lost
        again = await patient(lambda: other.write(KEY, 0, stream(b"ABC")))
        assert again.prefix == 3

        await servers.start(lost)
        # The process that remembers the former place does not write there any more.
        assert (await patient(lambda: one.write(KEY, 3, stream(b"DEF")))).complete
        assert await read(other, KEY) == b"ABCDEF"
        assert await servers.places.find(KEY) is None


async def test_a_chunk_that_declares_a_moved_upload_is_refused_until_the_upload_is_complete(
    servers: Replicas,
) -> None:
    # As Dropzone sends: its client does not ask whether the chunks before are still there.
    async with servers.process(SOON) as one, servers.process(SOON) as other:
        await one.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        await servers.stop(await servers.holder(KEY))
        await patient(lambda: one.info(KEY))
        for blobs in (one, other):
            with pytest.raises(BytesLost, match="send the whole file again"):
                await blobs.write(KEY, 3, stream(b"def"), declaration=DECLARED)
        # Who asks can send what is missing, and a repeated chunk is then as good as any.
        assert (await other.write(KEY, 0, stream(b"abcdef"))).complete
        await servers.places.put(KEY, servers.urls[0], DECLARED)
        assert (await one.write(KEY, 3, stream(b"def"), declaration=DECLARED)).complete


async def test_a_server_that_comes_back_discards_what_has_moved(servers: Replicas) -> None:
    async with servers.process(SOON) as blobs:
        await blobs.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        lost = await servers.holder(KEY)
        await servers.stop(lost)
        await patient(lambda: blobs.info(KEY))
        await servers.start(lost)
        assert (await servers.kept[lost].peek(KEY)).prefix == 3
        async with asyncio.timeout(60):
            # As soon as this process sees that it answers.
            while await is_kept(servers.kept[lost]):
                assert await walked(blobs, UPLOADS) == [KEY]
                await asyncio.sleep(0.05)
        assert (await blobs.info(KEY)).prefix == 0


async def test_the_list_of_uploads_moves_those_of_a_lost_server(servers: Replicas) -> None:
    async with servers.process() as blobs:
        await blobs.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
    lost = await servers.holder(KEY)
    await servers.stop(lost)
    async with servers.process(SOON) as blobs:
        async with asyncio.timeout(60):
            while await servers.holder(KEY) == lost:
                with suppress(StorageUnavailable):
                    await walked(blobs, UPLOADS)
                await asyncio.sleep(0.05)
        assert (await servers.kept[1 - lost].peek(KEY)).size == 6


async def test_an_upload_that_is_deleted_while_its_server_is_lost_does_not_come_back(
    servers: Replicas,
) -> None:
    async with servers.process(SOON) as blobs:
        await blobs.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        lost = await servers.holder(KEY)
        await servers.stop(lost)
        await deleted(blobs)
        with pytest.raises(BlobNotFound):
            await patient(lambda: blobs.info(KEY))
        await servers.start(lost)
        assert await walked(blobs, UPLOADS) == []
        # Created again, it has none of the old bytes, at whichever server it is.
        new = await patient(lambda: blobs.create(KEY, 4))
        assert (new.size, new.prefix) == (4, 0)


async def test_an_upload_created_again_at_the_server_with_an_old_copy_is_new(
    servers: Replicas,
) -> None:
    async with servers.process(SOON) as blobs:
        await blobs.write(KEY, 0, stream(b"abc"), declaration=DECLARED)
        lost = await servers.holder(KEY)
        await servers.stop(lost)
        await patient(lambda: blobs.info(KEY))
        await blobs.delete(KEY)
        await servers.start(lost)
        await servers.stop(1 - lost)
        new = await patient(lambda: blobs.create(KEY, 4))
        assert await servers.holder(KEY) == lost
        assert (new.size, new.prefix) == (4, 0)
        await servers.start(1 - lost)


async def test_without_any_server_storage_is_unavailable(servers: Replicas) -> None:
    async with servers.process(SOON) as blobs:
        await blobs.ping()
        await servers.stop(0)
        await patient_ping(blobs)
        await servers.stop(1)
        fault = await asyncio.wait_for(fault_of(blobs), 60)
        assert all(url in fault for url in servers.urls)
        with pytest.raises(StorageUnavailable):
            await blobs.create(KEY, 4)


async def fault_of(blobs: RoutedBlobs) -> str:
    """Return why storage is unavailable, once it is known to be."""
    while True:
        try:
            await blobs.ping()
        except StorageUnavailable as error:
            return str(error)
        await asyncio.sleep(0.05)


async def patient_ping(blobs: RoutedBlobs) -> None:
    """One of two servers is enough, also once the other is known to be away."""
    for _ in range(10):
        await blobs.ping()
        await blobs.check_room()
        await asyncio.sleep(0.05)


async def test_servers_that_share_nothing_are_refused_with_what_to_do(tmp_path: Path) -> None:
    servers = Replicas(tmp_path, count=0)
    async with (
        servers,
        filesystem_blobs(tmp_path / "a") as kept,
        storage_server(tmp_path / "a", kept) as url,
    ):
        servers.urls = [url, f"http://127.0.0.1:{free_port()}"]
        async with servers.process() as blobs:
            with pytest.raises(StorageUnavailable, match="set CSVMILL_BLOBS"):
                await blobs.ping()
            with pytest.raises(StorageUnavailable, match="set CSVMILL_BLOBS"):
                await blobs.create(KEY, 4)
