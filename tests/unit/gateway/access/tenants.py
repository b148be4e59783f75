"""Requests and belongings of several tenants of one gateway, each with its API key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from gateway.uploads.upload import upload_id_of
from shared.access.keys import new_key
from shared.access.tenant import Tenant
from shared.blobs.blob import result_key
from shared.jobs.job import SONG_PLAYS, Job, JobResult, JobState
from shared.jobs.notification import NotificationFilter
from shared.jobs.notifications import ID_PREFIX
from shared.uploads.keys import key_of
from tests.unit.gateway.access.keys import bearer, stored_key
from tests.unit.gateway.conftest import dropzone_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aiohttp import ClientResponse

    from shared.access.keys import ApiKey
    from shared.blobs.blob import BlobInfo
    from shared.jobs.notification import Notification
    from shared.jobs.saved_spec import SavedSpec
    from tests.unit.gateway.conftest import Gateway

OWNER = Tenant("acme")
OTHER = Tenant("acme-2")
TUS = {"Tus-Resumable": "1.0.0"}
IETF = {"Upload-Draft-Interop-Version": "8"}
DZUUID = "0b0c9e3a-5a0f-4d86-9c3f-f3a3c6a1d001"
FILE = b"Song,Date,Number of Plays\na,2026-01-01,1\n"
RESULT = b"Song,Date,Total Number of Plays for Date\na,2026-01-01,1\n"


async def ask(
    gateway: Gateway,
    tenant: Tenant,
    method: str,
    path: str,
    *,
    data: Any = None,
    headers: dict[str, str] | None = None,
) -> ClientResponse:
    """Send a request on behalf of a tenant."""
    if tenant not in gateway.keys:
        gateway.keys[tenant] = (await stored_key(gateway, tenant=tenant)).text
    fields = {**bearer(gateway.keys[tenant]), "X-Request-Id": "the-same", **(headers or {})}
    return await gateway.client.request(method, path, data=data, headers=fields)


async def send_chunk(
    gateway: Gateway, tenant: Tenant, dzuuid: str, body: bytes, *, total: int, offset: int = 0
) -> tuple[int, dict[str, Any]]:
    """Send a chunk as Dropzone does; return the status and the answer."""
    form = dropzone_form(dzuuid, body, offset, len(body), total)
    response = await ask(
        gateway,
        tenant,
        "POST",
        "/api/upload_file",
        data=form.content,
        headers={"Content-Type": form.content_type},
    )
    return response.status, await response.json()


@dataclass
class Belongings:
    """What a tenant has: uploads of every protocol, and jobs in every state."""

    gateway: Gateway
    tenant: Tenant
    names: dict[str, str] = field(default_factory=dict)
    """Names and ids of uploads."""
    jobs: dict[str, UUID] = field(default_factory=dict)
    key_id: str = ""
    """The id of an API key."""
    spec_name: str = ""
    """The name of a saved spec."""
    notification_id: str = ""
    """The id of a notification that was given up."""

    @classmethod
    async def of(cls, gateway: Gateway, tenant: Tenant) -> Belongings:
        """Give a tenant these uploads and jobs."""
        found = cls(gateway, tenant)
        await found._upload()
        found.key_id = (await stored_key(gateway, tenant=tenant)).id
        for state in JobState:
            found.jobs[state.value] = (await found._job(state)).id
        found.spec_name = str(uuid4())
        await gateway.jobs.specs.save(tenant, found.spec_name, SONG_PLAYS, now=1.0)
        notifications = gateway.jobs.notifications
        (taken,) = await notifications.take(now=4.0, held_until=5.0, limit=9)
        assert taken.tenant == tenant
        assert await notifications.give_up(taken, "HTTP 503", status=503, now=4.0)
        found.notification_id = taken.id
        return found

    @property
    def ids(self) -> list[str]:
        """All ids and names, that of a finished job first."""
        finished = self.jobs["SUCCESS"]
        others = [str(job_id) for job_id in self.jobs.values() if job_id != finished]
        uploads = self.names.values()
        return [
            str(finished), *others, *uploads, self.key_id, self.spec_name, self.notification_id
        ]  # fmt: skip

    def unknown(self, name: str) -> str:
        """Return another id, or name, of the same form, which does not exist."""
        if name == self.key_id:
            return new_key().id
        if name == self.notification_id:
            return f"{ID_PREFIX}{uuid4().hex}"
        return str(uuid4())

    async def state(
        self,
    ) -> tuple[
        list[BlobInfo], list[Job], ApiKey | None, Sequence[SavedSpec], Sequence[Notification]
    ]:
        """Return all uploads, jobs, keys, saved specs and notifications as they are now."""
        blobs, jobs = self.gateway.blobs, self.gateway.jobs
        ids = [
            upload_id_of(name, self.tenant) if name == DZUUID else UUID(name)
            for name in self.names.values()
        ]
        return (
            [await blobs.peek(key_of(each, self.tenant)) for each in ids],
            [await jobs.get(each) for each in self.jobs.values()],
            await jobs.access.keys.find(self.key_id),
            await jobs.specs.listed(self.tenant),
            await jobs.notifications.newest(NotificationFilter(tenant=self.tenant), limit=9),
        )

    async def _upload(self) -> None:
        gateway, tenant = self.gateway, self.tenant
        native = await ask(
            gateway,
            tenant,
            "POST",
            "/api/v1/uploads",
            data=b'{"name": "native.csv", "size": 9}',
            headers={"Content-Type": "application/json"},
        )
        tus = await ask(
            gateway,
            tenant,
            "POST",
            "/api/tus",
            headers={**TUS, "Upload-Defer-Length": "1"},
        )
        part = await ask(
            gateway,
            tenant,
            "POST",
            "/api/tus",
            data=b"Song,",
            headers={
                **TUS,
                "Upload-Length": "5",
                "Upload-Concat": "partial",
                "Content-Type": "application/offset+octet-stream",
            },
        )
        ietf = await ask(
            gateway,
            tenant,
            "POST",
            "/api/v1/uploads?name=ietf.csv",
            headers={**IETF, "Upload-Complete": "?0"},
        )
        whole = await ask(gateway, tenant, "PUT", "/api/v1/uploads?name=whole.csv", data=FILE)
        created = {"native": native, "tus": tus, "part": part, "ietf": ietf, "whole": whole}
        for kind, response in created.items():
            assert response.status == 201, (kind, await response.text())
            self.names[kind] = response.headers["Location"].rpartition("/")[2]
        self.names["dzuuid"] = DZUUID
        assert (await send_chunk(gateway, tenant, DZUUID, b"Song", total=9))[0] == 200

    async def _job(self, state: JobState) -> Job:
        jobs, upload_id = self.gateway.jobs, uuid4()
        key = key_of(upload_id, self.tenant)
        await self.gateway.blobs.create(key, len(FILE))
        await self.gateway.blobs.write(key, 0, _once(FILE))
        job = await jobs.create(
            upload_id=upload_id,
            input_key=key,
            input_size=len(FILE),
            filename=f"{state.value}.csv",
            aggregation=SONG_PLAYS,
            max_attempts=3,
            now=1.0,
            tenant=self.tenant,
            notify=["https://hooks.example/"] if state is JobState.FAILURE else [],
        )
        self.names[f"of {state.value}"] = str(upload_id)
        if state is JobState.REVOKED:
            return await jobs.cancel(job.id, now=2.0)
        if state is not JobState.PENDING:
            await jobs.claim(job.id, worker="w", lease_until=4e9, now=2.0)
        if state in (JobState.FAILURE, JobState.RETRY):
            await jobs.fail(job.id, 1, "why", final=state is JobState.FAILURE, now=3.0)
        if state is JobState.SUCCESS:
            key = result_key(job.id, 1)
            sha256 = await self.gateway.put(key, RESULT)
            await jobs.succeed(job.id, 1, JobResult(key, len(RESULT), sha256, 1, 1), now=3.0)
        return job


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
