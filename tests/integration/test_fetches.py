"""Inputs are fetched from servers that are real, and killed in the middle, as is the service."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.processes import ServiceProcess
from tests.servers.object_storage import ObjectStorage
from tests.servers.web_files import WebFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WAIT = 60.0
MIB = 1 << 20
ROWS = 400_000
SPEC = {"group_by": ["k"], "aggregates": [{"function": "sum", "column": "n", "name": "total"}]}


def plays(rows: int = ROWS) -> bytes:
    return b"k,n\n" + b"".join(b"key %d,%d\n" % (i % 7, i) for i in range(rows))


def totals(rows: int = ROWS) -> bytes:
    lines = [b"key %d,%d\n" % (k, sum(range(k, rows, 7))) for k in range(7)]
    return b"k,total\n" + b"".join(lines)


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[ServiceProcess]:
    process = serve(folder, **settings)
    try:
        yield process
    finally:
        process.destroy()


def serve(folder: Path, **settings: str) -> ServiceProcess:
    return ServiceProcess(
        "csvmill", "serve", "--port", "0", "--data-dir", str(folder / "data"),
        log_path=folder / f"service-{os.urandom(4).hex()}.log",
        env={
            "CSVMILL_FETCH_HOSTS": "127.0.0.1,s3://plays/{tenant}/",
            "CSVMILL_OUTGOING_HTTP": "true",
            "CSVMILL_OUTGOING_NETWORKS": "127.0.0.0/8",
            "CSVMILL_LEASE": "2",
            "CSVMILL_FETCH_INTERVAL": "0.1",
            "CSVMILL_PROGRESS_INTERVAL": "0.1",
            "CSVMILL_RELAY_INTERVAL": "0.5",
            **settings,
        },
    )  # fmt: skip


async def ask(
    service: ServiceProcess, *inputs: Any, expected: int = 201, **fields: Any
) -> dict[str, Any]:
    body = {"inputs": inputs, "aggregation": SPEC, **fields}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.url}/api/v1/jobs", json=body) as response,
    ):
        found: dict[str, Any] = await response.json()
        assert response.status == expected, found
        return found


async def job_of(service: ServiceProcess, job_id: str) -> dict[str, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/api/v1/jobs/{job_id}") as response,
    ):
        found: dict[str, Any] = await response.json()
        return found


async def until(
    service: ServiceProcess, job_id: str, is_so: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Return the job once something is true of it."""
    async with asyncio.timeout(WAIT):
        while not is_so(job := await job_of(service, job_id)):  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0.05)
    return job


async def ended(service: ServiceProcess, job_id: str) -> dict[str, Any]:
    return await until(
        service, job_id, lambda job: job["state"] in ("SUCCESS", "FAILURE", "REVOKED")
    )


async def bytes_fetched(service: ServiceProcess, job_id: str, least: int) -> dict[str, Any]:
    """Return the job once so many bytes of its inputs have been fetched."""

    def has_them(job: dict[str, Any]) -> bool:
        assert job["stage"] == "fetching", job
        return bool(job["progress"]) and job["progress"]["bytes_done"] >= least

    return await until(service, job_id, has_them)


async def result(service: ServiceProcess, job_id: str) -> bytes:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{service.url}/api/v1/jobs/{job_id}/result") as response,
    ):
        return await response.read()


async def test_a_file_behind_a_url_becomes_an_upload_and_its_job_runs(tmp_path: Path) -> None:
    with WebFiles() as web, serving(tmp_path) as service:
        (web.files / "plays 2026.csv").write_bytes(plays())

        asked = await ask(service, {"url": f"{web.url}/plays%202026.csv?token=secret"})
        job = await ended(service, asked["id"])

        assert (asked["state"], asked["stage"]) == ("PENDING", "fetching")
        (given,) = job["inputs"]
        assert job["state"] == "SUCCESS", job
        assert given["name"] == "plays 2026.csv"
        assert given["size"] == len(plays())
        assert given["sha256"] == hashlib.sha256(plays()).hexdigest()
        assert given["url"] == f"{web.url}/plays%202026.csv?…"
        assert (job["stage"], job["filename"]) == (None, "plays 2026.csv")
        assert await result(service, job["id"]) == totals()

        # It is there for other questions, as any upload.
        again = await ask(service, given["upload_id"], cache=False)
        assert (await ended(service, again["id"]))["state"] == "SUCCESS"


