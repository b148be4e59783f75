"""Valid and invalid requests that schemathesis generates from `/openapi.json`."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from click.testing import CliRunner

from csvmill.cli import main
from csvmill.client import AsyncClient
from gateway.openapi.document import DOCUMENT
from gateway.protocols.ietf.headers import MEDIA_TYPE
from gateway.protocols.tus.handlers import CONTENT_TYPE
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Deployment

PLAYS = b"Song,Date,Number of Plays\nUmbrella,2020-01-02,200\n"
BROKEN = b"Song,Date,Number of Plays\nUmbrella,2020-01-02,many\n"
EXAMPLES = 5
"""The number of random requests to each operation, besides those at the schema's limits."""
UPLOADS = 40
TIMEOUT = 240.0
MEDIA_TYPES = f"""
import schemathesis

for media_type in ({CONTENT_TYPE!r}, {MEDIA_TYPE!r}):
    schemathesis.serializer.alias(media_type, "application/octet-stream")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    # The limits of nested filters would make thousands of similar requests.
    spec = raw_schema["components"]["schemas"]["Aggregation"]["properties"]
    for nested in ("where", "having"):
        spec[nested] = {{"enum": [None, {{"column": 1, "op": "is_empty"}}]}}
    del spec["order_by"]
    # At the limits of `spec` the URL is too long to be sent.
    for method in ("post", "put"):
        uploads = raw_schema["paths"]["/api/v1/uploads"][method]
        uploads["parameters"] = [p for p in uploads["parameters"] if p["name"] != "spec"]
"""
REFUSING = [400, 401, 403, 404, 405, 406, 409, 412, 415, 422]
"""The statuses that refuse an invalid request. 412 is the tus status for another version."""

REFUSED = {"DELETE /api/v1/jobs/{job_id}", "POST /api/v1/jobs/{job_id}/retry"}
"""Operations that may be refused in every case, because the jobs have finished."""
OF_KEYS = {
    f"{method} /api/v1/keys{path}"
    for method, path in (
        ("GET", ""), ("HEAD", ""), ("POST", ""), ("DELETE", "/{key_id}"),
        ("POST", "/{key_id}/rotate"),
    )
}  # fmt: skip
"""Operations that a service refuses that demands no keys."""
OWN = "GET /openapi.json"
"""The operation that schemathesis requests first and does not test."""


async def jobs(url: str, folder: Path) -> list[str]:
    """Return the ids of a succeeded and a failed job."""
    ids = []
    async with AsyncClient(url) as client:
        for name, data in (("plays.csv", PLAYS), ("broken.csv", BROKEN)):
            path = folder / name
            await asyncio.to_thread(path.write_bytes, data)
            ids.append(await client.upload(path))
        await client.wait(ids[0], timeout=60)
    return ids


async def uploads_in_flight(url: str) -> list[str]:
    """Return the ids of empty uploads, more than the tests cancel."""
    ids = []
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        for _ in range(UPLOADS):
            declaration = {"name": "plays.csv", "size": 1_000_000}
            async with session.post(f"{url}/api/v1/uploads", json=declaration) as response:
                ids.append((await response.json())["id"])
    return ids


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The URL of a service that demands keys, and a key that may do everything."""
    made = CliRunner().invoke(
        main,
        [
            "keys", "create", "--name", "all", "--operator", "--data-dir", str(tmp_path),
            *(word for scope in ("upload", "read", "admin") for word in ("--scope", scope)),
        ],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    with ServiceProcess(
        "csvmill", "serve", "--port", "0", "--data-dir", str(tmp_path),
        log_path=tmp_path / "service.log", env={"CSVMILL_AUTH": "keys"},
    ) as service:  # fmt: skip
        yield service.url, made.stdout.strip()


async def run(url: str, folder: Path, config: str, *options: str) -> tuple[dict[str, Any], str]:
    """Run schemathesis; return its report and its output."""
    (folder / "schemathesis.toml").write_text(config)
    (folder / "media_types.py").write_text(MEDIA_TYPES)
    report = folder / "report.json"
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program
    process = await asyncio.create_subprocess_exec(
        program, "--config-file", "schemathesis.toml", "run", f"{url}/openapi.json",
        "--generation-deterministic", "--max-examples", str(EXAMPLES), "--no-color",
        "--report", "json", "--report-json-path", str(report),
        # A schema cannot express that a digest matches, or that a chunk is within its file.
        # A cancelled job still exists.
        "--exclude-checks", "positive_data_acceptance,use_after_free", *options,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    printed = output.decode(errors="replace")
    assert report.exists(), printed
    return json.loads(report.read_text()), printed


@pytest.mark.timeout(300)
async def test_every_response_is_described_by_the_document(
    standalone: Deployment, tmp_path: Path
) -> None:
    known = {
        "job_id": await jobs(standalone.url, tmp_path),
        "upload": await uploads_in_flight(standalone.url),
    }
    lines = ['hooks = "media_types"', "[checks]"]
    lines += [
        f"{check}.expected-statuses = {REFUSING}"
        for check in ("negative_data_rejection", "missing_required_header")
    ]
    lines += ["[dictionaries]"]
    lines += [f"{name} = {{ values = {json.dumps(ids)} }}" for name, ids in known.items()]
    lines += ["[parameters]"]
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in known]
    report, printed = await run(standalone.url, tmp_path, "\n".join(lines))
    assert report["failures"] == [], printed
    assert report["errors"] == [], printed
    assert report["exit_code"] == 0, printed
    # Then every operation was requested and succeeded at least once
    described = {
        f"{method.upper()} {path}" for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert report["valid_rates"].keys() == described - {OWN, *OF_KEYS}
    done = {
        operation
        for operation, phases in report["valid_rates"].items()
        if any(phase["accepted"] for phase in phases.values())
    }
    assert described - done <= {OWN, *REFUSED, *OF_KEYS}, printed


async def test_keys_and_what_they_open_are_described_by_the_document(
    keyed: tuple[str, str], tmp_path: Path
) -> None:
    url, key = keyed
    async with AsyncClient(url, api_key=key) as client:
        path = tmp_path / "plays.csv"
        await asyncio.to_thread(path.write_bytes, PLAYS)
        job = await client.upload(path)
        await client.wait(job, timeout=60)
        spare = [
            (await client.admin.create_key(f"spare {number}", ["read"])).key.id
            for number in range(UPLOADS)
        ]
    config = f"""
        [checks]
        negative_data_rejection.expected-statuses = {REFUSING}
        missing_required_header.expected-statuses = {REFUSING}
        [dictionaries]
        job_id = {{ values = ["{job}"] }}
        key_id = {{ values = {json.dumps(spare)} }}
        [parameters]
        "path.job_id" = {{ dictionary = "job_id", probability = 0.8 }}
        "path.key_id" = {{ dictionary = "key_id", probability = 0.8 }}
    """
    report, printed = await run(
        url, tmp_path, config,
        "--header", f"Authorization: Bearer {key}",
        "--include-path-regex", "keys|audit|links|/result",
        # By following links it would revoke the key that it uses.
        "--phases", "examples,coverage,fuzzing",
    )  # fmt: skip
    assert report["failures"] == [], printed
    assert report["errors"] == [], printed
    assert report["exit_code"] == 0, printed
    assert all(
        any(phase["accepted"] for phase in phases.values())
        for phases in report["valid_rates"].values()
    ), printed
