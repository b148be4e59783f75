"""`GET /api/v1/jobs/{job_id}/preview`."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.results.preview_rows import preview_of
from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.jobs.job import SONG_PLAYS
from tests.aggregations import Case, cases
from tests.oracle import expected_result

if TYPE_CHECKING:
    from shared.aggregation.formats import FormatName
    from shared.aggregation.kinds import Truncation
    from shared.blobs.blob import BlobInfo, BlobKey
    from tests.unit.gateway.conftest import Gateway

KINDS = Aggregation(
    (GroupColumn("t"),),
    (
        Aggregate("sum", "i", kind="integer"),
        Aggregate("avg", "n", kind="number"),
        Aggregate("min", "d", kind="date"),
        Aggregate("first", "t", kind="text"),
        Aggregate("count"),
    ),
)
NAMES = ["t", "sum(i)", "avg(n)", "min(d)", "first(t)", "count"]
TYPES = ["text", "integer", "number", "date", "text", "integer"]
FUNCTIONS = [None, "sum", "avg", "min", "first", "count"]
ROWS = [
    ["", "-7", "1.50", "2020-01-31", 'a "b",\nc', "3"],
    ["1", "", "", "", "", "0"],
    ["é😀", "123456789012345", "-0.00123456789012345", "", "2", "1"],
    ["x", "-1234567890123456", "0.1234567890123456", "", "null", "1"],
]
SHOWN = [
    ["", -7, 1.5, "2020-01-31", 'a "b",\nc', 3],
    ["1", None, None, None, None, 0],
    ["é😀", 123456789012345, -0.00123456789012345, None, "2", 1],
    ["x", "-1234567890123456", "0.1234567890123456", None, "null", 1],
]


def encoded(output: str) -> bytes:
    """Return the rows as a result."""
    if output == "jsonl":
        lines = []
        for row in ROWS:
            cells = [
                json.dumps(cell, ensure_ascii=False)
                if kind in ("text", "date") and (cell or i == 0)
                else cell or "null"
                for i, (cell, kind) in enumerate(zip(row, TYPES, strict=True))
            ]
            named = zip(NAMES, cells, strict=True)
            lines.append("{" + ",".join(f'"{name}":{cell}' for name, cell in named) + "}\n")
        return "".join(lines).encode()
    quoted = [
        ",".join('"' + c.replace('"', '""') + '"' if set(c) & set('",\n') else c for c in row)
        for row in [NAMES, *ROWS]
    ]
    plain = "".join(line + "\n" for line in quoted).encode()
    return gzip.compress(plain) if output == "csv.gz" else plain


async def preview(gateway: Gateway, content: bytes, aggregation: Aggregation, query: str) -> Any:
    job = await gateway.finished_job(content, aggregation=aggregation, rows=len(ROWS))
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview{query}")
    assert response.status == 200, await response.text()
    return json.loads(await response.text())


@pytest.mark.parametrize("output", ["csv", "csv.gz", "jsonl"])
async def test_a_preview_has_columns_with_types_and_rows_with_values(
    gateway: Gateway, output: FormatName
) -> None:
    aggregation = replace(KINDS, output=output)
    columns = [
        {"name": n, "type": t, "function": f, "truncate": None}
        for n, t, f in zip(NAMES, TYPES, FUNCTIONS, strict=True)
    ]
    shown = await preview(gateway, encoded(output), aggregation, "")
    assert shown == {"columns": columns, "rows": SHOWN, "truncated": False, "total_rows": 4}
    shown = await preview(gateway, encoded(output), aggregation, "?rows=4")
    assert (len(shown["rows"]), shown["truncated"]) == (4, False)
    shown = await preview(gateway, encoded(output), aggregation, "?rows=3")
    assert (shown["rows"], shown["truncated"]) == (SHOWN[:3], True)


async def test_numbers_keep_their_digits_in_the_text_of_the_answer(gateway: Gateway) -> None:
    job = await gateway.finished_job(encoded("csv"), aggregation=KINDS)
    text = await (await gateway.client.get(f"/api/v1/jobs/{job.id}/preview")).text()
    assert '-7, 1.50, "2020-01-31"' in text
    assert "123456789012345, -0.00123456789012345, null" in text


@pytest.mark.parametrize("output", ["csv", "csv.gz", "jsonl"])
async def test_a_result_without_rows_has_columns(gateway: Gateway, output: FormatName) -> None:
    aggregation = replace(SONG_PLAYS, output=output)
    header = b"Song,Date,Total Number of Plays for Date\n"
    empty = {"csv": header, "csv.gz": gzip.compress(header), "jsonl": b""}[output]
    shown = await preview(gateway, empty, aggregation, "")
    assert [column["name"] for column in shown["columns"]] == [
        "Song", "Date", "Total Number of Plays for Date",
    ]  # fmt: skip
    assert (shown["rows"], shown["truncated"]) == ([], False)


@given(case=cases(), data=st.data())
def test_a_preview_of_any_prefix_has_its_complete_rows(case: Case, data: st.DataObject) -> None:
    result = expected_result(case.aggregation, case.data).result
    whole = preview_of(case.aggregation, result, whole=True, rows=1000)
    cut = data.draw(st.integers(0, len(result)))
    rows = data.draw(st.integers(1, 30))
    part = preview_of(case.aggregation, result[:cut], whole=False, rows=rows)
    assert part.truncated
    assert part.rows == whole.rows[: len(part.rows)]
    assert len(part.rows) <= rows
    # The prefix has one complete row and the start of the next
    if cut == len(result):
        assert len(part.rows) >= min(rows, len(whole.rows) - 1)
    assert len(whole.rows) == expected_result(case.aggregation, case.data).groups
    assert not whole.truncated
    assert json.loads(whole.as_json(7))["truncated"] is False


@pytest.mark.parametrize("output", ["csv", "csv.gz", "jsonl"])
async def test_only_the_start_of_a_large_result_is_read(
    gateway: Gateway, output: FormatName, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = random.Random(1)
    lines = [f"{noise.getrandbits(64):x},{n},{n}\n" for n in range(200_000)]
    content = ("Song,Date,Total Number of Plays for Date\n" + "".join(lines)).encode()
    if output == "csv.gz":
        content = gzip.compress(content)
    if output == "jsonl":
        content = b"".join(
            b'{"Song":"%d","Date":"%d","Total Number of Plays for Date":%d}\n' % (n, n, n)
            for n in range(200_000)
        )
    read: list[int] = []

    def counted(*args: Any, **named: Any) -> Any:
        read.append(len(args[1]))
        return preview_of(*args, **named)

    monkeypatch.setattr("gateway.results.preview.preview_of", counted)
    aggregation = replace(SONG_PLAYS, output=output)
    shown = await preview(gateway, content, aggregation, "?rows=1000")
    assert [row[2] for row in shown["rows"]] == list(range(1000))
    assert shown["truncated"] is True
    assert max(read) < 2 << 20


async def test_a_preview_of_long_rows_has_a_mebibyte(gateway: Gateway) -> None:
    # It is held for each client that reads slowly.
    rows = b"".join(b"%s,b,1\n" % (b"x" * 3000) for _ in range(1000))
    shown = await preview(gateway, b"Song,Date,Plays\n" + rows, SONG_PLAYS, "?rows=1000")
    assert (len(shown["rows"]), shown["truncated"]) == ((1 << 20) // 3005, True)


async def test_rows_beyond_the_limit_are_omitted(gateway: Gateway) -> None:
    header = b"Song,Date,Total Number of Plays for Date\n"
    long = header + b"a,b,1\n" + b"x" * (2 << 20) + b",b,2\n"
    shown = await preview(gateway, long, SONG_PLAYS, "")
    assert (shown["rows"], shown["truncated"]) == ([["a", "b", 1]], True)
    # Decompression stops at the limit
    squeezed = gzip.compress(long)
    assert len(squeezed) < 1 << 20
    shown = await preview(gateway, squeezed, replace(SONG_PLAYS, output="csv.gz"), "")
    assert (shown["rows"], shown["truncated"]) == ([["a", "b", 1]], True)


@pytest.mark.parametrize("rows", ["0", "1001", "-1", "ten", "", "1e2", "٣", "9" * 5000])
async def test_an_invalid_number_of_rows_is_refused(gateway: Gateway, rows: str) -> None:
    job = await gateway.finished_job(encoded("csv"), aggregation=KINDS)
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview", params={"rows": rows})
    problem = await response.json()
    assert response.status == 400
    assert problem["detail"].startswith("rows is ")
    assert problem["detail"].endswith("send a number from 1 to 1000")


async def test_a_job_without_a_result_has_no_preview(gateway: Gateway) -> None:
    job = await gateway.pending_job()
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview")
    assert (response.status, (await response.json())["type"]) == (
        409, "urn:csvmill:problem:no-result",
    )  # fmt: skip
    expired = await gateway.finished_job(b"x", finished_at=1.0)
    await gateway.jobs.expire(finished_before=2.0, now=3.0, limit=9)
    response = await gateway.client.get(f"/api/v1/jobs/{expired.id}/preview")
    assert response.status == 410


async def test_the_preview_of_parquet_is_the_stored_one(gateway: Gateway) -> None:
    aggregation = replace(KINDS, output="parquet")
    job = await gateway.finished_job(
        b"PAR1", aggregation=aggregation, preview=encoded("csv"), rows=5
    )
    path = f"/api/v1/jobs/{job.id}/preview"
    shown = json.loads(await (await gateway.client.get(path)).text())
    assert [column["type"] for column in shown["columns"]] == TYPES
    assert [column["name"] for column in shown["columns"]] == NAMES
    # The result has one more row than the stored preview.
    assert (shown["rows"], shown["truncated"]) == (SHOWN, True)
    shown = json.loads(await (await gateway.client.get(f"{path}?rows=2")).text())
    assert (shown["rows"], shown["truncated"]) == (SHOWN[:2], True)
    job = await gateway.finished_job(
        b"PAR1", aggregation=aggregation, preview=encoded("csv"), rows=4
    )
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview?rows=4")
    assert json.loads(await response.text())["truncated"] is False


async def test_parquet_without_a_stored_preview_is_a_problem_with_a_hint(gateway: Gateway) -> None:
    aggregation = replace(KINDS, output="parquet")
    job = await gateway.finished_job(b"PAR1", aggregation=aggregation)
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview")
    problem = await response.json()
    assert (response.status, problem["type"]) == (409, "urn:csvmill:problem:no-preview")
    assert "without a stored preview" in problem["detail"]
    assert problem["detail"].endswith("download it, or upload the file again")


async def test_parquet_that_expires_during_the_request_is_410(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await gateway.finished_job(
        b"PAR1", aggregation=replace(KINDS, output="parquet"), finished_at=1.0
    )
    info = gateway.blobs.info

    async def expired(key: BlobKey) -> BlobInfo:
        await gateway.jobs.expire(finished_before=2.0, now=3.0, limit=9)
        return await info(key)

    monkeypatch.setattr(gateway.blobs, "info", expired)
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview")
    assert (response.status, (await response.json())["type"]) == (
        410, "urn:csvmill:problem:result-expired",
    )  # fmt: skip


@pytest.mark.parametrize("output", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(("truncate", "kind"), [("day", "date"), ("month", "text")])
async def test_a_group_by_day_is_a_date_and_an_empty_day_is_null(
    gateway: Gateway, output: FormatName, truncate: Truncation, kind: str
) -> None:
    aggregation = Aggregation(
        (GroupColumn("d", truncate=truncate),), (Aggregate("count"),), output=output
    )
    day = "2020-12-31"[: 10 if truncate == "day" else 7]
    rows = f"d,count\n{day},1\n,2\n"
    if output == "jsonl":
        rows = f'{{"d":"{day}","count":1}}\n{{"d":"","count":2}}\n'
    job = await gateway.finished_job(
        rows.encode(), aggregation=aggregation, preview=rows.encode(), rows=2
    )
    response = await gateway.client.get(f"/api/v1/jobs/{job.id}/preview")
    shown = json.loads(await response.text())
    assert shown["columns"][0] == {
        "name": "d", "type": kind, "function": None, "truncate": truncate,
    }  # fmt: skip
    assert shown["rows"] == [[day, 1], [None if truncate == "day" else "", 2]]
    assert shown["truncated"] is False
