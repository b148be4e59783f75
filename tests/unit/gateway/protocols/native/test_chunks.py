"""`PUT .../chunks/OFFSET`: chunks in any order and in parallel, each checked."""

from __future__ import annotations

import asyncio
import gzip
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet
from tests.unit.gateway.native import BODY, MIB, SIZE, content_digest, created, put, sha256, shown
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway


async def test_chunks_in_any_order_and_in_parallel_create_one_job(gateway: Gateway) -> None:
    content = random.Random(1).randbytes(5 * MIB + 17)
    path = await created(gateway, size=len(content), sha256=sha256(content))
    size = MIB - 3
    offsets = list(range(0, len(content), size))
    random.Random(2).shuffle(offsets)
    answers = [
        await response.json()
        for response in await asyncio.gather(
            *(
                put(
                    gateway, path, at, content[at : at + size],
                    content_digest=content_digest(content[at : at + size], "sha-512"),
                )
                for at in offsets
            )
        )
    ]  # fmt: skip
    (job,) = {answer["job"] for answer in answers} - {None}
    view = await shown(gateway, path)
    assert (view["complete"], view["missing"], view["job"]) == (True, [], job)
    assert await gateway.content(upload_key(UUID(view["id"]))) == content
    assert gateway.bus.published == [UUID(job.rpartition("/")[2])]


async def test_the_last_byte_and_every_repetition_return_the_job(gateway: Gateway) -> None:
    path = await created(gateway)
    first = await put(gateway, path, 10, BODY[10:])
    assert (first.status, (await first.json())["missing"]) == (200, [[0, 10]])
    assert "Csvmill-Job" not in first.headers
    last = await put(gateway, path, 0, BODY[:10])
    job = (await last.json())["job"]
    assert last.headers["Csvmill-Job"] == job
    again = await put(gateway, path, 20, BODY[20:30])
    assert (again.status, (await again.json())["job"]) == (200, job)
    shown_job = await (await gateway.client.get(job)).json()
    assert (shown_job["filename"], shown_job["input_size"]) == ("plays.csv", SIZE)


@settings(max_examples=25)
@given(
    chunks=st.lists(
        st.tuples(st.integers(0, SIZE), st.integers(0, SIZE), st.booleans()), max_size=8
    )
)
async def test_only_whole_chunks_with_the_right_digest_are_shown_as_received(
    gateway: Gateway, chunks: list[tuple[int, int, bool]]
) -> None:
    path = await created(gateway)
    sent = RangeSet()
    for one, other, right in chunks:
        start, stop = min(one, other), max(one, other)
        digest = content_digest(BODY[start:stop] if right else b"something else")
        response = await put(gateway, path, start, BODY[start:stop], content_digest=digest)
        assert response.status == (200 if right else 400)
        if right:
            sent = sent.add(start, stop)
    view = await shown(gateway, path)
    held = [[part.start, part.stop] for part in sent]
    assert (view["received"], view["received_bytes"]) == (held, len(sent))
    assert sorted(view["received"] + view["missing"]) == sorted(
        held + [[gap.start, gap.stop] for gap in sent.missing(0, SIZE)]
    )
    assert (view["job"] is not None) == view["complete"] == (len(sent) == SIZE)
    for gap in sent.missing(0, SIZE):
        await put(gateway, path, gap.start, BODY[gap.start : gap.stop])
    assert await gateway.content(upload_key(UUID(view["id"]))) == BODY


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
async def test_a_chunk_with_another_digest_is_not_stored(gateway: Gateway, algorithm: str) -> None:
    path = await created(gateway)
    wrong = await put(gateway, path, 0, BODY, content_digest=content_digest(b"x", algorithm))
    problem = await problem_of(wrong, 400, "chunk-digest-mismatch")
    assert algorithm in problem["detail"]
    assert (await shown(gateway, path))["received"] == []
    right = await put(gateway, path, 0, BODY, content_digest=content_digest(BODY, algorithm))
    assert (await right.json())["complete"]


async def test_every_known_digest_is_checked_and_unknown_ones_are_ignored(
    gateway: Gateway,
) -> None:
    path = await created(gateway)
    good, bad = content_digest(BODY, "sha-512"), content_digest(b"x", "sha-256")
    wrong = await put(gateway, path, 0, BODY, content_digest=f"{good}, {bad}")
    await problem_of(wrong, 400, "chunk-digest-mismatch")
    right = await put(gateway, path, 0, BODY, content_digest=f"md5=:YWJj:, {good}")
    assert right.status == 200


