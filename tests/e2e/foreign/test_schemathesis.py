"""Valid and invalid requests that schemathesis generates from `/openapi.json`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from click.testing import CliRunner

from csvmill.cli import main
from csvmill.client import AsyncClient
from gateway.openapi.document import DOCUMENT
from tests.e2e.foreign.generator import ASKED, Generator, Plan
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

PLAYS = b"Song,Date,Number of Plays\nUmbrella,2020-01-02,200\n"
BROKEN = b"Song,Date,Number of Plays\nUmbrella,2020-01-02,many\n"
SPEC = {"group_by": ["Song"], "aggregates": [{"function": "count"}]}
SPARE = 40
"""Uploads, keys and specs that are made before, more than a short test deletes."""
SHORT = Plan(examples=5)
"""About 6,500 requests."""
REFUSED_ONLY = Plan(examples=1, linked=False)
"""Where each request lacks the key. Without it, there is nothing to follow."""
LONG = [Plan(examples=75, seed=1)]
"""About 2,500 random requests each."""


def _plans(short: Plan) -> pytest.MarkDecorator:
    longer = [pytest.param(plan, id=f"long-{plan.seed}", marks=pytest.mark.long) for plan in LONG]
    return pytest.mark.parametrize("plan", [pytest.param(short, id="short"), *longer])


DESCRIBED = {
    f"{method.upper()} {path}": shown
    for path, item in DOCUMENT["paths"].items()
    for method, shown in item.items()
}
OPEN = {name for name, shown in DESCRIBED.items() if shown["security"] == [{}]}
"""Operations that need no key anywhere."""
OF_OPERATORS = {name for name in DESCRIBED if "/api/v1/keys" in name} | {
    "PATCH /api/v1/tenants/{tenant}"
}
"""Operations that a service refuses that demands no keys."""
REFUSED = {"DELETE /api/v1/jobs/{job_id}", "POST /api/v1/jobs/{job_id}/retry"}
"""Operations that may be refused in every case, because the jobs have finished."""
OWN = "GET /openapi.json"
"""The operation that schemathesis requests first and does not test."""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start a service with this `CSVMILL_AUTH`; return its URL."""
    services = []

    def start(auth: str) -> str:
        services.append(
            ServiceProcess(
                "csvmill", "serve", "--port", "0", "--data-dir", str(tmp_path / "data"),
                log_path=tmp_path / "service.log",
                env={
                    "CSVMILL_AUTH": auth,
                    "CSVMILL_FOLLOW_INTERVAL": "0.1",
                    "CSVMILL_TENANT_MAX_UPLOADS": "1000000",
                    # Sizes are declared that no disk has.
                    "CSVMILL_DISK_RESERVE": "0",
                },
            )
        )  # fmt: skip
        return services[0].url

    yield start
    for service in services:
        service.destroy()


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key that may do everything, of a service that has not started."""
    data = tmp_path / "data"
    data.mkdir()
    made = CliRunner().invoke(
        main,
        [
            "keys", "create", "--name", "all", "--operator", "--data-dir", str(data),
            *(word for scope in ("upload", "read", "admin") for word in ("--scope", scope)),
        ],
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    return made.stdout.strip()


async def known_ids(url: str, folder: Path, key: str | None = None) -> dict[str, list[str]]:
    """Return the ids of a succeeded and a failed job, of empty uploads, and of spare keys.

    Also the names of saved specs, and the id of a notification, of a host that does not exist. The
    file of which generated requests ask for jobs is uploaded too.
    """
    jobs, uploads, keys = [], [], []
    specs = [f"spare-{number}" for number in range(SPARE)]
    async with AsyncClient(url, api_key=key) as client:
        for name, data in (("plays.csv", PLAYS), ("broken.csv", BROKEN)):
            path = folder / name
            await asyncio.to_thread(path.write_bytes, data)
            jobs.append(await client.upload(path))
        await client.wait(jobs[0], timeout=60)
        path = folder / ASKED
        await asyncio.to_thread(path.write_bytes, PLAYS)
        await client.upload(path)
        for name in specs:
            await client.save_spec(name, SPEC)
        await client.admin.rotate_webhook_secret()
        told = await client.ask("plays.csv", SPEC, notify=["https://hooks.invalid/"])
        await client.wait(told.id, timeout=60)
        notifications = [each.id async for each in client.admin.notifications()]
        if key is not None:
            for number in range(SPARE):
                made = await client.admin.create_key(f"spare {number}", ["read"])
                keys.append(made.key.id)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(raise_for_status=True, headers=headers) as session:
        for _ in range(SPARE):
            declaration = {"name": "plays.csv", "size": 1_000_000}
            async with session.post(f"{url}/api/v1/uploads", json=declaration) as response:
                uploads.append((await response.json())["id"])
    known = {
        "job_id": jobs, "upload": uploads, "key_id": keys, "name": specs,
        "notification_id": notifications,
    }  # fmt: skip
    return {name: ids for name, ids in known.items() if ids}


@_plans(SHORT)
async def test_without_authentication_every_answer_is_described(
    serve: Callable[[str], str], tmp_path: Path, plan: Plan
) -> None:
    url = serve("off")
    outcome = await Generator(url, tmp_path, await known_ids(url, tmp_path)).run(plan)
    outcome.check()
    assert outcome.answers.keys() == DESCRIBED.keys() - {OWN}
    if plan == SHORT:
        refused = {*REFUSED, *OF_OPERATORS}
        assert DESCRIBED.keys() - outcome.succeeded <= {OWN, *refused}, outcome.printed


@_plans(SHORT)
async def test_with_the_key_of_an_operator_every_answer_is_described(
    serve: Callable[[str], str], key: str, tmp_path: Path, plan: Plan
) -> None:
    url = serve("keys")
    known = await known_ids(url, tmp_path, key)
    outcome = await Generator(url, tmp_path, known, key).run(plan)
    outcome.check()
    assert outcome.answers.keys() == DESCRIBED.keys() - {OWN}
    if plan == SHORT:
        assert DESCRIBED.keys() - outcome.succeeded <= {OWN, *REFUSED}, outcome.printed


@_plans(REFUSED_ONLY)
async def test_without_the_demanded_key_every_answer_is_described_and_nothing_is_done(
    serve: Callable[[str], str], key: str, tmp_path: Path, plan: Plan
) -> None:
    url = serve("keys")
    known = await known_ids(url, tmp_path, key)
    outcome = await Generator(url, tmp_path, known).run(plan)
    outcome.check()
    assert outcome.answers.keys() == DESCRIBED.keys() - {OWN}
    assert outcome.succeeded == OPEN - {OWN}, outcome.printed
