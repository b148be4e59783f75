"""`PATCH /api/v1/uploads/ID`: the size is declared later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.blobs.blob import upload_key
from tests.unit.gateway.native import BODY, SIZE, created, put, sha256, shown
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.mark.parametrize("told_first", [True, False])
async def test_the_size_of_a_file_may_be_declared_later(gateway: Gateway, told_first: bool) -> None:
    path = await created(gateway, size=None)
    await put(gateway, path, 0, BODY[:9])
    view = await shown(gateway, path)
    assert (view["size"], view["complete"], view["missing"]) == (None, False, [])
    if not told_first:
        await put(gateway, path, 9, BODY[9:])
    response = await gateway.client.patch(path, json={"size": SIZE})
    view = await response.json()
    assert (response.status, view["size"], view["complete"]) == (200, SIZE, not told_first)
    if told_first:
        response = await put(gateway, path, 9, BODY[9:])
        view = await response.json()
    assert response.headers["Csvmill-Job"] == view["job"]
    assert await gateway.content(upload_key(UUID(view["id"]))) == BODY
    # Repeated, it is harmless.
    again = await gateway.client.patch(path, json={"size": SIZE})
    assert (again.status, (await again.json())["job"]) == (200, view["job"])
    assert len(gateway.bus.published) == 1


async def test_another_size_than_before_is_a_conflict_and_changes_nothing(gateway: Gateway) -> None:
    path = await created(gateway)
    await problem_of(await gateway.client.patch(path, json={"size": 1}), 409, "size-conflict")
    assert (await shown(gateway, path))["size"] == SIZE


async def test_a_size_below_what_was_received_is_a_conflict_and_changes_nothing(
    gateway: Gateway,
) -> None:
    path = await created(gateway, size=None)
    await put(gateway, path, 5, b"abc")
    await problem_of(await gateway.client.patch(path, json={"size": 7}), 409, "size-conflict")
    assert (await shown(gateway, path))["size"] is None
    assert (await gateway.client.patch(path, json={"size": 8})).status == 200


async def test_declaring_the_size_completes_an_upload_of_the_ietf_protocol(
    gateway: Gateway,
) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads?name=a.csv",
        data=BODY,
        headers={"Upload-Draft-Interop-Version": "8", "Upload-Complete": "?0"},
    )
    path = response.headers["Location"]
    done = await gateway.client.patch(path, json={"size": SIZE})
    assert (await done.json())["job"] == done.headers["Csvmill-Job"]


async def test_the_digest_of_a_file_whose_size_is_declared_last_is_checked(
    gateway: Gateway,
) -> None:
    path = await created(gateway, size=None, sha256=sha256(BODY))
    await put(gateway, path, 0, BODY[::-1])
    wrong = await gateway.client.patch(path, json={"size": SIZE})
    await problem_of(wrong, 400, "digest-mismatch")
    await put(gateway, path, 0, BODY)
    assert (await (await gateway.client.patch(path, json={"size": SIZE})).json())["job"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "size"),
        ({"size": None}, "size"),
        ({"size": -1}, "size"),
        ({"size": True}, "size"),
        ({"size": 1, "name": "b.csv"}, "name"),
    ],
)
async def test_a_malformed_size_is_refused(
    gateway: Gateway, body: dict[str, Any], named: str
) -> None:
    path = await created(gateway, size=None)
    refused = await gateway.client.patch(path, json=body)
    problem = await problem_of(refused, 400, "invalid-input")
    assert named in problem["detail"]
    assert problem["field"] == named


async def test_a_size_that_is_too_large_is_refused(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=100)
    path = await created(gateway, size=None)
    await problem_of(await gateway.client.patch(path, json={"size": 101}), 413, "upload-too-large")


async def test_the_size_of_an_unknown_upload_cannot_be_declared(gateway: Gateway) -> None:
    unknown = await gateway.client.patch(f"/api/v1/uploads/{UUID(int=9)}", json={"size": 1})
    await problem_of(unknown, 404, "upload-not-found")