@pytest.mark.parametrize(
    "header", ["md5=:YWJj:", "sha-256=YWJj", "sha-256=:YWJj:", "sha-256=:####:", "sha-256", "="]
)
async def test_a_digest_that_cannot_be_checked_is_refused(gateway: Gateway, header: str) -> None:
    path = await created(gateway)
    response = await put(gateway, path, 0, BODY, content_digest=header)
    problem = await problem_of(response, 400, "invalid-input")
    assert "Content-Digest" in problem["detail"]
    assert (await shown(gateway, path))["received"] == []


async def test_a_file_with_another_digest_becomes_no_job_and_starts_again(
    gateway: Gateway,
) -> None:
    path = await created(gateway, sha256=sha256(b"another"))
    await put(gateway, path, 10, BODY[10:])
    wrong = await put(gateway, path, 0, BODY[:10])
    problem = await problem_of(wrong, 400, "digest-mismatch")
    assert sha256(BODY) in problem["detail"]
    view = await shown(gateway, path)
    assert (view["received"], view["job"]) == ([], None)
    assert gateway.bus.published == []


@pytest.mark.parametrize(("offset", "length"), [(SIZE, 1), (SIZE + 1, 0), (0, SIZE + 1)])
@pytest.mark.parametrize("known", [True, False])
async def test_a_chunk_beyond_the_end_is_refused(
    gateway: Gateway, offset: int, length: int, known: bool
) -> None:
    async def pieces() -> Any:
        yield b"x" * length

    path = await created(gateway)
    body: Any = b"x" * length if known else pieces()
    response = await gateway.client.put(f"{path}/chunks/{offset}", data=body)
    await problem_of(response, 400, "chunk-out-of-bounds")
    assert (await shown(gateway, path))["received"] == []


@pytest.mark.parametrize(
    ("offset", "type_", "said"),
    [
        ("1" + "0" * 18, "chunk-out-of-bounds", "offset is 1000000000000000000, and no file"),
        ("9" * 19, "chunk-out-of-bounds", "offset is 9999999999999999999,"),
        ("1" * 5000, "chunk-out-of-bounds", "... of 5000 characters, and no file"),
        ("-1", "invalid-input", "offset is '-1'; send where the chunk begins"),
        ("1.0", "invalid-input", "offset is '1.0'"),
        ("%D9%A3", "invalid-input", "offset is '٣'"),
        ("0x10", "invalid-input", "offset is '0x10'"),
    ],
)
async def test_an_impossible_offset_is_refused(
    gateway: Gateway, offset: str, type_: str, said: str
) -> None:
    path = await created(gateway)
    url = URL(f"{path}/chunks/{offset}", encoded=True)
    problem = await problem_of(await gateway.client.put(url, data=b"x"), 400, type_)
    assert said in problem["detail"]
    assert (await shown(gateway, path))["received"] == []


async def test_an_offset_may_begin_with_zeros(gateway: Gateway) -> None:
    path = await created(gateway)
    response = await gateway.client.put(f"{path}/chunks/{'0' * 30}7", data=BODY[7:9])
    assert (await response.json())["received"] == [[7, 9]]


async def test_an_encoded_chunk_is_refused(gateway: Gateway) -> None:
    path = await created(gateway)
    response = await gateway.client.put(
        f"{path}/chunks/0", data=gzip.compress(BODY), headers={"Content-Encoding": "gzip"}
    )
    await problem_of(response, 415, "unsupported-media")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
@pytest.mark.parametrize("name", [str(UUID(int=9)), "nothing"])
async def test_an_unknown_upload_is_a_404_problem(gateway: Gateway, method: str, name: str) -> None:
    path = f"/api/v1/uploads/{name}" + ("/chunks/0" if method == "PUT" else "")
    response = await gateway.client.request(method, path)
    await problem_of(response, 404, "upload-not-found")


async def test_a_chunk_whose_connection_breaks_is_not_stored(gateway: Gateway) -> None:
    path = await created(gateway, size=MIB)
    _, writer = await asyncio.open_connection(*gateway.address)
    head = f"PUT {path}/chunks/0 HTTP/1.1\r\nHost: x\r\nContent-Length: {MIB}\r\n\r\n"
    writer.write(head.encode() + bytes(MIB - 1))
    await writer.drain()
    writer.transport.abort()
    response = await put(gateway, path, MIB - 10, bytes(10))
    assert (await response.json())["received"] == [[MIB - 10, MIB]]