async def test_a_fetch_goes_on_where_it_was_after_a_kill_of_the_service(tmp_path: Path) -> None:
    with WebFiles(rate=MIB) as web:
        (web.files / "a.csv").write_bytes(plays())
        service = serve(tmp_path)
        try:
            job = await ask(service, {"url": f"{web.url}/a.csv"})
            seen = await bytes_fetched(service, job["id"], 2 * MIB)
            assert seen["progress"]["bytes_total"] == len(plays())
            service.destroy()
            service = serve(tmp_path)
            done = await ended(service, job["id"])
            assert done["state"] == "SUCCESS", done
            assert await result(service, job["id"]) == totals()
            assert done["inputs"][0]["sha256"] == hashlib.sha256(plays()).hexdigest()
        finally:
            service.destroy()
        statuses = [line.split()[8] for line in web.requests]
        assert statuses[-1] == "206"


async def test_a_fetch_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    with WebFiles(rate=MIB) as web, serving(tmp_path) as service:
        (web.files / "a.csv").write_bytes(plays())
        job = await ask(service, {"url": f"{web.url}/a.csv"})
        await bytes_fetched(service, job["id"], MIB)
        web.kill()
        waiting = await until(service, job["id"], lambda job: job["reason"] is not None)
        assert waiting["reason"].startswith("fetching a.csv: ")
        web.start()

        done = await ended(service, job["id"])

        assert done["state"] == "SUCCESS", done
        assert await result(service, job["id"]) == totals()
        assert [line.split()[8] for line in web.requests][-1] == "206"


async def test_a_file_that_changes_in_between_is_refused_and_not_mixed(tmp_path: Path) -> None:
    with WebFiles(rate=MIB) as web, serving(tmp_path) as service:
        (web.files / "a.csv").write_bytes(plays())
        job = await ask(service, {"url": f"{web.url}/a.csv"})
        await bytes_fetched(service, job["id"], MIB)
        web.kill()
        (web.files / "a.csv").write_bytes(plays().replace(b"key 1", b"key 9"))
        web.start()

        failed = await ended(service, job["id"])

        assert failed["state"] == "FAILURE"
        assert "has changed since its first bytes came" in failed["reason"]


async def test_a_cancelled_job_fetches_nothing_more_and_keeps_nothing(tmp_path: Path) -> None:
    with WebFiles(rate=MIB) as web, serving(tmp_path) as service:
        (web.files / "a.csv").write_bytes(plays())
        job = await ask(service, {"url": f"{web.url}/a.csv"})
        await bytes_fetched(service, job["id"], MIB)
        async with (
            aiohttp.ClientSession() as session,
            session.delete(f"{service.url}/api/v1/jobs/{job['id']}") as response,
        ):
            assert response.status in (200, 202, 204), await response.text()
        service.wait_for_line("its fetch is lost", timeout=WAIT)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{service.url}/api/v1/uploads/{job['inputs'][0]['upload_id']}") as upload,
        ):
            assert upload.status == 404


async def test_what_cannot_be_had_fails_the_job_with_the_reason(tmp_path: Path) -> None:
    with WebFiles() as web, serving(tmp_path, CSVMILL_MAX_UPLOAD_SIZE="1000000") as service:
        (web.files / "large.csv").write_bytes(plays())
        for url, message in (
            (f"{web.url}/none.csv", "127.0.0.1 answers 404 Not Found"),
            (f"{web.url}/large.csv", "an upload has at most 1000000"),
        ):
            job = await ask(service, {"url": url})
            failed = await ended(service, job["id"])
            assert (failed["state"], failed["attempt"]) == ("FAILURE", 1)
            assert failed["reason"].startswith("the input ")
            assert message in failed["reason"]


