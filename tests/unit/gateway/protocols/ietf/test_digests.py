"""Resumable uploads for HTTP, interop version 8: digests of the content and of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.gateway.ietf import (
    CONTENT,
    append,
    ask,
    create,
    created,
    in_pieces,
    upload_state,
)
from tests.unit.gateway.native import content_digest
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


async def test_an_append_with_another_content_digest_is_not_stored(gateway: Gateway) -> None:
    path = await created(gateway, b"abc")
    for right in (False, True):
        digest = content_digest(b"def" if right else b"xyz")
        answer = await append(
            gateway, path, 3, b"def", 204 if right else 400, Content_Digest=digest
        )
        if not right:
            await problem_of(answer, 400, "chunk-digest-mismatch")
            assert await upload_state(gateway, path) == ("?0", 3, None)
    assert await upload_state(gateway, path) == ("?0", 6, None)


async def test_the_content_digest_of_a_first_part_is_checked(gateway: Gateway) -> None:
    wrong = await create(gateway, b"abc", 400, Content_Digest=content_digest(b"x"))
    await problem_of(wrong, 400, "chunk-digest-mismatch")
    assert await upload_state(gateway, wrong.headers["Location"]) == ("?0", 0, None)


@pytest.mark.parametrize("field", ["Repr_Digest", "Content_Digest"])
async def test_a_file_with_another_digest_is_removed_and_becomes_no_job(
    gateway: Gateway, field: str
) -> None:
    wrong = await create(
        gateway, CONTENT, 400, Upload_Complete="?1", **{field: content_digest(b"x")}
    )
    await problem_of(wrong, 400, "digest-mismatch")
    assert wrong.headers["Upload-Complete"] == "?1"
    assert gateway.bus.published == []
    view = await gateway.client.get(wrong.headers.get("Location", "/api/v1/uploads/x"))
    assert view.status == 404
    await create(gateway, CONTENT, Upload_Complete="?1", **{field: content_digest(CONTENT)})


async def test_encoded_content_is_refused_and_requested_digests_are_ignored(
    gateway: Gateway,
) -> None:
    await problem_of(
        await create(gateway, b"abc", 415, Content_Encoding="gzip"), 415, "unsupported-media"
    )
    path = await created(gateway, b"abc")
    refused = await append(gateway, path, 3, b"def", 415, Content_Encoding="gzip")
    await problem_of(refused, 415, "unsupported-media")
    wish = {"Want_Repr_Digest": "sha-256=1"}
    for answer in (
        await ask(gateway, "HEAD", path, 204, **wish),
        await append(gateway, path, 3, b"def", 201, **wish),
    ):
        assert "Repr-Digest" not in answer.headers


async def test_digests_of_a_whole_file_that_contradict_each_other_are_refused(
    gateway: Gateway,
) -> None:
    digests = {"Repr_Digest": content_digest(b"x"), "Content_Digest": content_digest(b"y")}
    for complete, status in (("?1", 400), ("?0", 201)):
        answer = await create(gateway, b"y", status, Upload_Complete=complete, **digests)
    assert await upload_state(gateway, answer.headers["Location"]) == ("?0", 1, None)


@pytest.mark.parametrize("length_known", [True, False])
async def test_the_digest_of_the_file_is_checked_with_the_last_append(
    gateway: Gateway, length_known: bool
) -> None:
    for declared, status in ((CONTENT[::-1], 400), (CONTENT, 201)):
        path = await created(gateway, CONTENT[:9], Repr_Digest=content_digest(declared))
        data = CONTENT[9:] if length_known else in_pieces(CONTENT[9:])
        answer = await append(gateway, path, 9, data, status, Upload_Complete="?1")
        assert answer.headers["Upload-Complete"] == "?1"
        if status == 400:
            await problem_of(answer, 400, "digest-mismatch")
            await ask(gateway, "HEAD", path, 404)
    assert len(gateway.bus.published) == 1


@pytest.mark.parametrize(
    "digest", ["sha-256", "sha-256=:YWJj:", "sha-256=x", "md5=:YWJj:", "sha-512", "=", "sha-256=1"]
)
async def test_a_digest_that_cannot_be_checked_is_refused(gateway: Gateway, digest: str) -> None:
    path = await created(gateway)
    await create(gateway, b"x", 400, Repr_Digest=digest)
    await append(gateway, path, 0, b"x", 400, Content_Digest=digest)
    await append(gateway, path, 0, b"x", 400, Repr_Digest=content_digest(b"x"))
    assert await upload_state(gateway, path) == ("?0", 0, None)
