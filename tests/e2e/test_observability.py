"""One file traced through three processes by their logs and metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from csvmill.client import AsyncClient
from tests.metrics import Exposition
from tests.services import Services, line, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes import ServiceProcess

ROWS = 1000
PLAYS = b"Song,Date,Number of Plays\n" + b"".join(
    b"s%d,2026-01-01,1\n" % (n % 10) for n in range(ROWS)
)
CHUNK = 5000
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}


@pytest.fixture
def services(tmp_path: Path, database_url: str, broker_url: str) -> Iterator[Services]:
    with Services(tmp_path, database_url, broker_url) as started:
        yield started


def grep(text: str, *processes: ServiceProcess) -> list[dict[str, Any]]:
    """Return the log lines that contain `text`, ordered by time."""
    found = [json.loads(one) for p in processes for one in p.lines if text in one]
    return sorted(found, key=lambda fields: str(fields["timestamp"]))


async def upload(session: aiohttp.ClientSession, url: str) -> str:
    """Send the file in chunks, each in a request with its own id; return the job's id."""
    answer: dict[str, str] = {}
    for offset in range(0, len(PLAYS), CHUNK):
        form = aiohttp.FormData(
            {
                "dzuuid": "traced",
                "dzchunkbyteoffset": str(offset),
                "dzchunksize": str(CHUNK),
                "dztotalfilesize": str(len(PLAYS)),
            }
        )
        form.add_field("file", PLAYS[offset : offset + CHUNK], filename="plays.csv")
        headers = {**HEADERS, "X-Request-Id": f"chunk-at-{offset}"}
        async with session.post(f"{url}/api/upload_file", data=form, headers=headers) as response:
            assert response.headers["X-Request-Id"] == f"chunk-at-{offset}"
            answer = await response.json()
    return answer["job_id"]


async def scraped(session: aiohttp.ClientSession, process: ServiceProcess) -> Exposition:
    async with session.get(f"{process.url}/metrics") as response:
        assert response.status == 200
        return Exposition.of(await response.text())


