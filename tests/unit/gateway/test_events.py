"""The events of jobs in the log and in the metrics."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.telemetry.logs import JsonFormatter
from tests.metrics import Exposition
from tests.unit.gateway.access.keys import bearer, stored_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.jobs.store import SqlJobStore
    from shared.ports import JobStore
    from tests.unit.gateway.conftest import Gateway, Start


class Lines(logging.Handler):
    """Log lines, formatted when they are logged, while the ids are bound."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.fields: list[dict[str, Any]] = []
        self.setFormatter(JsonFormatter("gateway"))

    def emit(self, record: logging.LogRecord) -> None:
        self.fields.append(json.loads(self.format(record)))

    def events(self) -> list[str]:
        return [fields["event"] for fields in self.fields if "event" in fields]


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


async def metrics_of(gateway: Gateway) -> Exposition:
    response = await gateway.client.get("/metrics")
    return Exposition.of(await response.text())


async def test_a_job_is_created_once_however_often_its_last_chunk_is_sent(
    gateway: Gateway, lines: Lines
) -> None:
    for _ in range(3):
        answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    assert lines.events() == ["job.created"]
    (created,) = [fields for fields in lines.fields if "event" in fields]
    assert (created["job_id"], created["bytes"]) == (answer["job_id"], 2)
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_uploads_total", state="completed") == 1
    assert metrics.value("csvmill_jobs_total", reason="created") == 1
    assert metrics.value("csvmill_upload_chunks_total") == 3
    assert metrics.value("csvmill_upload_bytes_total") == 6


async def test_chunks_of_the_native_protocol_count_like_those_of_forms(gateway: Gateway) -> None:
    created = await gateway.client.post("/api/v1/uploads", json={"name": "a.csv", "size": 6})
    upload = created.headers["Location"]
    for offset in (3, 0):
        response = await gateway.client.put(f"{upload}/chunks/{offset}", data=b"abc")
        assert response.status == 200, await response.text()
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_upload_bytes_total") == 6
    assert metrics.value("csvmill_upload_chunks_total") == 2
    assert metrics.value("csvmill_uploads_total", state="completed") == 1


async def test_a_refused_chunk_is_not_counted(gateway: Gateway) -> None:
    await gateway.chunk("u", b"a", offset=0, size=1, total=2)
    response = await gateway.client.put(f"/api/v1/uploads/{uuid4()}/chunks/0", data=b"abc")
    assert response.status == 404
    assert (await metrics_of(gateway)).value("csvmill_upload_bytes_total") == 1


async def test_a_job_is_cancelled_once_however_often_it_is_requested(
    gateway: Gateway, lines: Lines
) -> None:
    job = await gateway.pending_job()
    for _ in range(2):
        await gateway.client.delete(f"/api/v1/jobs/{job.id}")
    assert lines.events() == ["job.cancelled"]
    assert lines.fields[0]["upload_id"] == str(job.upload_id)
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_jobs_total", state="REVOKED", reason="cancelled") == 1
    assert metrics.value("csvmill_uploads_total", state="cancelled") == 0


async def test_a_cancelled_incomplete_upload_is_not_a_cancelled_job(
    gateway: Gateway, lines: Lines
) -> None:
    await gateway.chunk("u", b"a", offset=0, size=1, total=2)
    await gateway.client.delete("/api/v1/uploads/u")
    assert lines.events() == ["upload.cancelled"]
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_uploads_total", state="cancelled") == 1
    assert metrics.value("csvmill_jobs_total", reason="cancelled") == 0


async def test_a_retry_is_logged_and_counted_in_the_queue(gateway: Gateway, lines: Lines) -> None:
    answer = await gateway.chunk("u", b"a", offset=0, size=1, total=1)
    job = await gateway.job_of(answer)
    await gateway.jobs.claim(job.id, worker="w", lease_until=2.0, now=1.0)
    await gateway.jobs.fail(job.id, 1, "reason", final=True, now=2.0)
    await gateway.client.post(f"/api/v1/jobs/{job.id}/retry")
    assert lines.events() == ["job.created", "job.retried"]
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_jobs_total", state="RETRY", reason="operator") == 1
    assert metrics.value("csvmill_jobs_unfinished", state="RETRY") == 1
    assert metrics.value("csvmill_oldest_waiting_job_seconds") > 0


