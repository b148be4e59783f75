"""Concatenation in the tus protocol."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from tests.forwarding import Forwarding
from tests.unit.gateway.protocols.tus.test_handlers import (
    CONTENT,
    METADATA,
    SIZE,
    ask,
    content_of,
    created,
    offset_of,
    patch,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.blobs.blob import BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start


async def test_partial_uploads_are_concatenated_to_one_upload_with_one_job(
    gateway: Gateway,
) -> None:
    bounds = [(0, 100_000), (100_000, 100_000), (100_000, SIZE)]
    parts = [await created(gateway, b - a, Upload_Concat="partial") for a, b in bounds]
    for path, (start, stop) in zip(parts, bounds, strict=True):
        if start < stop:
            answer = await patch(gateway, path, 0, CONTENT[start:stop])
            assert "Csvmill-Job" not in answer.headers
        headers = (await ask(gateway, "HEAD", path, 200)).headers
        assert (headers["Upload-Concat"], "Csvmill-Job" in headers) == ("partial", False)
    assert gateway.bus.published == []
    root = str(gateway.client.make_url("")).rstrip("/")
    final = {"Upload_Concat": f"final;{root}{parts[0]} {parts[1]} {parts[2]}"}

    answer = await ask(gateway, "POST", "/api/tus/", 201, **final, **METADATA)

    path = answer.headers["Location"]
    job = await (await gateway.client.get(answer.headers["Csvmill-Job"])).json()
    assert (job["filename"], job["input_size"]) == ("Größe.csv", SIZE)
    assert await content_of(gateway, path) == CONTENT
    headers = (await ask(gateway, "HEAD", path, 200)).headers
    assert headers["Upload-Concat"] == final["Upload_Concat"]
    assert (headers["Upload-Length"], headers["Upload-Offset"]) == (str(SIZE), str(SIZE))
    # A repetition returns the same upload; it takes no bytes, and its parts are removed
    again = await ask(gateway, "POST", "/api/tus/", 201, **final, **METADATA)
    assert again.headers["Location"] == path
    await patch(gateway, path, SIZE, b"", 403)
    await ask(gateway, "HEAD", parts[0], 404)
    assert len(gateway.bus.published) == 1


async def test_only_complete_partial_uploads_are_concatenated(gateway: Gateway) -> None:
    half = await created(gateway, 10, Upload_Concat="partial")
    await patch(gateway, half, 0, b"12345")
    ordinary = await created(gateway, 0)
    for parts, status in ((half, 400), (ordinary, 400), (f"/api/tus/{UUID(int=1)}", 404)):
        await ask(gateway, "POST", "/api/tus/", status, Upload_Concat=f"final;{parts}")
    await ask(gateway, "POST", "/api/tus/", 400, Upload_Concat=f"final;{half}", Upload_Length=10)
    assert await offset_of(gateway, half) == 5


async def test_a_part_is_used_once(gateway: Gateway) -> None:
    part = await created(gateway, 5, Upload_Concat="partial")
    await patch(gateway, part, 0, b"12345")
    await ask(gateway, "POST", "/api/tus/", 400, Upload_Concat=f"final;{part} {part}")
    assert await offset_of(gateway, part) == 5
    await ask(gateway, "POST", "/api/tus/", 201, Upload_Concat=f"final;{part}", **METADATA)


class Overtaken(Forwarding):
    """Does something before the first call of one method that names a blob."""

    def __init__(self, blobs: FilesystemBlobs, method: str) -> None:
        super().__init__(blobs)
        self._method = method
        self._named = upload_key(UUID(int=0))
        self._overtake: Callable[[], Awaitable[None]] | None = None

    def __getattr__(self, name: str) -> Any:
        return self._overtaken if name == self._method else super().__getattr__(name)

    def before(self, named: BlobKey, overtake: Callable[[], Awaitable[None]]) -> None:
        """Do it before the next call that names this blob."""
        self._named, self._overtake = named, overtake

    async def _overtaken(self, key: BlobKey, *args: Any, **more: Any) -> Any:
        if self._overtake is not None and self._named in (key, *chain.from_iterable(args)):
            overtake, self._overtake = self._overtake, None
            await overtake()
        return await getattr(self._behind, self._method)(key, *args, **more)


@pytest.mark.parametrize("method", ["info", "assemble"])
async def test_a_final_upload_created_by_another_request_is_returned(
    start_gateway: Start, method: str
) -> None:
    overtaken: list[Overtaken] = []

    def in_front(blobs: Any) -> Any:
        overtaken.append(Overtaken(blobs, method))
        return overtaken[0]

    gateway = await start_gateway(blobs=in_front)
    part = await created(gateway, 3, Upload_Concat="partial")
    await patch(gateway, part, 0, b"abc")
    paths = []

    async def final() -> None:
        answer = await ask(gateway, "POST", "/api/tus/", 201, Upload_Concat=f"final;{part}")
        paths.append(answer.headers["Location"])

    overtaken[0].before(upload_key(UUID(part.rpartition("/")[2])), final)
    await final()
    assert len(paths) == 2
    assert len(set(paths)) == 1
    assert await content_of(gateway, paths[0]) == b"abc"
