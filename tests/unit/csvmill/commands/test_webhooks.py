"""`csvmill webhooks`, and keys that notify, on a data folder and through the API."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from csvmill.cli import main
from csvmill.client import AsyncClient
from shared.jobs.notification import NotificationFilter
from shared.jobs.store import open_job_store
from tests.contract.job_stores import make_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shared.jobs.notification import Notification
    from tests.processes import ServiceProcess

URL = "https://hooks.example/a"


class Shell:
    """Runs commands on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, [*arguments, "--data-dir", str(self.folder)])
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    def json(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def given_up(folder: Path) -> Notification:
    """Store a notification that was given up, and one that waits."""

    async def store() -> Notification:
        async with open_job_store(f"sqlite:///{folder / 'jobs.sqlite'}") as jobs:
            now = time.time()
            for _ in range(2):
                job = await make_job(jobs, notify=[URL])
                await jobs.cancel(job.id, now=now)
            (taken,) = await jobs.notifications.take(now=now, held_until=now + 9, limit=1)
            await jobs.notifications.give_up(taken, "HTTP 503", status=503, now=now)
            assert len(await jobs.notifications.newest(NotificationFilter(), limit=9)) == 2
            return taken

    return asyncio.run(store())


def test_a_secret_is_printed_once_and_the_one_before_signs_too(shell: Shell) -> None:
    first = shell("webhooks", "secret").strip()
    assert first.startswith("whsec_")
    (second,) = shell.json("webhooks", "secret", "--overlap", "2h")
    assert second["secret"] != first
    assert second["previous_until"] > second["created_at"]
    (other,) = shell.json("webhooks", "secret", "--tenant", "acme")
    assert other["previous_until"] is None
    (entry, *_) = shell.json("audit", "--action", "webhooks.rotated", "--object", "acme")
    assert (entry["tenant"], entry["address"]) == ("acme", "local")


def test_what_was_given_up_is_listed_and_sent_again(shell: Shell) -> None:
    failed = given_up(shell.folder)
    assert len(shell("webhooks", "list").splitlines()) == 2
    (line,) = shell("webhooks", "list", "--state", "failed").splitlines()
    for part in (failed.id, "job.cancelled", str(failed.job_id), URL, "failed", "HTTP 503"):
        assert part in line
    (shown,) = shell.json("webhooks", "list", "--job", str(failed.job_id))
    assert shown["id"] == failed.id
    assert "pending" in shell("webhooks", "retry", failed.id)
    assert shell("webhooks", "list", "--state", "failed") == ""
    assert len(shell("webhooks", "list", "--limit", "1").splitlines()) == 1
    assert "no notification" in shell("webhooks", "retry", "msg_0", code=1)


def test_a_key_that_notifies_needs_a_secret_and_an_allowed_url(shell: Shell) -> None:
    create = ("keys", "create", "--name", "nightly", "--notify")
    assert "csvmill webhooks secret" in shell(*create, URL, code=1)
    shell("webhooks", "secret")
    assert "CSVMILL_OUTGOING_NETWORKS" in shell(*create, "https://127.0.0.1/", code=1)
    (key,) = shell.json(*create, URL, "--notify", URL)
    assert key["key"]["notify"] == [URL]


async def test_the_client_does_the_same_through_the_api(
    start_process: Callable[..., ServiceProcess], shell: Shell
) -> None:
    def prepare() -> tuple[Notification, str]:
        return given_up(shell.folder), shell(
            "keys", "create", "--name", "ops", "--scope", "admin"
        ).strip()

    failed, key = await asyncio.to_thread(prepare)
    process = start_process(
        "csvmill", "serve", "--port", "0", "--data-dir", str(shell.folder),
        env={"CSVMILL_AUTH": "keys", "CSVMILL_NOTIFY_INTERVAL": "3600"},
    )  # fmt: skip
    async with AsyncClient(process.url, api_key=key) as client:
        made = await client.admin.rotate_webhook_secret(overlap=60)
        assert made.secret.startswith("whsec_")
        new = await client.admin.create_key("nightly", ["upload"], notify=[URL])
        assert new.key.notify == (URL,)
        found = [each async for each in client.admin.notifications(state="failed")]
        assert [each.id for each in found] == [failed.id]
        every = [each async for each in client.admin.notifications(limit="1")]
        assert len(every) == 2
        assert (await client.admin.retry_notification(failed.id)).state == "pending"
        with pytest.raises(ValueError, match="tenant"):
            await client.admin.rotate_webhook_secret(tenant="acme")
