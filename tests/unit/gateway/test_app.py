"""Errors, CORS and health."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings import GatewayProcessSettings, GatewaySettings
from shared import errors
from shared.errors import CsvmillError, DatabaseUnavailable, StorageFull

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

PAGE = "https://page.example"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/upload_file", 405),
        ("DELETE", "/api/file_status/1", 405),
        ("POST", "/api/upload_file", 400),
    ],
)
async def test_errors_are_json_and_readable_across_origins(
    start_gateway: Start, method: str, path: str, status: int
) -> None:
    gateway = await start_gateway(cors_origins="*")
    response = await gateway.client.request(method, path, headers={"Origin": PAGE})
    answer = await response.json()
    assert (response.status, answer["status"]) == (status, "error")
    assert answer["message"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    if status == 405:
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidInput, 400),
        (errors.UploadTooLarge, 413),
        (errors.JobNotFound, 404),
        (errors.BlobNotFound, 404),
        (errors.BlobConflict, 400),
        (errors.ChunkOutOfBounds, 400),
        (errors.DigestMismatch, 400),
        (errors.StorageFull, 507),
        (errors.StorageUnavailable, 503),
        (errors.DatabaseUnavailable, 503),
        (errors.BrokerUnavailable, 503),
        (errors.Unauthorized, 502),
        (errors.LeaseLost, 500),
        (errors.BlobIncomplete, 500),
        (errors.AttemptFailed, 500),
    ],
)
def test_the_status_of_each_error(error: type[CsvmillError], status: int) -> None:
    assert error("x").status == status


async def test_health_checks_all_three_dependencies(start_gateway: Start) -> None:
    down = False

    def in_front(jobs: Any) -> Any:
        check = jobs.check_writable

        async def sometimes() -> None:
            if down:
                raise DatabaseUnavailable("the database does not answer")
            await check()

        jobs.check_writable = sometimes
        return jobs

    gateway = await start_gateway(jobs=in_front)
    alive = await gateway.client.get("/healthz")
    assert (alive.status, await alive.json()) == (
        200,
        {"status": "ok", "version": version("csvmill")},
    )
    ready = await gateway.client.get("/readyz")
    expected = {"status": "ok", "storage": "ok", "database": "ok", "broker": "ok"}
    assert (ready.status, await ready.json()) == (200, expected)

    # When the database fails, readiness names it, and liveness still succeeds
    down = True
    ready = await gateway.client.get("/readyz")
    expected |= {"status": "unavailable", "database": "the database does not answer"}
    assert (ready.status, await ready.json()) == (503, expected)
    assert (await gateway.client.get("/healthz")).status == 200


async def test_readiness_tells_that_uploads_have_no_space(start_gateway: Start) -> None:
    gateway = await start_gateway()
    blobs: Any = gateway.blobs

    async def full() -> None:
        raise StorageFull("the disk has space left for results only")

    blobs.check_room = full
    ready = await gateway.client.get("/readyz")
    assert ready.status == 503
    assert (await ready.json())["storage"] == "the disk has space left for results only"
    assert (await gateway.client.get("/healthz")).status == 200


# CORS


async def test_preflight_is_granted_to_every_page_if_that_is_configured(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(cors_origins="*")
    for path in ("/api/upload_file", "/api/download_file/1"):
        response = await gateway.client.options(
            path,
            headers={
                "Origin": PAGE,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "x-requested-with, cache-control, range",
            },
        )
        assert (response.status, await response.read()) == (204, b"")
        headers = response.headers
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert {"GET", "POST"} <= set(headers["Access-Control-Allow-Methods"].split(", "))
        allowed = headers["Access-Control-Allow-Headers"].split(", ")
        assert {"x-requested-with", "cache-control", "range"} <= set(allowed)


async def test_a_page_may_read_what_a_resumed_download_needs(start_gateway: Start) -> None:
    gateway = await start_gateway(cors_origins=PAGE)
    job = await gateway.finished_job(b"x" * 100)
    response = await gateway.client.get(
        f"/api/download_file/{job.id}", headers={"Origin": PAGE, "Range": "bytes=0-9"}
    )
    assert response.status == 206
    exposed = set(response.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Content-Range", "Content-Length", "Content-Disposition", "ETag"} <= exposed
    assert {"Accept-Ranges", "Location"} <= exposed


async def test_only_configured_origins_are_granted_and_caches_keep_them_apart(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(cors_origins=f"{PAGE}, https://other.example")
    for origin, granted in ((PAGE, PAGE), ("https://evil.example", None), (None, None)):
        headers = {"Origin": origin} if origin else {}
        response = await gateway.client.get("/healthz", headers=headers)
        assert response.headers.get("Access-Control-Allow-Origin") == granted
        assert response.headers["Vary"] == "Origin"
    preflight = await gateway.client.options(
        "/api/upload_file",
        headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert "Access-Control-Allow-Origin" not in preflight.headers


async def test_no_other_origin_is_granted_anything_by_default(gateway: Gateway) -> None:
    response = await gateway.client.get("/healthz", headers={"Origin": PAGE})
    assert response.status == 200
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_CORS_ORIGINS", "https://a.example, https://b.example")
    monkeypatch.setenv("CSVMILL_MAX_UPLOAD_SIZE", "1000")
    settings = GatewaySettings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.max_upload_size == 1000
    for name in ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "STORAGE_TOKEN"):
        monkeypatch.setenv(f"CSVMILL_{name}", "a secret")
    process = GatewayProcessSettings.model_validate({})
    assert (process.host, process.port) == ("127.0.0.1", 8000)
    assert "a secret" not in repr(process.storage_token)