async def test_wake_ups_that_the_broker_does_not_confirm_are_counted(gateway: Gateway) -> None:
    gateway.bus.away = True
    await gateway.chunk("u", b"a", offset=0, size=1, total=1)
    gateway.bus.away = False
    await gateway.chunk("u", b"a", offset=0, size=1, total=1)
    metrics = await metrics_of(gateway)
    assert metrics.value("csvmill_publish_failures_total") == 1
    assert metrics.value("csvmill_wake_ups_published_total") == 1


async def test_metrics_are_served_while_the_database_is_unavailable(start_gateway: Start) -> None:
    def away(jobs: SqlJobStore) -> JobStore:
        async def fails(*, limit: int) -> None:
            raise DatabaseUnavailable("the database does not answer")

        jobs.unfinished = fails  # type: ignore[method-assign, assignment]
        return jobs

    metrics = await metrics_of(await start_gateway(jobs=away))
    assert metrics.value("csvmill_sample_failures_total", sample="jobs") == 1
    waiting = metrics.value("csvmill_jobs_unfinished", state="PENDING")
    assert waiting != waiting  # NaN


@pytest.mark.parametrize(
    ("error", "level", "traceback"),
    [
        (StorageUnavailable("storage is gone"), "WARNING", False),
        (ZeroDivisionError("by nothing"), "ERROR", True),
    ],
)
async def test_an_unavailable_dependency_is_a_warning_and_a_defect_an_error_with_ids(
    start_gateway: Start, lines: Lines, error: Exception, level: str, traceback: bool
) -> None:
    def failing(jobs: SqlJobStore) -> JobStore:
        async def fails(*_: object, **__: object) -> None:
            raise error

        jobs.get = fails  # type: ignore[method-assign, assignment]
        return jobs

    gateway = await start_gateway(jobs=failing)
    job_id = uuid4()
    headers = {"X-Request-Id": "mine"}
    await gateway.client.get(f"/api/v1/jobs/{job_id}", headers=headers)
    (fields,) = [fields for fields in lines.fields if fields["logger"] == "gateway.http.errors"]
    assert (fields["level"], "exception" in fields) == (level, traceback)
    assert (fields["request_id"], fields["job_id"]) == ("mine", str(job_id))


async def test_the_lines_of_a_request_name_its_tenant(start_gateway: Start, lines: Lines) -> None:
    gateway = await start_gateway(tenant="acme")
    await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    assert {fields["tenant"] for fields in lines.fields if "upload_id" in fields} == {"acme"}


@pytest.mark.parametrize(("named", "labels"), [(0, set()), (1, {"acme"}), (9, {"acme", "acme-2"})])
async def test_as_many_tenants_as_the_setting_says_have_series_of_their_own(
    start_gateway: Start, named: int, labels: set[str]
) -> None:
    gateway = await start_gateway(auth="keys", open_metrics=True, tenant_metrics=named)
    for tenant in ("acme", "acme-2", "acme"):
        key = bearer(await stored_key(gateway, tenant=tenant))
        response = await gateway.client.put(
            "/api/v1/uploads?name=a.csv", data=b"Song,Date,Plays\n", headers=key
        )
        assert response.status == 201
    metrics = await metrics_of(gateway)
    sent = {"acme": 2, "acme-2": 1}
    expected = {label: sent[label] for label in labels}
    expected["_other"] = 3 - sum(expected.values())
    for name, each in (("jobs", 1), ("upload_bytes", 16)):
        found = {
            label["tenant"]: value
            for sample, label, value in metrics.samples
            if sample == f"csvmill_tenant_{name}_total"
        }
        assert found == {label: count * each for label, count in expected.items()}