async def test_logs_and_counters_trace_a_file_through_all_services(
    services: Services, tmp_path: Path
) -> None:
    # Given a processor that streams its input, and a file of several chunks
    storage = services.storage()
    listening(storage)
    gateway, processor = services.gateway(), services.processor()
    listening(gateway, processor)
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        job_id = await upload(session, gateway.url)
        async with AsyncClient(gateway.url) as client:
            await client.wait(job_id, timeout=60)
            size = (await client.download(job_id, tmp_path / "totals.csv")).size
        await line(processor, '"job.succeeded"')
        metrics = {p: await scraped(session, p) for p in (gateway, storage, processor)}
    last = (len(PLAYS) - 1) // CHUNK * CHUNK
    chunks = last // CHUNK + 1

    # Then a search for the job's id finds its events in order
    found = grep(job_id, gateway, storage, processor)
    assert [fields["event"] for fields in found if "event" in fields] == [
        "job.created",
        "attempt.started",
        "job.succeeded",
    ]
    assert {fields["service"] for fields in found} == {"gateway", "storage", "processor"}
    (succeeded,) = [fields for fields in found if fields.get("event") == "job.succeeded"]
    assert (succeeded["rows_in"], succeeded["rows_out"]) == (ROWS, 10)
    assert (succeeded["bytes_in"], succeeded["attempt"]) == (len(PLAYS), 1)
    # And each line has the ids of the upload, the last chunk's request, and the trace
    upload_id = succeeded["upload_id"]
    for fields in found:
        assert fields["job_id"] == job_id, fields
        assert fields["upload_id"] == upload_id, fields
        assert fields["request_id"] == f"chunk-at-{last}", fields
        assert fields["trace_id"] == TRACE, fields
    # And a search for the last request's id also finds storage's lines about the upload
    texts = [fields["message"] for fields in grep(f"chunk-at-{last}", gateway, storage, processor)]
    assert f"blob uploads/{upload_id} is complete: {len(PLAYS)} bytes" in texts
    assert f"blob results/{job_id}/1 is complete: {size} bytes" in texts
    # And a search for the upload's id finds its creation, but not one line per chunk
    about = grep(upload_id, storage)
    assert about[0]["request_id"] == "chunk-at-0"
    assert len([fields for fields in about if "results/" not in fields["message"]]) == 2

    # And the counters agree
    g, s, p = metrics[gateway], metrics[storage], metrics[processor]
    assert g.value("csvmill_upload_bytes_total") == len(PLAYS)
    assert g.value("csvmill_upload_chunks_total") == chunks
    assert g.value("csvmill_uploads_total", state="completed") == 1
    # The client requests one byte before it downloads the whole file.
    assert g.value("csvmill_download_bytes_total") == 1 + size
    assert g.value("csvmill_jobs_total", state="PENDING", reason="created") == 1
    assert g.value("csvmill_wake_ups_published_total") == 1
    assert g.value("csvmill_publish_failures_total") == 0
    assert g.value("csvmill_jobs_unfinished") == 0
    uploads = {"method": "POST", "route": "/api/upload_file", "status": "200"}
    assert g.value("csvmill_http_requests_total", **uploads) == chunks
    assert s.value("csvmill_storage_received_bytes_total", kind="uploads") == len(PLAYS)
    assert s.value("csvmill_storage_chunks_total", kind="uploads") == chunks
    assert s.value("csvmill_storage_sent_bytes_total", kind="uploads") == len(PLAYS)
    assert s.value("csvmill_storage_received_bytes_total", kind="results") == size
    assert s.value("csvmill_storage_sent_bytes_total", kind="results") == 1 + size
    for kind in ("uploads", "results"):
        assert s.value("csvmill_storage_blobs_total", kind=kind, state="begun") == 1
    assert 0 < s.value("csvmill_storage_free_bytes") < s.value("csvmill_storage_size_bytes")
    assert p.value("csvmill_jobs_total", state="SUCCESS", reason="done") == 1
    assert p.value("csvmill_attempts_total", outcome="success") == 1
    assert p.value("csvmill_job_queue_wait_seconds_count") == 1
    assert p.value("csvmill_job_duration_seconds_count", engine="kernel", plan="exact") == 1
    assert p.value("csvmill_job_input_rows_total", engine="kernel", plan="exact") == ROWS
    assert p.value("csvmill_job_output_rows_total", engine="kernel", plan="exact") == 10
    assert p.value("csvmill_job_input_bytes_total") == len(PLAYS)
    assert p.value("csvmill_leases_lost_total") == 0
    assert p.value("csvmill_attempts_running") == 0
    for service, metric in (("gateway", g), ("storage", s), ("processor", p)):
        assert metric.value("csvmill_build_info", service=service) == 1
        assert metric.value("process_resident_memory_bytes") > 0
        assert "csvmill_event_loop_lag_seconds_count" in metric.labels


async def test_an_outage_is_logged_as_a_warning_without_a_traceback(services: Services) -> None:
    # Given a gateway whose storage is not running
    gateway = services.gateway()
    async with aiohttp.ClientSession() as session:
        form = aiohttp.FormData()
        form.add_field("file", PLAYS, filename="plays.csv")
        headers = {"X-Request-Id": "refused-upload"}
        url = f"{gateway.url}/api/upload_file"
        async with session.post(url, data=form, headers=headers) as response:
            assert response.status == 503
            assert response.headers["X-Request-Id"] == "refused-upload"
        metrics = await scraped(session, gateway)
    # Then
    await line(gateway, "refused-upload")
    (fields,) = grep("refused-upload", gateway)
    assert (fields["level"], "exception" in fields) == ("WARNING", False)
    assert fields["upload_id"]
    assert metrics.value("csvmill_http_requests_total", status="503") == 1
    assert metrics.value("csvmill_upload_bytes_total") == 0
