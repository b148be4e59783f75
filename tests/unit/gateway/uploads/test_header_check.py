"""Inspections and header checks of uploads."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.inspections import inspector
from gateway.inspections.start import READ_AT_A_TIME
from gateway.uploads import header_check
from shared.inspection import inspect as inspection
from shared.inspection.inspect import INSPECTION_LIMIT, check_header
from shared.inspection.sample import SAMPLE_SIZE
from tests.forwarding import Forwarding
from tests.unit.gateway.conftest import PART_STORED
from tests.unit.gateway.forms import FormBody
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

MISFIT = {"group_by": ["Sogn"]}
RIGHT = {"group_by": ["Song"]}
FIRST_PART = b"Song;Plays\n" + b"Umbrella;3\n" * (SAMPLE_SIZE // 11)
"""A bit more than a header check needs."""
SIZE = 50 * SAMPLE_SIZE
HINT = "did you mean 'Song'?"


async def declare(gateway: Gateway, key: str = "k", **fields: Any) -> ClientResponse:
    response = await gateway.client.post(
        "/api/v1/uploads",
        json={"name": "plays.csv", "size": SIZE, **fields},
        headers={"Idempotency-Key": key},
    )
    assert response.status == 201
    return response


async def put(gateway: Gateway, offset: int, data: Any, key: str = "k") -> ClientResponse:
    body = BytesIO(data) if isinstance(data, bytes) else data
    return await gateway.client.put(f"/api/v1/uploads/{key}/chunks/{offset}", data=body)


async def inspect(gateway: Gateway, key: str = "k", **body: Any) -> ClientResponse:
    return await gateway.client.post(f"/api/v1/uploads/{key}/inspect", **body)


async def endless() -> AsyncIterator[bytes]:
    """The first part of a file, of which the rest is never sent."""
    yield FIRST_PART
    await asyncio.Event().wait()


async def test_an_incomplete_upload_is_inspected(gateway: Gateway) -> None:
    await declare(gateway, aggregation=MISFIT)
    await problem_of(await inspect(gateway), 409, "beginning-missing")
    await put(gateway, 20, b"x")
    await put(gateway, 0, b"Song;P")
    problem = await problem_of(await inspect(gateway), 409, "beginning-missing")
    assert "the header does not end in the first 6 bytes" in problem["detail"]
    await put(gateway, 6, b"lays\r\na;1\r\n")

    view = await (await inspect(gateway)).json()

    assert view["input"]["delimiter"] == ";"
    assert [column["type"] for column in view["columns"]] == ["text", "integer"]
    assert (view["fits"], view["whole"]) == (False, False)
    assert HINT in view["misfit"]
    other = await (await inspect(gateway, json={"aggregation": RIGHT})).json()
    assert (other["fits"], other["output_columns"]) == (True, ["Song"])


async def test_an_upload_without_a_spec_is_inspected(gateway: Gateway) -> None:
    await declare(gateway, size=11)
    await put(gateway, 0, b"Song;Plays\n")
    view = await (await inspect(gateway)).json()
    assert (view["input"]["delimiter"], view["fits"], view["whole"]) == (";", None, True)


async def test_an_inspection_that_is_impossible_is_refused(gateway: Gateway) -> None:
    await problem_of(await inspect(gateway), 404, "upload-not-found")
    await declare(gateway)
    await put(gateway, 0, b"Song;Plays\n")
    for body, detail in (
        ({"json": {"spec": {}}}, "unknown: spec; send aggregation, or nothing"),
        ({"json": {"aggregation": {"limit": 0}}}, "aggregation.limit is 0"),
        ({"json": []}, "not a JSON object"),
    ):
        problem = await problem_of(await inspect(gateway, **body), 400, "invalid-input")
        assert detail in problem["detail"]
    refused = await inspect(gateway, data=b"x", headers={"Content-Type": "text/plain"})
    await problem_of(refused, 415, "unsupported-media")


async def test_a_chunk_with_a_header_that_does_not_fit_is_kept_and_refused_on_every_gateway(
    start_gateway: Start,
) -> None:
    first = await start_gateway()
    second = await start_gateway(
        folder="second", blobs=lambda _: first.blobs, jobs=lambda _: first.jobs
    )
    await declare(first, aggregation=MISFIT)

    problem = await problem_of(await put(first, 0, FIRST_PART), 422, "spec-mismatch")

    assert "group_by[0].column is 'Sogn'" in problem["detail"]
    assert HINT in problem["detail"]
    for gateway in (second, first):
        for offset in (len(FIRST_PART), 10 * SAMPLE_SIZE, 0):
            await problem_of(await put(gateway, offset, b"x"), 422, "spec-mismatch")
    upload = await (await second.client.get("/api/v1/uploads/k")).json()
    assert upload["received"] == [[0, len(FIRST_PART)]]
    assert HINT in (await (await inspect(second)).json())["misfit"]
    assert (await second.client.delete("/api/v1/uploads/k")).status == 204
    # Created again with a spec that fits, it is an upload like any other on any gateway
    await declare(second, aggregation=RIGHT)
    assert (await put(first, 0, FIRST_PART)).status == 200


async def test_a_header_that_has_to_be_declared_is_reported_early(gateway: Gateway) -> None:
    rows = b"Umbrella;1\nHello;2\n" * (SAMPLE_SIZE // 19 + 1)
    reason = "line 1 looks like a record (column 2 is '1'): set input.header to true or false"
    by_position = {"group_by": [1], "aggregates": [{"function": "sum", "column": 2}]}
    # Repeated text beside a number would be clear evidence
    rows = b"Rain;1\n" + rows
    await declare(gateway, aggregation=by_position)

    problem = await problem_of(await put(gateway, 0, rows), 422, "spec-mismatch")

    assert reason in problem["detail"]
    view = await (await inspect(gateway)).json()
    assert (view["input"]["header"], view["header_reason"]) == (None, reason)
    assert (view["fits"], view["misfit"]) == (False, reason)
    for header in (True, False):
        spec = {"aggregation": {**by_position, "input": {"header": header}}}
        view = await (await inspect(gateway, json=spec)).json()
        assert (view["input"]["header"], view["header_reason"], view["fits"]) == (
            header,
            "input.header is set",
            True,
        )


async def test_a_long_header_is_checked_once_it_is_received(
    gateway: Gateway, monkeypatch: Any
) -> None:
    checks = []

    def counted(sample: bytes, **how: Any) -> bool:
        checks.append(len(sample))
        return check_header(sample, **how)

    monkeypatch.setattr("gateway.uploads.header_check.check_header", counted)
    header = b";".join(b"column%01294d" % n for n in range(4_000)) + b"\n"
    await declare(gateway, aggregation=MISFIT)
    for at in range(0, len(header), SAMPLE_SIZE // 4):
        answer = await put(gateway, at, header[at : at + SAMPLE_SIZE // 4])
        if at + SAMPLE_SIZE // 4 < len(header):
            assert answer.status == 200
        if at == 3 * SAMPLE_SIZE:
            problem = await problem_of(await inspect(gateway), 409, "beginning-missing")
            assert "the header does not end in the first" in problem["detail"]
    # 20 chunks, and a few checks
    assert checks == [n * SAMPLE_SIZE for n in (1, 2, 4)]
    await put(gateway, len(header), b"x;1\n" * SAMPLE_SIZE)

    problem = await problem_of(await put(gateway, 20 * SAMPLE_SIZE, b"x"), 422, "spec-mismatch")

    assert "group_by[0].column is 'Sogn'" in problem["detail"]
    view = await (await inspect(gateway)).json()
    assert (view["column_count"], view["error"], view["fits"]) == (4_000, None, False)


async def test_a_header_that_never_ends_is_reported(gateway: Gateway) -> None:
    endless = (b"column" * 200 + b";") * (INSPECTION_LIMIT // 1201 + 1)
    await declare(gateway, aggregation=RIGHT, size=len(endless))
    assert (await put(gateway, 0, endless)).status == 200
    view = await (await inspect(gateway)).json()
    assert "the header does not end within the first 16 MiB" in view["error"]
    assert (view["column_count"], view["fits"]) == (0, None)


async def test_chunks_received_before_the_header_are_stored(gateway: Gateway) -> None:
    await declare(gateway, aggregation=MISFIT)
    assert (await put(gateway, 10 * SAMPLE_SIZE, b"x" * 100)).status == 200
    # Small chunks are not checked until the first MiB is received
    half = SAMPLE_SIZE // 2
    assert (await put(gateway, half, FIRST_PART[half:])).status == 200
    await problem_of(await put(gateway, 0, FIRST_PART[:half]), 422, "spec-mismatch")


async def test_a_spec_that_fits_or_none_is_never_refused(gateway: Gateway) -> None:
    for key, fields in (("a", {"aggregation": RIGHT}), ("b", {})):
        await declare(gateway, key, **fields)
        for offset in (0, 20 * SAMPLE_SIZE, 40 * SAMPLE_SIZE):
            assert (await put(gateway, offset, FIRST_PART, key)).status == 200


async def test_a_complete_file_becomes_a_job_that_reports_the_mismatch(gateway: Gateway) -> None:
    await declare(gateway, aggregation=MISFIT, size=len(FIRST_PART))
    upload = await (await put(gateway, 0, FIRST_PART)).json()
    assert upload["job"]


async def test_a_large_chunk_is_aborted(gateway: Gateway, monkeypatch: Any) -> None:
    monkeypatch.setattr("gateway.uploads.write.TOLERATED", SAMPLE_SIZE)
    await declare(gateway, aggregation=MISFIT)
    await problem_of(await put(gateway, 0, endless()), 422, "spec-mismatch")
    assert (await (await gateway.client.get("/api/v1/uploads/k")).json())["received"] == []


async def test_a_file_in_one_request_is_refused_after_its_first_megabyte(gateway: Gateway) -> None:
    async def sent() -> ClientResponse:
        return await gateway.client.put(
            "/api/v1/uploads",
            params={"name": "plays.csv", "spec": json.dumps(MISFIT)},
            data=endless(),
            headers={"Idempotency-Key": "k"},
        )

    for _ in range(2):
        response = await sent()
        await problem_of(response, 422, "spec-mismatch")
        upload = await (await gateway.client.get(response.headers["Location"])).json()
        assert upload["received"] == [[0, len(FIRST_PART)]]
        assert upload["job"] is None


async def test_tus_uploads_are_refused_and_partial_uploads_are_not(gateway: Gateway) -> None:
    spec = base64.b64encode(json.dumps(MISFIT).encode()).decode()
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(SIZE),
        "Upload-Metadata": f"spec {spec}",
        "Content-Type": "application/offset+octet-stream",
    }
    part = await gateway.client.post(
        "/api/tus/", data=BytesIO(FIRST_PART), headers={**headers, "Upload-Concat": "partial"}
    )
    assert part.status == 201
    created = await gateway.client.post("/api/tus/", headers={**headers, "Content-Length": "0"})
    url = created.headers["Location"]

    sent = {**headers, "Upload-Offset": "0"}
    refused = await gateway.client.patch(url, data=endless(), headers=sent)

    assert refused.status == 422
    assert HINT in (await refused.json())["message"]
    shown = await gateway.client.head(url, headers=headers)
    assert shown.headers["Upload-Offset"] == str(len(FIRST_PART))
    sent["Upload-Offset"] = str(len(FIRST_PART))
    assert (await gateway.client.patch(url, data=b"x", headers=sent)).status == 422


@pytest.mark.parametrize("spec", [MISFIT, None])
async def test_dropzone_chunks_are_refused_only_with_a_spec(gateway: Gateway, spec: Any) -> None:
    parts: list[Any] = [
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", "0"),
        ("dzchunksize", str(len(FIRST_PART))),
        ("dztotalfilesize", str(SIZE)),
        *([("spec", json.dumps(spec))] if spec else []),
        ("file", FIRST_PART, 'filename="plays.csv"'),
    ]

    status, answer = await gateway.post(FormBody.of(*parts))

    if spec:
        assert (status, answer["status"]) == (422, "error")
        assert HINT in answer["message"]
    else:
        assert (status, answer) == (200, PART_STORED)
    assert await gateway.received("u") == [(0, len(FIRST_PART))]


async def test_an_unreadable_file_is_refused(gateway: Gateway) -> None:
    await declare(gateway, aggregation=RIGHT)
    broken = b"\x1f\x8b\x08" + b"no gzip" * SAMPLE_SIZE
    problem = await problem_of(await put(gateway, 0, broken), 422, "spec-mismatch")
    assert "the gzip data of the file is damaged" in problem["detail"]


class SlowBlobs(Forwarding):
    """Reads wait for `may_read`."""

    def __init__(self, blobs: FilesystemBlobs) -> None:
        super().__init__(blobs)
        self._changed = asyncio.Condition()
        self.reading = 0
        self.may_read = asyncio.Event()

    @asynccontextmanager
    async def open(self, *args: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        async with self._changed:
            self.reading += 1
            self._changed.notify_all()
        await self.may_read.wait()
        async with self._behind.open(*args) as pieces:
            yield pieces

    async def read(self, count: int) -> None:
        """Wait until `count` reads have begun."""
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: self.reading >= count)


async def test_uploads_do_not_wait_for_inspections_that_read_slowly_from_storage(
    start_gateway: Start,
) -> None:
    slow: list[SlowBlobs] = []

    def in_front(blobs: Any) -> Any:
        slow.append(SlowBlobs(blobs))
        return slow[0]

    gateway = await start_gateway(blobs=in_front)
    await declare(gateway, "slow", size=11)
    await put(gateway, 0, b"Song;Plays\n", "slow")
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(inspect(gateway, "slow")) for _ in range(READ_AT_A_TIME + 3)]
        # One of them is being read, as they are of the same tenant
        await slow[0].read(1)
        # When the first part of another upload is received, it is checked at once
        query = {"name": "plays.csv", "spec": json.dumps(MISFIT)}
        async with asyncio.timeout(10):
            refused = await gateway.client.put("/api/v1/uploads", params=query, data=endless())
        assert HINT in (await problem_of(refused, 422, "spec-mismatch"))["detail"]
        assert slow[0].reading == 1
        slow[0].may_read.set()
    assert [answer.result().status for answer in answers] == [200] * len(answers)


async def test_the_same_bytes_are_checked_and_inspected_once(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def counted(name: str, work: Any) -> Any:
        def count(*arguments: Any, **named: Any) -> Any:
            calls.append(name)
            return work(*arguments, **named)

        return count

    monkeypatch.setattr(inspector, "inspect", counted("inspect", inspection.inspect))
    monkeypatch.setattr(header_check, "check_header", counted("check", check_header))
    await declare(gateway, aggregation=MISFIT)
    for _ in range(5):
        problem = await problem_of(await put(gateway, 0, FIRST_PART), 422, "spec-mismatch")
        assert HINT in problem["detail"]
    views = [await (await inspect(gateway)).json() for _ in range(3)]
    assert views[0] == views[1] == views[2]
    assert views[0]["column_count"] == 2
    # As much as the first request had to send, and all that was then received.
    assert sorted(calls) == ["check", "check", "inspect"]
    # Other bytes, and another spec, are other questions.
    await inspect(gateway, json={"aggregation": RIGHT})
    assert sorted(calls) == ["check", "check", "inspect", "inspect"]


async def test_only_some_uploads_of_a_tenant_are_held_in_memory_and_the_others_are_checked_too(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_check, "HELD_OF_TENANT", 1)
    gateway = await start_gateway()
    checker = gateway.client.app[header_check.HEADER_CHECKER]
    goes_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield FIRST_PART[:100]
        await goes_on.wait()
        yield FIRST_PART[100:]

    for key in ("first", "second"):
        await declare(gateway, key, aggregation=MISFIT)
    first = asyncio.create_task(put(gateway, 0, slowly(), "first"))
    async with asyncio.timeout(10):
        while not checker.held:  # noqa: ASYNC110  (nothing tells that a request has been read)
            await asyncio.sleep(0.01)

    problem = await problem_of(await put(gateway, 0, FIRST_PART, "second"), 422, "spec-mismatch")
    assert HINT in problem["detail"]
    assert checker.held == 1
    goes_on.set()
    await problem_of(await first, 422, "spec-mismatch")
    assert checker.held == 0
