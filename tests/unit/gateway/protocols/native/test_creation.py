"""`POST /api/v1/uploads`: uploads are declared, once for each Idempotency-Key."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from tests.unit.gateway.native import BODY, SIZE, created, post, put, sha256, shown
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start


async def test_a_new_upload_shows_what_was_declared_and_what_is_missing(gateway: Gateway) -> None:
    response = await post(gateway, name="a/Größe.CSV", sha256=sha256(BODY).upper())
    view = await response.json()
    assert response.status == 201
    assert response.headers["Location"] == f"/api/v1/uploads/{UUID(view['id'])}"
    assert view == {
        "id": view["id"],
        "name": "Größe.CSV",
        "size": SIZE,
        "sha256": sha256(BODY),
        "complete": False,
        "received_bytes": 0,
        "received": [],
        "missing": [[0, SIZE]],
        "job": None,
        "head_start": None,
    }
    assert await shown(gateway, response.headers["Location"]) == view


async def test_a_file_of_no_bytes_is_a_job_at_once(gateway: Gateway) -> None:
    view = await (await post(gateway, size=0)).json()
    assert (view["complete"], view["missing"]) == (True, [])
    job = await (await gateway.client.get(view["job"])).json()
    assert (job["state"], job["input_size"]) == ("PENDING", 0)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": None}, "name"),
        ({"name": "plays/"}, "name of the file"),
        ({"name": "a\u0007.csv"}, "control"),
        ({"size": ...}, "size"),
        ({"size": -1}, "size"),
        ({"size": True}, "size"),
        ({"size": "5"}, "size"),
        ({"size": 74.5}, "size is 74.5; send the bytes of the file, a whole number"),
        ({"sha256": "ab"}, "sha256"),
        ({"sha256": 1}, "sha256"),
        ({"aggregation": {}}, "aggregation"),
    ],
)
async def test_a_malformed_declaration_is_refused_with_its_field(
    gateway: Gateway, fields: dict[str, Any], named: str
) -> None:
    problem = await problem_of(await post(gateway, **fields), 400, "invalid-input")
    assert named in problem["detail"]
    assert problem["field"] in fields


@pytest.mark.parametrize(
    ("written", "size"),
    [("74.0", 74), ("7.4e1", 74), ("740E-1", 74), ("0.0", 0), ("-0.0", 0), ("74", 74)],
)
async def test_a_size_is_a_whole_number_however_it_is_written(
    gateway: Gateway, written: str, size: int
) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads",
        data=f'{{"name": "plays.csv", "size": {written}}}',
        headers={"Content-Type": "application/json"},
    )
    view = await response.text()
    assert response.status == 201
    assert f'"size": {size}, ' in view


@pytest.mark.parametrize("written", ["1e-400", "7.4e0", "-1.0", "1e999999999", "NaN", "1e99"])
async def test_an_impossible_size_with_any_exponent_is_refused(
    gateway: Gateway, written: str
) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads",
        data=f'{{"name": "plays.csv", "size": {written}}}',
        headers={"Content-Type": "application/json"},
    )
    problem = await problem_of(response, 400, "invalid-input")
    assert problem["detail"].startswith("size is ")


async def test_a_declaration_with_a_content_encoding_is_refused(
    gateway: Gateway,
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    sent = b'{"name": "plays.csv", "size": 74}'
    for body in (sent, gzip.compress(sent)):
        response = await gateway.client.post("/api/v1/uploads", data=body, headers=headers)
        problem = await problem_of(response, 415, "unsupported-media")
        assert "gzip" in problem["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
async def test_a_declaration_that_is_not_a_json_object_is_refused(
    gateway: Gateway, body: bytes
) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads", data=body, headers={"Content-Type": "application/json"}
    )
    assert "field" not in await problem_of(response, 400, "invalid-input")


async def test_a_declaration_of_another_media_type_is_refused(gateway: Gateway) -> None:
    response = await gateway.client.post("/api/v1/uploads", data=b"name=x")
    await problem_of(response, 415, "unsupported-media")


async def test_a_file_above_the_limit_is_refused_before_it_is_sent(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(max_upload_size=100)
    problem = await problem_of(await post(gateway, size=101), 413, "upload-too-large")
    assert problem["field"] == "size"
    assert (await post(gateway, size=100)).status == 201


@pytest.mark.parametrize("again", ["k-1", '"k-1"'])
async def test_the_same_key_and_body_return_the_same_upload(gateway: Gateway, again: str) -> None:
    path = await created(gateway, '"k-1"')
    await put(gateway, path, 3, BODY[3:9])
    response = await post(gateway, again)
    assert (response.status, response.headers["Location"]) == (201, path)
    assert (await response.json())["received"] == [[3, 9]]
    # And it is found by the key too
    assert await shown(gateway, "/api/v1/uploads/k-1") == await shown(gateway, path)


async def test_concurrent_creations_with_one_key_create_one_upload(gateway: Gateway) -> None:
    assert len(set(await asyncio.gather(*(created(gateway, "k") for _ in range(8))))) == 1


@pytest.mark.parametrize(
    "other", [{"name": "other.csv"}, {"size": SIZE + 1}, {"sha256": sha256(b"")}]
)
async def test_the_same_key_with_another_body_is_refused(
    gateway: Gateway, other: dict[str, Any]
) -> None:
    path = await created(gateway, "k")
    before = await shown(gateway, path)
    await problem_of(await post(gateway, "k", **other), 422, "idempotency-key-reused")
    assert await shown(gateway, path) == before


async def test_repeating_a_creation_without_its_digest_is_another_body(
    gateway: Gateway,
) -> None:
    await created(gateway, "k", sha256=sha256(BODY))
    await problem_of(await post(gateway, "k"), 422, "idempotency-key-reused")


async def test_a_key_whose_bytes_were_removed_still_returns_its_job(gateway: Gateway) -> None:
    path = await created(gateway, "k")
    done = await (await put(gateway, path, 0, BODY)).json()
    await gateway.blobs.delete(upload_key(upload_id_of("k")))
    again = await (await post(gateway, "k")).json()
    assert (again["job"], again["complete"], again["missing"]) == (done["job"], True, [])
    await problem_of(await post(gateway, "k", size=1), 422, "idempotency-key-reused")
    await problem_of(await put(gateway, path, 0, BODY), 409, "input-removed")


@pytest.mark.parametrize("key", ['""', "", '"half', 'a"b', "x" * 256, "two words"])
async def test_a_malformed_key_is_refused(gateway: Gateway, key: str) -> None:
    problem = await problem_of(await post(gateway, key), 400, "invalid-input")
    assert "Idempotency-Key" in problem["detail"]
    assert problem["field"] == "Idempotency-Key"
