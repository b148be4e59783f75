"""How long an incomplete upload is kept: by the same rule in every protocol."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from csvmill.standalone.settings import StandaloneSettings
from gateway.settings import GatewaySettings
from gateway.uploads.upload import upload_id_of
from processor.maintenance.sweeper import Sweeper
from processor.settings import WorkSettings
from shared.blobs.blob import upload_key
from shared.errors import BlobNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.unit.gateway.conftest import Gateway, Start

    Begin = Callable[[Gateway], Awaitable[UUID]]
    Use = Callable[[Gateway, UUID], Awaitable[Any]]

TTL = 1000.0
TUS = {"Tus-Resumable": "1.0.0"}
IETF = {"Upload-Draft-Interop-Version": "8"}


class Clock:
    """Advances by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(start_gateway: Start, clock: Clock) -> Gateway:
    return await start_gateway(clock=clock, upload_ttl=TTL)


async def ask(
    gateway: Gateway, method: str, path: str, data: bytes = b"", /, **headers: str
) -> Any:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await gateway.client.request(method, path, data=data, headers=fields)
    assert response.status < 300, await response.text()
    return response


def id_in(response: Any) -> UUID:
    return UUID(response.headers["Location"].rpartition("/")[2])


async def begun_by_tus(gateway: Gateway) -> UUID:
    return id_in(await ask(gateway, "POST", "/api/tus/", **TUS, Upload_Length="9"))


async def begun_by_ietf(gateway: Gateway) -> UUID:
    url = "/api/v1/uploads?name=a.csv"
    return id_in(await ask(gateway, "POST", url, **IETF, Upload_Complete="?0"))


async def begun_by_v1(gateway: Gateway) -> UUID:
    declared = {"name": "a.csv", "size": 9}
    return id_in(await gateway.client.post("/api/v1/uploads", json=declared))


async def begun_by_dropzone(gateway: Gateway) -> UUID:
    name = str(uuid4())
    await gateway.chunk(name, b"", offset=0, size=9, total=9)
    return upload_id_of(name)


async def append_by_tus(gateway: Gateway, upload: UUID) -> Any:
    return await ask(
        gateway, "PATCH", f"/api/tus/{upload}", b"abc", **TUS,
        Upload_Offset="0", Content_Type="application/offset+octet-stream",
    )  # fmt: skip


async def append_by_ietf(gateway: Gateway, upload: UUID) -> Any:
    return await ask(
        gateway, "PATCH", f"/api/v1/uploads/{upload}", b"abc", **IETF, Upload_Complete="?0",
        Upload_Offset="0", Content_Type="application/partial-upload",
    )  # fmt: skip


async def chunk_by_v1(gateway: Gateway, upload: UUID) -> Any:
    return await ask(gateway, "PUT", f"/api/v1/uploads/{upload}/chunks/0", b"abc")


async def read_by_tus(gateway: Gateway, upload: UUID) -> Any:
    return await ask(gateway, "HEAD", f"/api/tus/{upload}", **TUS)


async def read_by_ietf(gateway: Gateway, upload: UUID) -> Any:
    return await ask(gateway, "HEAD", f"/api/v1/uploads/{upload}", **IETF)


async def read_by_v1(gateway: Gateway, upload: UUID) -> Any:
    return await ask(gateway, "GET", f"/api/v1/uploads/{upload}")


BEGUN = (begun_by_tus, begun_by_ietf, begun_by_v1, begun_by_dropzone)
USES = (append_by_tus, append_by_ietf, chunk_by_v1, read_by_tus, read_by_ietf, read_by_v1)


async def is_kept(gateway: Gateway, upload: UUID) -> bool:
    """Whether a sweep keeps the upload."""
    await Sweeper(
        gateway.jobs, gateway.blobs,
        upload_ttl=TTL, result_ttl=TTL, interval=1.0, clock=time.time, grace=0.0,
    ).sweep()  # fmt: skip
    try:
        async with gateway.blobs.open(upload_key(upload), 0, 0):
            return True
    except BlobNotFound:
        return False


@pytest.mark.parametrize("begin", BEGUN)
async def test_an_unused_upload_is_kept_equally_long_in_every_protocol(
    gateway: Gateway, clock: Clock, begin: Begin
) -> None:
    upload = await begin(gateway)
    clock.now += TTL - 1
    assert await is_kept(gateway, upload)
    clock.now += 2
    assert not await is_kept(gateway, upload)


@pytest.mark.parametrize("begin", BEGUN)
@pytest.mark.parametrize("use", USES)
async def test_every_use_in_any_protocol_restarts_the_time(
    gateway: Gateway, clock: Clock, begin: Begin, use: Use
) -> None:
    upload = await begin(gateway)
    clock.now += TTL - 1
    await use(gateway, upload)
    clock.now += TTL - 1
    assert await is_kept(gateway, upload)
    clock.now += 2
    assert not await is_kept(gateway, upload)


async def test_every_protocol_declares_the_same_time(gateway: Gateway) -> None:
    upload = await begun_by_v1(gateway)
    for use in (read_by_tus, append_by_tus):
        expires = (await use(gateway, upload)).headers["Upload-Expires"]
        assert parsedate_to_datetime(expires).timestamp() == pytest.approx(
            time.time() + TTL, abs=30
        )
    for limit in (
        (await read_by_ietf(gateway, upload)).headers["Upload-Limit"],
        (await read_by_v1(gateway, upload)).headers["Upload-Limit"],
        (await ask(gateway, "OPTIONS", "/api/v1/uploads")).headers["Upload-Limit"],
    ):
        assert f"max-age={int(TTL)}" in limit.split(", ")


def test_the_defaults_of_gateway_and_processor_are_equal() -> None:
    fields = [
        kind.model_fields["upload_ttl"].default
        for kind in (GatewaySettings, WorkSettings, StandaloneSettings)
    ]
    assert fields == [86_400.0] * 3
