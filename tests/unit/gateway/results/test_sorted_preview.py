"""`GET /api/v1/jobs/{job_id}/preview?order_by=`."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.blobs.content import Content
from tests.forwarding import Forwarding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.aggregation.formats import FormatName
    from shared.blobs.blob import BlobKey
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

SUMS = Aggregation(
    (GroupColumn("song"), GroupColumn("day", truncate="day")),
    (Aggregate("sum", "plays", kind="number"), Aggregate("max", "at", kind="date")),
)
NAMES = ["song", "day", "sum(plays)", "max(at)"]
HEADER = "song,day,sum(plays),max(at)\n"


def made_rows(count: int) -> list[list[str | None]]:
    """Return rows with equal, missing, negative and very long values."""
    made = random.Random(5)
    values = [None, "0", "-1.5", "10", "9", "123456789012345678901234567890"]
    return [
        [
            made.choice(["", "a", "B", "é", "a,b", 'q"q', "two\nlines"]) + str(n % 7),
            made.choice([None, "2020-01-02", "2019-12-31"]),
            made.choice([*values, f"{made.uniform(-1e6, 1e6):.3f}"]),
            made.choice([None, f"2020-01-01T00:00:{made.randrange(60):02}"]),
        ]
        for n in range(count)
    ]


def written(rows: list[list[str | None]], output: FormatName) -> bytes:
    """Return a result with these rows."""
    if output == "jsonl":
        lines = []
        for row in rows:
            cells = [
                f"{json.dumps(name)}:{cell if name == 'sum(plays)' and cell else json.dumps(cell)}"
                for name, cell in zip(NAMES, row, strict=True)
            ]
            lines.append("{" + ",".join(cells) + "}\n")
        return "".join(lines).encode()

    def field(cell: str | None) -> str:
        text = cell or ""
        return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text

    text = HEADER + "".join(",".join(map(field, row)) + "\n" for row in rows)
    return gzip.compress(text.encode()) if output == "csv.gz" else text.encode()


def in_order(
    rows: list[list[str | None]], column: int, *, descending: bool = False
) -> list[list[str | None]]:
    """Sort all rows by a column, those without a value last."""

    def key(row: list[str | None]) -> Any:
        cell = row[column] or ""
        return Decimal(cell) if column == 2 else cell.encode()

    kept = [row for row in rows if row[column] is not None]
    kept.sort(key=key, reverse=descending)
    return kept + [row for row in rows if row[column] is None]


def texts(rows: list[list[Any]]) -> list[list[str | None]]:
    """Return the cells of an answer as texts."""
    return [[None if cell is None else str(cell) for cell in row] for row in rows]


async def get(gateway: Gateway, job: Any, **query: str) -> tuple[int, Any]:
    """Return the status and the body of a preview; numbers keep their digits."""
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview", params=query)
    return response.status, json.loads(await response.text(), parse_int=str, parse_float=str)


@pytest.mark.parametrize("output", ["csv", "csv.gz", "jsonl", "parquet"])
async def test_every_column_sorts_the_whole_result_in_both_directions(
    gateway: Gateway, output: FormatName
) -> None:
    rows = made_rows(300)
    job = await gateway.finished_job(
        b"PAR1" if output == "parquet" else written(rows, output),
        aggregation=replace(SUMS, output=output),
        preview=written(rows, "csv"),
        rows=len(rows),
    )
    for number, name in enumerate(NAMES, 1):
        for descending in (False, True):
            expected = in_order(rows, number - 1, descending=descending)[:20]
            for column in (str(number), name):
                order = "-" * descending + column
                status, shown = await get(gateway, job, order_by=order, rows="20")
                assert status == 200, shown
                assert texts(shown["rows"]) == expected, order
                assert (shown["truncated"], shown["total_rows"]) == (True, "300")


async def test_a_result_with_fewer_rows_than_requested_is_not_truncated(gateway: Gateway) -> None:
    rows = made_rows(3)
    job = await gateway.finished_job(written(rows, "csv"), aggregation=SUMS, rows=3)
    _, shown = await get(gateway, job, order_by="3")
    assert texts(shown["rows"]) == in_order(rows, 2)
    assert shown["truncated"] is False
    empty = await gateway.finished_job(HEADER.encode(), aggregation=SUMS, rows=0)
    _, shown = await get(gateway, empty, order_by="-1")
    assert (shown["rows"], shown["truncated"], shown["total_rows"]) == ([], False, "0")
    assert [column["name"] for column in shown["columns"]] == NAMES


async def test_rows_far_beyond_the_first_mebibyte_are_found(gateway: Gateway) -> None:
    rows: list[list[str | None]] = [[f"song {n}", None, str(n), None] for n in range(100_000)]
    content = written(rows, "csv")
    assert len(content) > 3 << 19
    job = await gateway.finished_job(content, aggregation=SUMS, rows=len(rows))
    _, shown = await get(gateway, job, order_by="-3", rows="2")
    assert texts(shown["rows"]) == rows[:-3:-1]


@pytest.mark.parametrize(
    ("order", "what"),
    [
        ("0", 'the column "0"; send a number from 1 to 4, or a name'),
        ("-5", 'the column "5"; send a number from 1 to 4, or a name'),
        ("9" * 5000, "send a number from 1 to 4, or a name"),
        ("", 'the column ""; send a number from 1 to 4, or one of the names "song", "day"'),
        ("Song", 'the column "Song"; send a number'),
        ("--3", 'the column "-3"; send a number'),
    ],
)
async def test_a_column_that_does_not_exist_is_named_with_those_that_do(
    gateway: Gateway, order: str, what: str
) -> None:
    job = await gateway.finished_job(written(made_rows(9), "csv"), aggregation=SUMS, rows=9)
    status, problem = await get(gateway, job, order_by=order)
    assert status == 400
    assert problem["field"] == "order_by"
    assert what in problem["detail"]


async def test_a_name_of_two_columns_is_refused(gateway: Gateway) -> None:
    twice = replace(SUMS, aggregates=(*SUMS.aggregates[:1], Aggregate("count", name="song")))
    job = await gateway.finished_job(b"song,day,n,song\na,,1,2\n", aggregation=twice)
    status, problem = await get(gateway, job, order_by="song")
    assert status == 400
    assert problem["detail"].endswith("several columns have this name; send a number, 1 or 4")


async def test_a_larger_result_is_refused_with_what_to_do_instead(start_gateway: Start) -> None:
    plain = written(made_rows(400), "csv")
    squeezed = gzip.compress(HEADER.encode() + b"a,,1,\n" * 4000)
    gateway = await start_gateway(max_sort_size=len(plain))
    assert len(squeezed) < len(plain)
    fits = await gateway.finished_job(plain, aggregation=SUMS, rows=400)
    assert (await get(gateway, fits, order_by="3"))[0] == 200
    results: dict[FormatName, bytes] = {"csv": plain + b"a,,1,\n", "csv.gz": squeezed}
    for output, content in results.items():
        job = await gateway.finished_job(
            content, aggregation=replace(SUMS, output=output), rows=4000
        )
        status, problem = await get(gateway, job, order_by="3")
        assert (status, problem["type"]) == (409, "urn:csvmill:problem:not-sortable")
        assert problem["detail"].startswith(
            f"The result has 4000 rows, and more than {len(plain)} bytes without compression"
        )
        assert '"order_by" and "limit" in its aggregation' in problem["detail"]
        # Its first rows are still shown
        assert (await get(gateway, job, rows="1"))[0] == 200


async def test_parquet_with_rows_that_are_not_stored_is_refused(gateway: Gateway) -> None:
    rows = made_rows(1000)
    job = await gateway.finished_job(
        b"PAR1",
        aggregation=replace(SUMS, output="parquet"),
        preview=written(rows, "csv"),
        rows=1001,
    )
    status, problem = await get(gateway, job, order_by="3")
    assert (status, problem["type"]) == (409, "urn:csvmill:problem:not-sortable")
    assert "Parquet with 1001 rows, of which only the first 1000" in problem["detail"]


async def test_a_result_that_is_not_there_is_answered_as_in_other_previews(
    gateway: Gateway,
) -> None:
    pending = await gateway.pending_job()
    assert (await get(gateway, pending, order_by="1"))[1]["type"].endswith(":no-result")
    expired = await gateway.finished_job(b"x", finished_at=1.0)
    await gateway.jobs.expire(finished_before=2.0, now=3.0, limit=9)
    assert (await get(gateway, expired, order_by="1"))[0] == 410
    lost = await gateway.finished_job(b"song,day,plays,at\n", aggregation=SUMS)
    assert lost.result is not None
    await gateway.blobs.delete(lost.result.key)
    status, problem = await get(gateway, lost, order_by="1")
    assert (status, problem["type"]) == (500, "urn:csvmill:problem:result-lost")


async def test_a_damaged_result_is_lost(gateway: Gateway) -> None:
    content = written(made_rows(9), "csv.gz")[:-9]
    job = await gateway.finished_job(content, aggregation=replace(SUMS, output="csv.gz"))
    status, problem = await get(gateway, job, order_by="1")
    assert (status, problem["type"]) == (500, "urn:csvmill:problem:result-lost")
    assert "is damaged" in problem["detail"]


class SlowBlobs(Forwarding):
    """Forwards every call; blobs have their last piece when `go` is set."""

    def __init__(self) -> None:
        super().__init__(None)
        self.go = asyncio.Event()
        self.opened = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    def in_front_of(self, blobs: FilesystemBlobs) -> SlowBlobs:
        """Forward to these."""
        self._behind = blobs
        return self

    @asynccontextmanager
    async def open(self, key: BlobKey, *bounds: int) -> AsyncIterator[Content]:
        """Open a blob."""

        async def pieces(content: Content) -> AsyncIterator[bytes]:
            async for piece in content:
                yield piece[:-1]
                await self.go.wait()
                yield piece[-1:]

        async with self._behind.open(key, *bounds) as content:
            self.opened += 1
            self.begun.set()
            try:
                yield Content(pieces(content), content.start, content.stop)
            finally:
                self.ended.set()


async def test_a_tenant_sorts_one_result_at_a_time_and_others_wait_their_turn(
    start_gateway: Start,
) -> None:
    slow = SlowBlobs()
    gateway = await start_gateway(blobs=slow.in_front_of, max_sorts=2)
    rows = made_rows(50)
    job = await gateway.finished_job(written(rows, "csv"), aggregation=SUMS, rows=50)
    # Two requests of one tenant
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(get(gateway, job, order_by="-3")) for _ in range(2)]
        await slow.begun.wait()
        # Others are not hindered
        assert (await gateway.client.get(f"/api/v1/jobs/{job.id}")).status == 200
        assert slow.opened == 1
        slow.go.set()
    for status, shown in (task.result() for task in asked):
        assert status == 200
        assert texts(shown["rows"]) == in_order(rows, 2, descending=True)
    assert slow.opened == 2


async def test_a_request_whose_turn_does_not_come_is_answered_503(
    start_gateway: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowBlobs()
    monkeypatch.setattr("gateway.results.sorts.WAIT", 0.05)
    gateway = await start_gateway(blobs=slow.in_front_of)
    job = await gateway.finished_job(written(made_rows(5), "csv"), aggregation=SUMS, rows=5)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(get(gateway, job, order_by="1"))
        await slow.begun.wait()
        refused = await gateway.client.get(
            f"/api/v1/jobs/{job.id}/preview", params={"order_by": "1"}
        )
        assert refused.status == 503
        assert (await refused.json())["type"] == "urn:csvmill:problem:too-busy"
        assert int(refused.headers["Retry-After"]) > 0
        slow.go.set()
    assert first.result()[0] == 200


async def test_a_sort_ends_when_its_client_has_gone(start_gateway: Start) -> None:
    slow = SlowBlobs()
    gateway = await start_gateway(blobs=slow.in_front_of)
    job = await gateway.finished_job(written(made_rows(5), "csv"), aggregation=SUMS, rows=5)
    task = asyncio.create_task(get(gateway, job, order_by="1"))
    await slow.begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    slow.go.set()
    await slow.ended.wait()
    # And the next one has its turn.
    assert (await get(gateway, job, order_by="1"))[0] == 200