async def test_a_failed_fetch_is_fetched_again_when_its_job_is_retried(tmp_path: Path) -> None:
    with WebFiles() as web, serving(tmp_path) as service:
        job = await ask(service, {"url": f"{web.url}/late.csv"})
        assert (await ended(service, job["id"]))["state"] == "FAILURE"
        (web.files / "late.csv").write_bytes(plays())
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{service.url}/api/v1/jobs/{job['id']}/retry") as response,
        ):
            assert response.status in (200, 202), await response.text()
        await until(service, job["id"], lambda job: job["state"] == "SUCCESS")
        assert await result(service, job["id"]) == totals()


async def test_a_declared_digest_is_checked(tmp_path: Path) -> None:
    with WebFiles() as web, serving(tmp_path) as service:
        (web.files / "a.csv").write_bytes(plays())
        right, wrong = hashlib.sha256(plays()).hexdigest(), "0" * 64
        good = await ask(service, {"url": f"{web.url}/a.csv", "sha256": right, "name": "b.csv"})
        bad = await ask(service, {"url": f"{web.url}/a.csv", "sha256": wrong})

        assert (await ended(service, good["id"]))["state"] == "SUCCESS"
        assert (await ended(service, bad["id"]))["state"] == "FAILURE"
        assert (await job_of(service, good["id"]))["inputs"][0]["name"] == "b.csv"


async def test_a_content_coding_is_decompressed_by_the_job(tmp_path: Path) -> None:
    with WebFiles() as web, serving(tmp_path) as service:
        (web.files / "a.csv.gz").write_bytes(gzip.compress(plays()))
        job = await ask(service, {"url": f"{web.url}/a.csv.gz"})
        assert (await ended(service, job["id"]))["state"] == "SUCCESS"
        assert await result(service, job["id"]) == totals()


async def test_an_object_is_fetched_with_the_key_of_the_service(tmp_path: Path) -> None:
    with ObjectStorage() as storage:
        folder = storage.bucket("plays") / "default"
        folder.mkdir()
        (folder / "a.csv").write_bytes(plays())
        (tmp_path / "secret").write_text(storage.secret_key)
        settings = {
            "CSVMILL_S3_ENDPOINT": storage.url,
            "CSVMILL_S3_ACCESS_KEY_ID": storage.access_key,
            "CSVMILL_S3_SECRET_ACCESS_KEY_FILE": str(tmp_path / "secret"),
        }
        with serving(tmp_path, **settings) as service:
            job = await ask(service, {"url": "s3://plays/default/a.csv"})
            done = await ended(service, job["id"])
            assert done["state"] == "SUCCESS", done
            assert await result(service, job["id"]) == totals()
            # The other tenants' part of the bucket
            refused = await ask(service, {"url": "s3://plays/other/a.csv"}, expected=400)
            assert "inputs may not come from" in refused["detail"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://localhost/a.csv", "localhost is not a host"),
        ("http://169.254.169.254/latest/meta-data", "is not a host"),
        ("ftp://127.0.0.1/a.csv", "has to begin with"),
        ("http://a:b@127.0.0.1/", "a user or a password"),
        ("s3://plays/default/../other/a.csv", "not have empty, `.` or `..` segments"),
    ],
)
async def test_a_place_that_is_not_allowed_is_refused(
    tmp_path: Path, url: str, message: str
) -> None:
    with serving(tmp_path) as service:
        refused = await ask(service, {"url": url}, expected=400)
        assert message in refused["detail"]


async def test_by_default_nothing_is_fetched(tmp_path: Path) -> None:
    with serving(tmp_path, CSVMILL_FETCH_HOSTS="") as service:
        refused = await ask(service, {"url": "https://example.com/a.csv"}, expected=400)
        assert "this service fetches no inputs: send the file" in refused["detail"]


