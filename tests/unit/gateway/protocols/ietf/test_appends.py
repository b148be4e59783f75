"""Appends: the offset, the length and the end of an upload (sections 4.1 and 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.gateway.ietf import (
    CONTENT,
    SIZE,
    append,
    ask,
    content_of,
    created,
    in_pieces,
    standard_problem,
    upload_state,
)
from tests.unit.gateway.native import content_digest
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


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


@pytest.mark.parametrize("media_type", ["application/offset+octet-stream", "text/csv"])
async def test_an_append_of_another_type_is_refused(gateway: Gateway, media_type: str) -> None:
    path = await created(gateway)
    refused = await append(gateway, path, 0, b"x", 415, Content_Type=media_type)
    assert "application/partial-upload" in refused.headers["Accept-Patch"]


@settings(max_examples=20)
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
