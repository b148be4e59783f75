"""Uploads are created (section 4.2 of revision -10 of the draft)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from tests.interims import Connection
from tests.unit.gateway.ietf import (
    CONTENT,
    SIZE,
    SPOKEN,
    URL,
    append,
    ask,
    content_of,
    create,
    created,
    in_pieces,
    standard_problem,
    upload_state,
)
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("length_known", [True, False])
async def test_a_file_in_one_request_is_answered_as_a_plain_upload(
    gateway: Gateway, method: str, length_known: bool
) -> None:
    data = CONTENT if length_known else in_pieces(CONTENT)
    answer = await ask(gateway, method, URL, 201, data, Upload_Complete="?1")
    view = await answer.json()
    assert (view["complete"], view["size"], view["name"]) == (True, SIZE, "big.csv")
    assert answer.headers["Upload-Complete"] == "?1"
    assert answer.headers["Csvmill-Job"] == view["job"]
    assert await content_of(gateway, answer.headers["Location"]) == CONTENT
    assert len(gateway.bus.published) == 1


async def test_the_first_part_of_a_file_is_created_and_appended_to(gateway: Gateway) -> None:
    answer = await create(gateway, CONTENT[:100_000], Upload_Length=SIZE)
    assert answer.headers["Upload-Complete"] == "?0"
    assert "Csvmill-Job" not in answer.headers
    path = answer.headers["Location"]
    assert await upload_state(gateway, path) == ("?0", 100_000, SIZE)
    half = await append(gateway, path, 100_000, CONTENT[100_000:200_000], 204)
    assert (half.headers["Upload-Complete"], half.headers["Upload-Offset"]) == ("?0", "200000")
    last = await append(gateway, path, 200_000, CONTENT[200_000:], 201)
    assert last.headers["Upload-Complete"] == "?1"
    assert (await last.json())["job"] == last.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == CONTENT


async def test_a_creation_may_have_no_content(gateway: Gateway) -> None:
    path = await created(gateway)
    assert await upload_state(gateway, path) == ("?0", 0, None)


async def test_a_complete_upload_without_content_is_an_empty_file(gateway: Gateway) -> None:
    answer = await create(gateway, b"", Upload_Complete="?1")
    assert (await answer.json())["size"] == 0
    assert answer.headers["Csvmill-Job"]


async def test_the_name_may_be_in_content_disposition_and_the_spec_in_the_url(
    gateway: Gateway,
) -> None:
    spec = '{"group_by": ["Song"], "aggregates": [{"function": "count", "name": "Days"}]}'
    answer = await gateway.client.put(
        "/api/v1/uploads", params={"spec": spec}, data=b"Song\n",
        headers={
            **SPOKEN, "Upload-Complete": "?1",
            "Content-Disposition": "attachment; filename=a.csv; "
            "filename*=UTF-8''Gr%C3%B6%C3%9Fe.csv",
        },
    )  # fmt: skip
    view = await answer.json()
    assert view["name"] == "Größe.csv"
    job = await gateway.jobs.get(UUID(view["job"].rpartition("/")[2]))
    assert job.aggregation.aggregates[0].name == "Days"


@pytest.mark.parametrize("disposition", ["", "attachment", "attachment; filename", ";;"])
async def test_a_file_without_a_name_is_refused(gateway: Gateway, disposition: str) -> None:
    answer = await ask(
        gateway, "PUT", "/api/v1/uploads", 400, b"x",
        Upload_Complete="?1", Content_Disposition=disposition,
    )  # fmt: skip
    assert "?name=" in (await problem_of(answer, 400, "invalid-input"))["detail"]


async def test_a_creation_with_the_same_key_is_the_same_upload(gateway: Gateway) -> None:
    key = {"Idempotency_Key": "march"}
    path = await created(gateway, CONTENT[:9], **key)
    assert await created(gateway, CONTENT[:9], **key) == path
    assert await upload_state(gateway, "/api/v1/uploads/march") == ("?0", 9, None)
    done = await append(gateway, path, 9, CONTENT[9:], 201)
    again = await create(gateway, CONTENT[:9], **key)
    assert done.headers["Csvmill-Job"] == again.headers["Csvmill-Job"]
    assert again.headers["Upload-Complete"] == "?1"
    await problem_of(
        await create(gateway, b"x", 422, Upload_Length=9, **key), 422, "idempotency-key-reused"
    )
    assert await content_of(gateway, path) == CONTENT


@pytest.mark.parametrize(
    ("length", "complete", "content"),
    [(4, "?1", b"abc"), (2, "?1", b"abc"), (2, "?0", b"abc"), (0, "?0", b"abc")],
)
async def test_a_creation_that_contradicts_itself_is_refused(
    gateway: Gateway, length: int, complete: str, content: bytes
) -> None:
    refused = await create(gateway, content, 400, Upload_Length=length, Upload_Complete=complete)
    await standard_problem(refused, "inconsistent-upload-length")


@pytest.mark.parametrize("value", ["1", "true", "?2", "?1, ?1", '"?1"', ""])
async def test_a_creation_with_a_malformed_completeness_is_a_plain_upload(
    gateway: Gateway, value: str
) -> None:
    answer = await create(gateway, CONTENT, Upload_Complete=value)
    assert "Upload-Complete" not in answer.headers
    assert answer.headers["Csvmill-Job"]


@pytest.mark.parametrize("version", ["3", "6", "9", "08x", None])
async def test_a_whole_file_in_another_version_is_a_plain_upload(
    gateway: Gateway, version: str | None
) -> None:
    headers = {"Upload-Complete": "?1"}
    if version:
        headers["Upload-Draft-Interop-Version"] = version
    async with Connection(gateway.address) as connection:
        await connection.send(f"PUT {URL}", {**headers, "Content-Length": "3"}, b"a\n1")
        answer = await connection.answer()
    assert connection.interims == []
    assert answer.status == 201
    assert "Upload-Complete" not in answer.headers
    assert len(gateway.bus.published) == 1


@pytest.mark.parametrize("version", ["6", ""])
async def test_the_first_part_of_a_file_in_another_version_is_refused(
    gateway: Gateway, version: str
) -> None:
    headers = {"Upload_Draft_Interop_Version": version}
    refused = await create(gateway, CONTENT[:9], 412, **headers)
    await problem_of(refused, 412, "unsupported-version")
    assert refused.headers["Upload-Draft-Interop-Version"] == "8"
    assert gateway.bus.published == []
    path = await created(gateway, CONTENT[:9])
    await append(gateway, path, 9, CONTENT[9:], 412, **headers)
    assert await upload_state(gateway, path) == ("?0", 9, None)


async def test_json_is_a_declaration_with_any_other_fields(gateway: Gateway) -> None:
    declared = await gateway.client.post(
        "/api/v1/uploads",
        json={"name": "a.csv", "size": 5},
        headers={**SPOKEN, "Upload-Complete": "?1"},
    )
    view = await declared.json()
    assert (declared.status, view["received"], view["size"]) == (201, [], 5)
