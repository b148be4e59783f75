"""Resumable uploads for HTTP, interop version 8, by the sections of the draft's revision -10."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.uploads.upload import upload_id_of
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
    hanging,
    in_pieces,
    standard_problem,
    upload_state,
)
from tests.unit.gateway.jobs.test_handlers import problem_of
from tests.unit.gateway.protocols.native.test_handlers import content_digest

if TYPE_CHECKING:
    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway, Start


# 4.2 Upload creation


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


# 4.1.2 Completeness: marked by the client


async def test_an_upload_with_every_byte_becomes_a_job_only_when_its_client_marks_it(
    gateway: Gateway,
) -> None:
    path = await created(gateway, CONTENT, Upload_Length=SIZE)
    assert await upload_state(gateway, path) == ("?0", SIZE, SIZE)
    view = await (await gateway.client.get(path)).json()
    assert (view["complete"], view["job"]) == (True, None)
    assert gateway.bus.published == []
    done = await append(gateway, path, SIZE, b"", 201)
    assert done.headers["Csvmill-Job"]
    assert await upload_state(gateway, path) == ("?1", SIZE, SIZE)
    assert len(gateway.bus.published) == 1


async def test_the_length_may_stay_unknown_to_the_end(gateway: Gateway) -> None:
    path = await created(gateway, CONTENT[:9])
    assert await upload_state(gateway, path) == ("?0", 9, None)
    await append(gateway, path, 9, in_pieces(CONTENT[9:]), 201)
    assert await upload_state(gateway, path) == ("?1", SIZE, SIZE)
    assert await content_of(gateway, path) == CONTENT


async def test_an_append_to_a_complete_upload_is_refused(gateway: Gateway) -> None:
    path = await created(gateway, CONTENT, Upload_Complete="?1")
    for data in (b"more", in_pieces(b"more")):
        refused = await append(gateway, path, SIZE, data, 400)
        await standard_problem(refused, "inconsistent-upload-length")
    refused = await append(gateway, path, SIZE, b"", 400, Upload_Complete="?1")
    await standard_problem(refused, "completed-upload")
    assert refused.headers["Upload-Complete"] == "?1"
    assert refused.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == CONTENT


# 4.1.1 Offset


@pytest.mark.parametrize("offset", [0, 2, 4, 10**14])
async def test_an_append_at_another_offset_is_a_conflict_with_the_offset(
    gateway: Gateway, offset: int
) -> None:
    path = await created(gateway, b"abc")
    refused = await append(gateway, path, offset, b"xyz", 409)
    problem = await standard_problem(refused, "mismatching-upload-offset")
    assert (problem["expected-offset"], problem["provided-offset"]) == (3, offset)
    assert (refused.headers["Upload-Offset"], refused.headers["Upload-Complete"]) == ("3", "?0")
    assert await upload_state(gateway, path) == ("?0", 3, None)


# 4.1.3 Length


@pytest.mark.parametrize(
    ("length", "complete", "content"),
    [(4, "?1", b"abc"), (2, "?1", b"abc"), (2, "?0", b"abc"), (0, "?0", b"abc")],
)
async def test_a_creation_that_contradicts_itself_is_refused(
    gateway: Gateway, length: int, complete: str, content: bytes
) -> None:
    refused = await create(gateway, content, 400, Upload_Length=length, Upload_Complete=complete)
    await standard_problem(refused, "inconsistent-upload-length")


@pytest.mark.parametrize(
    ("fields", "content"),
    [
        ({"Upload_Length": 11}, b"x"),
        ({"Upload_Length": 9, "Upload_Complete": "?1"}, b"123456"),
        ({"Upload_Complete": "?1"}, b"123456"),
        ({"Upload_Complete": "?1"}, b"12345678"),
        ({}, b"12345678"),
    ],
)
async def test_an_append_that_contradicts_the_known_length_is_refused_and_not_stored(
    gateway: Gateway, fields: dict[str, object], content: bytes
) -> None:
    path = await created(gateway, b"abc", Upload_Length=10)
    refused = await append(gateway, path, 3, content, 400, **fields)
    await standard_problem(refused, "inconsistent-upload-length")
    assert await upload_state(gateway, path) == ("?0", 3, 10)


async def test_a_length_declared_with_an_append_is_kept(gateway: Gateway) -> None:
    path = await created(gateway, b"abc")
    await append(gateway, path, 3, b"def", 204, Upload_Length=10)
    assert await upload_state(gateway, path) == ("?0", 6, 10)
    short = await append(gateway, path, 6, b"", 400, Upload_Length=5)
    await standard_problem(short, "inconsistent-upload-length")


async def test_a_length_below_what_was_received_is_refused(gateway: Gateway) -> None:
    path = await created(gateway, b"abcdef")
    short = await append(gateway, path, 6, b"", 400, Upload_Length=5)
    await standard_problem(short, "inconsistent-upload-length")
    assert await upload_state(gateway, path) == ("?0", 6, None)


async def test_an_end_before_the_known_length_does_not_complete(gateway: Gateway) -> None:
    path = await created(gateway, b"abc", Upload_Length=10)
    early = await append(gateway, path, 3, in_pieces(b"def"), 400, Upload_Complete="?1")
    await standard_problem(early, "inconsistent-upload-length")
    assert await upload_state(gateway, path) == ("?0", 6, 10)


async def test_bytes_beyond_the_known_length_end_the_upload(gateway: Gateway) -> None:
    path = await created(gateway, b"abc", Upload_Length=10)
    beyond = await append(gateway, path, 3, in_pieces(b"x" * 8), 400)
    await standard_problem(beyond, "inconsistent-upload-length")
    await ask(gateway, "HEAD", path, 404)


# Structured fields: a field of another type is ignored


@pytest.mark.parametrize("value", ["1", "true", "?2", "?1, ?1", '"?1"', ""])
async def test_a_creation_with_a_malformed_completeness_is_a_plain_upload(
    gateway: Gateway, value: str
) -> None:
    answer = await create(gateway, CONTENT, Upload_Complete=value)
    assert "Upload-Complete" not in answer.headers
    assert answer.headers["Csvmill-Job"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Upload_Offset", "-1"),
        ("Upload_Offset", "0.0"),
        ("Upload_Offset", "?0"),
        ("Upload_Offset", "0, 0"),
        ("Upload_Offset", "1" * 16),
        ("Upload_Complete", "0"),
        ("Upload_Complete", ""),
    ],
)
async def test_an_append_without_offset_or_completeness_is_refused(
    gateway: Gateway, field: str, value: str
) -> None:
    path = await created(gateway)
    refused = await append(gateway, path, 0, b"x", 400, **{field: value})
    problem = await problem_of(refused, 400, "invalid-input")
    assert field.replace("_", "-") in problem["detail"]
    assert problem["field"] == field.replace("_", "-")
    assert await upload_state(gateway, path) == ("?0", 0, None)


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "?1", "3, 3"])
async def test_a_malformed_length_is_ignored(gateway: Gateway, value: str) -> None:
    path = await created(gateway, b"abcdef", Upload_Length=value)
    assert await upload_state(gateway, path) == ("?0", 6, None)


async def test_parameters_of_fields_are_ignored(gateway: Gateway) -> None:
    path = await created(gateway, b"abc", Upload_Complete="?0;a=1", Upload_Length="10;b")
    await append(gateway, path, 3, b"d", 204, Upload_Offset="3;c=?0")
    assert await upload_state(gateway, path) == ("?0", 4, 10)


# Which protocol


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


async def test_a_head_of_the_native_protocol_does_not_abort_an_append(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    async with hanging(gateway, path, CONTENT[:100_000]) as connection:
        await appends.taken(100_000)
        head = await gateway.client.head(path)
        assert (head.status, "Upload-Offset" in head.headers) == (200, False)
        await connection.write(CONTENT[100_000:])
        assert (await connection.answer()).status == 201
    assert await content_of(gateway, path) == CONTENT


@pytest.mark.parametrize("media_type", ["application/offset+octet-stream", "text/csv"])
async def test_an_append_of_another_type_is_refused(gateway: Gateway, media_type: str) -> None:
    path = await created(gateway)
    refused = await append(gateway, path, 0, b"x", 415, Content_Type=media_type)
    assert "application/partial-upload" in refused.headers["Accept-Patch"]


@pytest.mark.parametrize("name", [str(UUID(int=9)), "nothing"])
async def test_an_unknown_upload_is_not_found(gateway: Gateway, name: str) -> None:
    path = f"/api/v1/uploads/{name}"
    await ask(gateway, "HEAD", path, 404)
    await append(gateway, path, 0, b"x", 404)
    await ask(gateway, "DELETE", path, 404)


@pytest.mark.parametrize("dialect", ["tus", "v1", "dropzone"])
async def test_an_upload_of_another_protocol_can_be_continued(
    gateway: Gateway, dialect: str
) -> None:
    if dialect == "tus":
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(SIZE)}
        answer = await gateway.client.post("/api/tus/", headers=headers)
        path = answer.headers["Location"].replace("/api/tus/", "/api/v1/uploads/")
    elif dialect == "v1":
        declared = {"name": "a.csv", "size": SIZE}
        path = (await gateway.client.post("/api/v1/uploads", json=declared)).headers["Location"]
    else:
        await gateway.chunk("by dropzone", CONTENT[:0], offset=0, size=9, total=SIZE)
        path = f"/api/v1/uploads/{upload_id_of('by dropzone')}"
    await append(gateway, path, 0, CONTENT[:9], 204)
    assert await upload_state(gateway, path) == ("?0", 9, SIZE)
    last = await append(gateway, path, 9, CONTENT[9:], 201)
    assert last.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == CONTENT


# 4.1.4 Limits


async def test_limits_are_sent_on_creation_retrieval_and_options(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=1000, upload_ttl=3600.5)
    limits = "max-size=1000, max-age=3600"
    answer = await create(gateway, b"abc")
    assert answer.headers["Upload-Limit"] == limits
    path = answer.headers["Location"]
    assert (await ask(gateway, "HEAD", path, 204)).headers["Upload-Limit"] == limits
    for url, patches in (
        (URL, "application/partial-upload"),
        (path, "application/partial-upload, application/json"),
    ):
        options = (await ask(gateway, "OPTIONS", url, 204)).headers
        assert (options["Upload-Limit"], options["Accept-Patch"]) == (limits, patches)
    done = await append(gateway, path, 3, b"d", 201)
    assert "Upload-Limit" not in done.headers


async def test_a_file_that_is_too_large_is_refused_with_the_limit(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=100)
    for headers in ({"Upload_Length": 101}, {"Upload_Complete": "?1"}):
        refused = await create(gateway, b"x" * 101, 413, **headers)
        assert refused.headers["Upload-Limit"].startswith("max-size=100,")
    path = await created(gateway, b"x" * 60)
    for data, headers in ((in_pieces(b"x" * 60), {}), (b"", {"Upload_Length": 101})):
        refused = await append(gateway, path, 60, data, 413, **headers)
        assert refused.headers["Upload-Limit"].startswith("max-size=100,")
        assert await upload_state(gateway, path) == ("?0", 60, None)
    assert gateway.bus.published == []


# All together


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.booleans()), min_size=1, max_size=8),
    st.booleans(),
)
async def test_the_offset_is_always_the_number_of_stored_bytes(
    gateway: Gateway, steps: list[tuple[int, bool, bool]], length_known: bool
) -> None:
    content = CONTENT[:100]
    path = await created(gateway, **({"Upload_Length": 100} if length_known else {}))
    at = 0
    for length, with_length, digested in steps:
        body = content[at : at + length]
        fields = {"Content_Digest": content_digest(body)} if digested else {}
        data = body if with_length else in_pieces(body)
        await append(gateway, path, at, data, 204, **fields)
        at += len(body)
        assert await upload_state(gateway, path) == ("?0", at, 100 if length_known else None)
    last = await append(gateway, path, at, content[at:], 201)
    job = await (await gateway.client.get(last.headers["Csvmill-Job"])).json()
    assert job["input_size"] == 100
    assert await content_of(gateway, path) == content


async def test_the_protocol_is_allowed_across_origins(gateway: Gateway) -> None:
    answer = await create(gateway, b"abc", Origin="https://page.example")
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Upload-Offset", "Upload-Complete", "Upload-Limit", "Location"} <= set(exposed)


async def test_an_upload_is_shown_and_cancelled_in_v1_and_tus(gateway: Gateway) -> None:
    path = await created(gateway, b"abc")
    view = await (await gateway.client.get(path)).json()
    assert (view["size"], view["received"], view["complete"]) == (None, [[0, 3]], False)
    tus = path.replace("/api/v1/uploads/", "/api/tus/")
    head = await gateway.client.head(tus, headers={"Tus-Resumable": "1.0.0"})
    assert (head.status, head.headers["Upload-Offset"]) == (200, "3")
    assert (await gateway.client.delete(path)).status == 204
    await ask(gateway, "HEAD", path, 404)
