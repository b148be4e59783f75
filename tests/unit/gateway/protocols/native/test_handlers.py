"""`/api/v1/uploads`: chunks in any order and in parallel, each checked."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from gateway.uploads.upload import upload_id_of
from shared.blobs.blob import upload_key
from shared.blobs.byte_ranges import RangeSet
from shared.errors import BlobNotFound
from shared.jobs.job import JobState
from tests.unit.gateway.jobs.test_handlers import problem_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway, Start

BODY = b"Song,Date,Number of Plays\na,2026-01-01,1\nb,2026-01-02,2\n"
SIZE = len(BODY)
MIB = 1 << 20


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_digest(content: bytes, algorithm: str = "sha-256") -> str:
    digest = hashlib.new(algorithm.replace("-", ""), content).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


async def post(gateway: Gateway, key: str | None = None, /, **fields: Any) -> ClientResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    declared = {"name": "plays.csv", "size": SIZE, **fields}
    declared = {name: value for name, value in declared.items() if value is not ...}
    return await gateway.client.post("/api/v1/uploads", json=declared, headers=headers)


async def created(gateway: Gateway, key: str | None = None, /, **fields: Any) -> str:
    """Return the path of a new upload."""
    response = await post(gateway, key, **fields)
    assert response.status == 201, await response.text()
    return response.headers["Location"]


async def put(
    gateway: Gateway, path: str, offset: int, body: bytes, **headers: str
) -> ClientResponse:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.client.put(f"{path}/chunks/{offset}", data=body, headers=fields)


async def shown(gateway: Gateway, path: str) -> dict[str, Any]:
    response = await gateway.client.get(path)
    assert response.status == 200, await response.text()
    view: dict[str, Any] = await response.json()
    return view


# Creation


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
        ({"name": "plays.txt"}, "csv"),
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


async def test_a_declaration_with_a_wrong_content_encoding_is_refused(
    gateway: Gateway,
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    sent = b'{"name": "plays.csv", "size": 74}'
    response = await gateway.client.post("/api/v1/uploads", data=sent, headers=headers)
    problem = await problem_of(response, 400, "invalid-input")
    assert "the body cannot be read" in problem["detail"]
    assert "gzip" in problem["detail"]
    assert response.headers["Connection"] == "close"
    squeezed = gzip.compress(sent)
    response = await gateway.client.post("/api/v1/uploads", data=squeezed, headers=headers)
    assert response.status == 201


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


# Idempotency-Key


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


# Chunks


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


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


# Other protocols


async def test_an_upload_of_dropzone_is_shown_continued_and_cancelled(
    gateway: Gateway,
) -> None:
    await gateway.chunk("by dropzone", BODY[:9], offset=0, size=9, total=SIZE)
    view = await shown(gateway, "/api/v1/uploads/by dropzone")
    assert (view["id"], view["missing"]) == (str(upload_id_of("by dropzone")), [[9, SIZE]])
    path = f"/api/v1/uploads/{view['id']}"
    assert (await (await put(gateway, path, 20, BODY[20:])).json())["missing"] == [[9, 20]]
    assert (await gateway.client.delete(path)).status == 204
    await problem_of(await gateway.client.get(path), 404, "upload-not-found")


async def test_an_upload_cannot_be_hidden_by_naming_another_one_after_its_id(
    gateway: Gateway,
) -> None:
    path = await created(gateway)
    name = path.rpartition("/")[2]
    await gateway.chunk(name, b"x" * 9, offset=0, size=9, total=1000)
    assert (await shown(gateway, path))["size"] == SIZE


async def test_a_complete_upload_without_a_job_gets_one_when_it_is_requested(
    gateway: Gateway,
) -> None:
    # As after a gateway that was killed between the last byte and the job
    path = await created(gateway)
    upload_id = UUID(path.rpartition("/")[2])

    async def data() -> Any:
        yield BODY

    await gateway.blobs.write(upload_key(upload_id), 0, data())
    view = await shown(gateway, path)
    job = await gateway.jobs.of_upload(upload_id)
    assert job is not None
    assert view["job"] == f"/api/v1/jobs/{job.id}"
    assert gateway.bus.published == [job.id]


async def test_a_cancelled_upload_shows_its_job_and_takes_no_more_bytes(gateway: Gateway) -> None:
    path = await created(gateway)
    job = (await (await put(gateway, path, 0, BODY)).json())["job"]
    assert (await gateway.client.delete(path)).status == 204
    with pytest.raises(BlobNotFound):
        await gateway.blobs.info(upload_key(UUID(path.rpartition("/")[2])))
    assert (await shown(gateway, path))["job"] == job
    await problem_of(await put(gateway, path, 0, BODY), 409, "input-removed")
    cancelled = await gateway.jobs.get(UUID(job.rpartition("/")[2]))
    assert cancelled.state is JobState.REVOKED


# Sizes declared later


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
