"""The spec of an upload: the field `spec`, and `aggregation` of native uploads."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.uploads.filenames import result_filename
from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn
from tests.unit.gateway.conftest import PART_STORED
from tests.unit.gateway.forms import FormBody
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway, Start

CSV = 'filename="plays.csv"'
PLAYS = {"function": "sum", "column": "Plays", "name": "plays"}
SPEC_JSON: dict[str, Any] = {"group_by": ["Song"], "aggregates": [PLAYS]}
SPEC = json.dumps(SPEC_JSON)
AGGREGATION = Aggregation((GroupColumn("Song"),), (Aggregate("sum", "Plays", "plays", "number"),))


def chunk(offset: int, body: bytes, *more: tuple[str, str]) -> FormBody:
    return FormBody.of(
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", str(offset)),
        ("dzchunksize", "5"),
        ("dztotalfilesize", "10"),
        *more,
        ("file", body, CSV),
    )


async def declare(gateway: Gateway, key: str = "k", **fields: Any) -> ClientResponse:
    return await gateway.client.post(
        "/api/v1/uploads",
        json={"name": "plays.csv", "size": 3, **fields},
        headers={"Idempotency-Key": key},
    )


@pytest.mark.parametrize("name", ["plays.txt", "plays", "plays.gz", "a/plays.csv.exe", ".plays"])
async def test_a_file_may_have_any_name_but_in_a_form(gateway: Gateway, name: str) -> None:
    base = name.rpartition("/")[2]
    response = await declare(gateway, name=name)
    assert (response.status, (await response.json())["name"]) == (201, base)
    response = await gateway.client.put("/api/v1/uploads", params={"name": name}, data=b"a,b,1\n")
    assert response.status == 201
    response = await gateway.client.post(
        "/api/tus/",
        headers={
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "3",
            "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
        },
    )
    assert response.status == 201


@pytest.mark.parametrize("name", ["a/", "..", "a\\", " ", "/."])
async def test_a_name_that_is_no_name_of_a_file_is_refused(gateway: Gateway, name: str) -> None:
    response = await declare(gateway, name=name)
    problem = await problem_of(response, 400, "invalid-input")
    assert "send the name of the file" in problem["detail"]


@pytest.mark.parametrize("spec_first", [True, False])
async def test_a_whole_file_is_sent_with_its_spec(gateway: Gateway, *, spec_first: bool) -> None:
    parts: list[Any] = [("spec", SPEC), ("file", b"abc", CSV)]

    status, answer = await gateway.post(FormBody.of(*(parts if spec_first else parts[::-1])))

    assert status == 200
    assert (await gateway.job_of(answer)).aggregation == AGGREGATION


async def test_the_spec_of_the_first_chunk_reaches_the_job_by_any_gateway(
    start_gateway: Start,
) -> None:
    first = await start_gateway()
    second = await start_gateway(
        folder="second", blobs=lambda _: first.blobs, jobs=lambda _: first.jobs
    )

    assert await first.post(chunk(5, b"world", ("spec", SPEC))) == (200, PART_STORED)
    _, answer = await second.post(chunk(0, b"hello", ("spec", SPEC)))

    assert (await first.job_of(answer)).aggregation == AGGREGATION


async def test_no_spec_and_an_empty_spec_give_the_default_aggregation(gateway: Gateway) -> None:
    await gateway.post(chunk(5, b"world"))
    _, answer = await gateway.post(chunk(0, b"hello", ("spec", "")))

    assert (await gateway.job_of(answer)).aggregation == SONG_PLAYS


@pytest.mark.parametrize("others", [[], [("spec", '{"group_by": [1]}')]])
async def test_chunks_of_one_upload_with_different_specs_are_refused(
    gateway: Gateway, others: list[tuple[str, str]]
) -> None:
    await gateway.post(chunk(0, b"hello", ("spec", SPEC)))

    status, answer = await gateway.post(chunk(5, b"world", *others))

    assert status == 400
    assert "the upload was created with another spec" in answer["message"]
    assert await gateway.received("u") == [(0, 5)]


async def test_a_spec_after_the_file_is_refused(gateway: Gateway) -> None:
    form = FormBody.of(
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", "0"),
        ("dzchunksize", "5"),
        ("dztotalfilesize", "10"),
        ("file", b"hello", CSV),
        ("spec", SPEC),
    )

    status, answer = await gateway.post(form)

    assert (status, await gateway.received("u")) == (400, [])
    assert "spec comes after the file; send it before" in answer["message"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{", "spec is not JSON"),
        ('{"groupby": []}', "spec.groupby is not a known key; did you mean group_by?"),
        ('{"group_by": ["a"], "order_by": ["b"]}', "spec.order_by[0].column is 'b': no output"),
        (" " * 70_000, "field spec is longer than 65536 bytes"),
    ],
)
async def test_a_malformed_spec_is_refused_and_nothing_is_stored(
    gateway: Gateway, spec: str, message: str
) -> None:
    status, answer = await gateway.post(chunk(0, b"hello", ("spec", spec)))

    assert status == 400
    assert answer["message"].startswith(message)
    assert await gateway.stored("u") is None


async def test_a_native_upload_declares_its_aggregation(gateway: Gateway) -> None:
    response = await declare(gateway, aggregation=SPEC_JSON)
    assert response.status == 201
    await gateway.client.put(response.headers["Location"] + "/chunks/0", data=b"a,b")

    upload = await (await gateway.client.get(response.headers["Location"])).json()

    assert (
        await gateway.jobs.get(UUID(upload["job"].rpartition("/")[2]))
    ).aggregation == AGGREGATION


@pytest.mark.parametrize(
    ("of_url", "declared", "expected"),
    [(SPEC, {}, AGGREGATION), ('{"group_by": [2]}', {"aggregation": SPEC_JSON}, AGGREGATION)],
    ids=["in the URL only", "in both"],
)
async def test_the_spec_of_a_declared_file_may_be_in_the_url(
    gateway: Gateway, of_url: str, declared: dict[str, Any], expected: Aggregation
) -> None:
    response = await gateway.client.post(
        "/api/v1/uploads",
        params={"spec": of_url},
        json={"name": "plays.csv", "size": 0, **declared},
    )

    job = (await response.json())["job"]
    assert (await gateway.jobs.get(UUID(job.rpartition("/")[2]))).aggregation == expected


@pytest.mark.parametrize(
    ("query", "field"), [({"fail_early": "-1"}, "fail_early"), ({"spec": '{"limit": 0}'}, "spec")]
)
async def test_the_url_of_a_declared_file_is_checked_even_if_its_json_has_the_same(
    gateway: Gateway, query: dict[str, str], field: str
) -> None:
    declared = {"name": "plays.csv", "size": 3, "aggregation": SPEC_JSON, "fail_early": True}
    response = await gateway.client.post("/api/v1/uploads", params=query, json=declared)
    problem = await problem_of(response, 400, "invalid-input")
    assert problem["detail"].startswith(field)


async def put(gateway: Gateway, spec: str, key: str = "k") -> ClientResponse:
    return await gateway.client.put(
        "/api/v1/uploads",
        params={"name": "plays.csv", "spec": spec},
        data=b"a,b",
        headers={"Idempotency-Key": key},
    )


async def test_a_file_in_one_request_has_its_spec_in_the_query(gateway: Gateway) -> None:
    upload = await (await put(gateway, SPEC)).json()
    is_default = await (await put(gateway, "", key="is_default")).json()

    assert (
        await gateway.jobs.get(UUID(upload["job"].rpartition("/")[2]))
    ).aggregation == AGGREGATION
    job = await gateway.jobs.get(UUID(is_default["job"].rpartition("/")[2]))
    assert job.aggregation == SONG_PLAYS
    await problem_of(await put(gateway, '{"group_by": [2]}'), 422, "idempotency-key-reused")
    problem = await problem_of(await put(gateway, '{"limit": 0}', key="x"), 400, "invalid-input")
    assert problem["detail"].startswith("spec.limit is 0; send 1 or more")
    assert problem["field"] == "spec.limit"


async def test_the_aggregation_of_a_job_can_be_sent_again(gateway: Gateway) -> None:
    spec_json = {
        **SPEC_JSON,
        "where": {"column": "Plays", "op": "in", "value": [1, 2]},
        "order_by": [{"column": "plays", "descending": True}],
        "output": "jsonl",
    }
    upload = await (await put(gateway, json.dumps(spec_json))).json()

    shown = (await (await gateway.client.get(upload["job"])).json())["aggregation"]

    assert shown == spec_json


async def test_the_same_key_with_another_aggregation_is_refused(gateway: Gateway) -> None:
    assert (await declare(gateway, aggregation=SPEC_JSON)).status == 201

    assert (await declare(gateway, aggregation=SPEC_JSON)).status == 201
    for other in (None, {**SPEC_JSON, "limit": 1}):
        await problem_of(await declare(gateway, aggregation=other), 422, "idempotency-key-reused")


async def test_a_malformed_aggregation_is_a_problem_with_its_path(
    gateway: Gateway,
) -> None:
    wrong = {"group_by": ["a"], "where": {"and": [{"column": "a", "op": "=", "value": None}]}}

    problem = await problem_of(await declare(gateway, aggregation=wrong), 400, "invalid-input")

    assert problem["detail"].startswith("aggregation.where.and[0] is {")
    assert problem["field"] == "aggregation.where.and[0]"
    assert "send the value that = compares with" in problem["detail"]


async def test_numbers_in_an_aggregation_are_exact(gateway: Gateway) -> None:
    body = '{"name": "a.csv", "size": 0, "aggregation": {"group_by": [1], "where": %s}}'
    value = "0.1000000000000000000000000000000000001"
    where = f'{{"column": 1, "op": "=", "value": {value}}}'
    response = await gateway.client.post(
        "/api/v1/uploads", data=body % where, headers={"Content-Type": "application/json"}
    )

    upload = await response.json()

    aggregation = (await gateway.jobs.get(UUID(upload["job"].rpartition("/")[2]))).aggregation
    assert aggregation.where is not None
    assert getattr(aggregation.where, "values", None) == (value,)


async def tus(gateway: Gateway, length: int, body: bytes, spec: str, **headers: str) -> Any:
    described = {
        "Tus-Resumable": "1.0.0",
        "Upload-Metadata": f"spec {base64.b64encode(spec.encode()).decode()}",
        "Content-Type": "application/offset+octet-stream",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    if "Upload_Concat" not in headers or headers["Upload_Concat"] == "partial":
        described["Upload-Length"] = str(length)
    return await gateway.client.post("/api/tus/", data=body, headers=described)


async def test_the_spec_of_a_tus_upload_is_in_its_metadata(gateway: Gateway) -> None:
    response = await tus(gateway, 3, b"a,b", SPEC)

    assert response.status == 201
    job_id = UUID(response.headers["Csvmill-Job"].rpartition("/")[2])
    assert (await gateway.jobs.get(job_id)).aggregation == AGGREGATION
    refused = await tus(gateway, 3, b"a,b", '{"limit": 0}')
    assert refused.status == 400
    assert "spec.limit is 0; send 1 or more" in await refused.text()


async def test_the_same_parts_cannot_be_concatenated_with_different_specs(gateway: Gateway) -> None:
    part = (await tus(gateway, 3, b"a,b", "", Upload_Concat="partial")).headers["Location"]
    final = f"final;{part}"

    assert (await tus(gateway, 0, b"", SPEC, Upload_Concat=final)).status == 201

    assert (await tus(gateway, 0, b"", SPEC, Upload_Concat=final)).status == 201
    assert (await tus(gateway, 0, b"", "", Upload_Concat=final)).status == 400


def test_results_have_the_suffix_of_their_format() -> None:
    assert result_filename("plays.CSV", "csv") == "plays.CSV"
    assert result_filename("plays.CSV", "jsonl") == "plays.jsonl"
    assert result_filename("plays.csv", "csv.gz") == "plays.csv.gz"
    assert result_filename("plays.csv", "csv.zst") == "plays.csv.zst"
    assert result_filename("plays.csv.gz", "csv") == "plays.csv"
    assert result_filename("plays.tsv", "csv") == "plays.csv"
    assert result_filename("plays.txt", "parquet") == "plays.txt.parquet"