@contextmanager
def sending(folder: Path, storage: ObjectStorage, **more: str) -> Iterator[ServiceProcess]:
    (folder / "secret").write_text(storage.secret_key)
    settings = {
        "CSVMILL_S3_ENDPOINT": storage.url,
        "CSVMILL_S3_ACCESS_KEY_ID": storage.access_key,
        "CSVMILL_S3_SECRET_ACCESS_KEY_FILE": str(folder / "secret"),
        "CSVMILL_DELIVER_TO": "s3://results/{tenant}/",
        **more,
    }
    with serving(folder, **settings) as service:
        yield service


async def delivered(service: ServiceProcess, job_id: str) -> dict[str, Any]:
    return await until(service, job_id, lambda job: job["output_to"]["state"] != "PENDING")


async def test_a_result_is_sent_to_object_storage_once_it_is_there(tmp_path: Path) -> None:
    with WebFiles() as web, ObjectStorage() as storage, sending(tmp_path, storage) as service:
        bucket = storage.bucket("results")
        (web.files / "a.csv").write_bytes(plays())
        target = "s3://results/default/2026/totals.csv"
        job = await ask(service, {"url": f"{web.url}/a.csv"}, output={"to": target})
        assert job["output_to"] == {"url": target, "state": "PENDING", "reason": None}

        done = await delivered(service, job["id"])

        assert (done["state"], done["output_to"]["state"]) == ("SUCCESS", "DELIVERED")
        assert (bucket / "default" / "2026" / "totals.csv").read_bytes() == totals()
        refused = await ask(
            service, job["inputs"][0]["upload_id"], expected=400,
            output={"to": "s3://results/other/x"},
        )  # fmt: skip
        assert "results may not go to" in refused["detail"]


async def test_a_large_result_arrives_after_kills_of_service_and_bucket(tmp_path: Path) -> None:
    rows = 900_000
    data = b"k,n\n" + b"".join(b"key number %d,%d\n" % (i, i) for i in range(rows))
    question = {"group_by": ["k"], "aggregates": [{"function": "sum", "column": "n"}]}
    with WebFiles() as web, ObjectStorage() as storage:
        bucket = storage.bucket("results")
        (web.files / "a.csv").write_bytes(data)
        storage.kill()
        with sending(tmp_path, storage) as service:
            job = await ask(
                service, {"url": f"{web.url}/a.csv"}, aggregation=question,
                output={"to": "s3://results/default/all.csv"},
            )  # fmt: skip
            waiting = await until(
                service, job["id"], lambda job: job["output_to"]["reason"] is not None
            )
            assert (waiting["state"], waiting["output_to"]["state"]) == ("SUCCESS", "PENDING")
            expected = await result(service, job["id"])
            assert len(expected) > 8 * MIB
            service.destroy()
        storage.start()
        with sending(tmp_path, storage) as service:
            done = await delivered(service, job["id"])
            assert done["output_to"]["state"] == "DELIVERED", done["output_to"]
        assert (bucket / "default" / "all.csv").read_bytes() == expected


async def test_a_result_that_may_not_be_written_is_given_up_and_stays_here(tmp_path: Path) -> None:
    with WebFiles() as web, ObjectStorage() as storage:
        storage.bucket("results")
        (web.files / "a.csv").write_bytes(plays())
        wrong = {"CSVMILL_S3_ACCESS_KEY_ID": "nobody"}
        with sending(tmp_path, storage, **wrong) as service:
            job = await ask(
                service, {"url": f"{web.url}/a.csv"}, output={"to": "s3://results/default/a.csv"}
            )
            failed = await delivered(service, job["id"])
            assert failed["output_to"]["state"] == "FAILED"
            assert "does not let this service use" in failed["output_to"]["reason"]
            assert await result(service, job["id"]) == totals()
