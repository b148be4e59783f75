"""To a tenant, what belongs to another does not exist: in any route, and in any protocol."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from gateway.access.scopes import NEEDS, OPERATE
from gateway.inspections import inspector
from gateway.openapi.document import DOCUMENT
from gateway.uploads import header_check
from gateway.uploads.upload import upload_id_of
from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import upload_key
from shared.inspection import inspect as inspection
from shared.inspection.sample import SAMPLE_SIZE
from shared.jobs.job import JobState
from shared.uploads.keys import key_of
from tests.unit.gateway.access.tenants import (
    DZUUID,
    FILE,
    IETF,
    OTHER,
    OWNER,
    TUS,
    Belongings,
    ask,
    send_chunk,
)

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from shared.access.tenant import Tenant
    from tests.unit.gateway.conftest import Gateway, Start

METHODS = {"delete", "get", "head", "options", "patch", "post", "put"}
NAMING = [
    (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method in METHODS - {"options"} and "{" in path and path.startswith("/api/")
    # What operators alone may do is of no tenant: test_tenant_handlers.
    if NEEDS["GET" if method == "head" else method.upper(), path] is not OPERATE
]
"""Operations on a job, an upload, a key, a saved spec or a notification that their URL names."""
DIALECTS: list[tuple[dict[str, str], bytes | None]] = [
    ({}, None),
    ({}, b"ab"),
    ({"Range": "bytes=0-1"}, None),
    ({"If-None-Match": "*"}, None),
    ({"Prefer": "wait=1"}, None),
    ({"Content-Type": "application/json"}, b'{"size": 9}'),
    ({"Content-Type": "application/json"}, b"{}"),
    ({"Content-Type": "application/json"}, b'{"keep": true}'),
    (
        {"Content-Type": "application/json", "If-Match": "*"},
        b'{"group_by": ["Song"], "aggregates": [{"function": "count"}]}',
    ),
    (TUS, None),
    (
        {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
        b"ab",
    ),
    ({**TUS, "X-HTTP-Method-Override": "DELETE"}, None),
    (IETF, None),
    (
        {
            **IETF,
            "Upload-Offset": "0",
            "Upload-Complete": "?0",
            "Content-Type": "application/partial-upload",
        },
        b"ab",
    ),
]
"""Headers and bodies that one operation or another needs to reach what its URL names."""


@pytest.fixture
async def shared_gateway(start_gateway: Start) -> Gateway:
    """A gateway of several tenants."""
    return await start_gateway(auth="keys")


def url_of(path: str, name: str) -> str:
    """Return the path of what has this name."""
    return re.sub(r"{(\w+)}", lambda part: "0" if part[1] == "offset" else name, path)


async def shown(response: ClientResponse, name: str) -> tuple[int, dict[str, str], bytes]:
    """Return all that an answer tells, without the name that was asked for."""
    headers = {
        key: value.replace(name, "<name>")
        for key, value in response.headers.items()
        if key not in ("Date", "Upload-Expires")
    }
    return response.status, headers, (await response.read()).replace(name.encode(), b"<name>")


@pytest.mark.parametrize(("method", "path"), NAMING)
async def test_a_foreign_id_is_answered_as_an_unknown_one_by_every_operation(
    shared_gateway: Gateway, method: str, path: str
) -> None:
    owned = await Belongings.of(shared_gateway, OWNER)
    before = await owned.state()
    for name in owned.ids:
        for headers, body in DIALECTS:
            answers = []
            for asked in (name, owned.unknown(name)):
                url = url_of(path, asked)
                response = await ask(shared_gateway, OTHER, method, url, data=body, headers=headers)
                answers.append(await shown(response, asked))
            assert answers[0] == answers[1], (name, headers)
            assert answers[0][0] >= 400
    assert await owned.state() == before
    # The requests are such that the owner gets another answer.
    assert await _some_other_than_404(shared_gateway, method, path, owned.ids)


async def _some_other_than_404(gateway: Gateway, method: str, path: str, names: list[str]) -> bool:
    for name in names:
        for headers, body in DIALECTS:
            url = url_of(path, name)
            response = await ask(gateway, OWNER, method, url, data=body, headers=headers)
            if response.status < 400:
                return True
    return False


async def test_a_list_shows_the_jobs_of_the_caller_only(shared_gateway: Gateway) -> None:
    owned = {tenant: await Belongings.of(shared_gateway, tenant) for tenant in (OWNER, OTHER)}
    for tenant, belongings in owned.items():
        for query in ("", "?state=SUCCESS", "?filename=SUCCESS.csv", "?limit=1"):
            url: str | None = f"/api/v1/jobs{query}"
            found = set()
            while url is not None:
                answer = await (await ask(shared_gateway, tenant, "GET", url)).json()
                found |= {job["id"] for job in answer["jobs"]}
                url = answer["next"]
            own = {str(job_id) for job_id in belongings.jobs.values()}
            if query in ("", "?limit=1"):
                # Besides these, the job of the upload that was sent whole.
                assert own < found
                assert len(found) == len(own) + 1
            else:
                assert found == {str(belongings.jobs["SUCCESS"])}


async def test_a_cursor_of_another_tenant_leads_to_the_callers_own_jobs(
    shared_gateway: Gateway,
) -> None:
    for tenant in (OWNER, OTHER):
        await Belongings.of(shared_gateway, tenant)
    page = await (await ask(shared_gateway, OWNER, "GET", "/api/v1/jobs?limit=1")).json()
    rest = await (await ask(shared_gateway, OTHER, "GET", page["next"] + "&limit=99")).json()
    assert rest["type"].endswith("invalid-input")
    url = page["next"].replace("limit=1", "limit=99")
    jobs = (await (await ask(shared_gateway, OTHER, "GET", url)).json())["jobs"]
    stored = [await shared_gateway.jobs.get(UUID(job["id"])) for job in jobs]
    assert {job.tenant for job in stored} == {OTHER}


async def test_the_same_dzuuid_of_two_tenants_names_two_uploads(shared_gateway: Gateway) -> None:
    contents = {
        OWNER: FILE,
        OTHER: FILE.replace(b"1\n", b"7\n"),
        DEFAULT_TENANT: FILE[:-2] + b"9\n",
    }
    answers = {}
    for tenant, content in contents.items():
        half = len(content) // 2
        await send_chunk(shared_gateway, tenant, DZUUID, content[:half], total=len(content))
    for tenant, content in contents.items():
        half = len(content) // 2
        status, answers[tenant] = await send_chunk(
            shared_gateway, tenant, DZUUID, content[half:], total=len(content), offset=half
        )
        assert status == 200
    assert len({answer["job_id"] for answer in answers.values()}) == len(contents)
    for tenant, content in contents.items():
        job = await shared_gateway.job_of(answers[tenant])
        assert (job.tenant, job.upload_id) == (tenant, upload_id_of(DZUUID, tenant))
        assert await shared_gateway.content(job.inputs[0].key) == content


@pytest.mark.parametrize("headers", [{}, {**IETF, "Upload-Complete": "?1"}])
async def test_the_same_idempotency_key_of_two_tenants_names_two_uploads(
    shared_gateway: Gateway, headers: dict[str, str]
) -> None:
    contents = {OWNER: FILE, OTHER: FILE.replace(b"1\n", b"7\n")}
    locations = set()
    for tenant, content in contents.items():
        response = await ask(
            shared_gateway,
            tenant,
            "POST",
            "/api/v1/uploads?name=plays.csv",
            data=content,
            headers={"Idempotency-Key": '"monthly"', **headers},
        )
        assert response.status == 201
        locations.add(response.headers["Location"])
        key = key_of(upload_id_of("monthly", tenant), tenant)
        assert await shared_gateway.content(key) == content
    assert len(locations) == 2


def test_ids_and_keys_of_the_default_tenant_are_those_of_before() -> None:
    name = "0b0c9e3a-5a0f-4d86-9c3f-f3a3c6a1d001"
    assert str(upload_id_of(name)) == "185a4e99-e03a-523f-b5a7-d6628989edcf"
    assert upload_id_of(name, DEFAULT_TENANT) == upload_id_of(name)
    assert key_of(upload_id_of(name), DEFAULT_TENANT) == upload_key(upload_id_of(name))


async def _part(gateway: Gateway, tenant: Tenant, content: bytes) -> str:
    response = await ask(
        gateway,
        tenant,
        "POST",
        "/api/tus",
        data=content,
        headers={
            **TUS,
            "Upload-Length": str(len(content)),
            "Upload-Concat": "partial",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert response.status == 201
    return response.headers["Location"]


async def _concatenate(gateway: Gateway, tenant: Tenant, parts: list[str]) -> ClientResponse:
    headers = {**TUS, "Upload-Concat": f"final;{' '.join(parts)}"}
    return await ask(gateway, tenant, "POST", "/api/tus", headers=headers)


async def test_parts_of_another_tenant_cannot_be_concatenated(shared_gateway: Gateway) -> None:
    parts = [
        await _part(shared_gateway, OWNER, FILE[:9]),
        await _part(shared_gateway, OWNER, FILE[9:]),
    ]
    own = await _part(shared_gateway, OTHER, FILE[:9])
    unknown = {part: f"/api/tus/{uuid4()}" for part in parts}
    for foreign in ([parts[0]], [own, parts[1]], parts):
        known = await _concatenate(shared_gateway, OTHER, foreign)
        other = await _concatenate(
            shared_gateway, OTHER, [unknown.get(part, part) for part in foreign]
        )
        assert known.status == other.status == 404
    final = await _concatenate(shared_gateway, OWNER, parts)
    assert final.status == 201
    # Not even what they became is told.
    assert (await _concatenate(shared_gateway, OTHER, parts)).status == 404


async def test_an_append_goes_on_while_another_tenant_asks_for_its_offset(
    shared_gateway: Gateway,
) -> None:
    response = await ask(
        shared_gateway, OWNER, "POST", "/api/tus", headers={**TUS, "Upload-Length": str(len(FILE))}
    )
    path = response.headers["Location"]

    async def slow() -> Any:
        yield FILE[:9]
        for tus in (path, path.replace("/api/tus", "/api/v1/uploads")):
            for headers in (TUS, IETF):
                found = await ask(shared_gateway, OTHER, "HEAD", tus, headers=headers)
                assert found.status in (404, 412)
        yield FILE[9:]

    response = await ask(
        shared_gateway,
        OWNER,
        "PATCH",
        path,
        data=slow(),
        headers={
            **TUS,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    assert (response.status, response.headers["Upload-Offset"]) == (204, str(len(FILE)))


async def test_requests_without_a_principal_are_of_the_tenant_of_the_settings(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(tenant=OWNER)
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    job = await gateway.job_of(answer)
    assert (job.tenant, job.state) == (OWNER, JobState.PENDING)
    assert (await gateway.client.get(f"/api/v1/jobs/{job.id}")).status == 200
    default = await gateway.pending_job()
    assert default.tenant == DEFAULT_TENANT
    assert (await gateway.client.get(f"/api/v1/jobs/{default.id}")).status == 404


async def test_the_time_of_an_answer_does_not_tell_that_another_tenant_has_the_same_file(
    shared_gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of first bytes, so as not to look at them again, is a tenant's."""
    calls: list[str] = []

    def counted(work: Any) -> Any:
        def count(*arguments: Any, **named: Any) -> Any:
            calls.append(work.__name__)
            return work(*arguments, **named)

        return count

    for module, work in (
        (inspector, inspection.inspect),
        (header_check, inspection.check_header),
    ):
        monkeypatch.setattr(module, work.__name__, counted(work))
    lines = FILE + b"a,2026-01-01,1\n" * (SAMPLE_SIZE // 15)
    spec = {"name": "a.csv", "size": 2 * len(lines), "aggregation": {"group_by": ["Sogn"]}}
    for tenant in (OWNER, OTHER):
        created = await ask(
            shared_gateway,
            tenant,
            "POST",
            "/api/v1/uploads",
            data=json.dumps(spec).encode(),
            headers={"Content-Type": "application/json"},
        )
        path = f"/api/v1/uploads/{(await created.json())['id']}"
        refused = await ask(shared_gateway, tenant, "PUT", f"{path}/chunks/0", data=BytesIO(lines))
        assert refused.status == 422
        assert (await ask(shared_gateway, tenant, "POST", f"{path}/inspect")).status == 200
        if tenant == OWNER:
            first = list(calls)
    assert first
    assert calls == 2 * first
