"""A service that demands keys, used by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLAYS = "Song,Date,Number of Plays\na,2026-01-01,1\na,2026-01-01,2\n"


class Keyed:
    """A standalone service that demands keys, and commands that use it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def run(
        self, *arguments: str, key: str | None = None, code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        env = {name: value for name, value in os.environ.items() if "CSVMILL_" not in name}
        if key is not None:
            env["CSVMILL_API_KEY"] = key
        env["CSVMILL_STATE_DIR"] = str(self.folder / "state")
        done = subprocess.run(
            [sys.executable, "-m", "csvmill", *arguments], env=env, cwd=self.folder,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def create(self, *arguments: str) -> str:
        """Create a key in the data folder; return it."""
        return self.run(
            "keys", "create", "--name", "test", "--data-dir", "data", *arguments
        ).stdout.strip()

    def lines(self, *arguments: str, key: str) -> list[Any]:
        done = self.run(*arguments, "--server", self.url, "--json", key=key)
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def keyed(tmp_path: Path) -> Iterator[Keyed]:
    (tmp_path / "plays.csv").write_text(PLAYS)
    with ServiceProcess(
        "csvmill", "serve", "--port", "0", "--data-dir", str(tmp_path / "data"),
        log_path=tmp_path / "service.log", env={"CSVMILL_AUTH": "keys", "CSVMILL_KEY_CACHE": "0"},
    ) as service:  # fmt: skip
        yield Keyed(tmp_path, service.url)
        assert "csvmill keys create" in service.tail()


def test_a_key_made_beside_a_running_service_is_used_rotated_and_revoked(keyed: Keyed) -> None:
    refused = keyed.run("run", "plays.csv", "-o", "a.csv", "--server", keyed.url, code=1)
    assert "send an API key" in refused.stderr
    key = keyed.create()
    keyed.run("run", "plays.csv", "-o", "a.csv", "--server", keyed.url, key=key)
    assert "a,2026-01-01,3" in (keyed.folder / "a.csv").read_text()
    (job,) = keyed.lines("jobs", key=key)
    keyed.run("download", job["id"], "-o", "b.csv", "--server", keyed.url, key=key)
    link = keyed.run("link", job["id"], "--server", keyed.url, key=key).stdout.strip()
    with urllib.request.urlopen(link, timeout=30) as answer:  # noqa: S310 - http
        assert answer.read() == (keyed.folder / "b.csv").read_bytes()
    admin = keyed.create("--scope", "admin")
    listed = keyed.lines("keys", "list", key=admin)
    assert [entry["scopes"] for entry in listed] == [["read", "upload"], ["admin"]]
    key_id = listed[0]["id"]
    rotated = keyed.lines("keys", "rotate", key_id, "--overlap", "0s", key=admin)[0]["secret"]
    forbidden = keyed.run("keys", "list", "--server", keyed.url, key=rotated, code=1)
    assert "scope admin" in forbidden.stderr
    old = keyed.run("jobs", "--server", keyed.url, key=key, code=1)
    assert "not valid" in old.stderr
    assert len(keyed.lines("jobs", key=rotated)) == 1
    keyed.lines("keys", "revoke", key_id, key=admin)
    keyed.run("jobs", "--server", keyed.url, key=rotated, code=1)
    actions = [entry["action"] for entry in keyed.lines("audit", key=admin)]
    assert actions[:2] == ["key.revoked", "key.rotated"]
    assert {"job.created", "result.downloaded", "link.created", "key.created"} < set(actions)
    secrets = (key, rotated, admin)
    log = (keyed.folder / "service.log").read_text()
    for text in (log, refused.stderr, forbidden.stderr, old.stderr):
        assert not [secret for secret in secrets if secret.rpartition("_")[2] in text]


def test_an_operator_sets_the_limits_of_a_tenant_from_elsewhere(keyed: Keyed) -> None:
    operator = keyed.create("--operator", "--scope", "admin")
    admin = keyed.create("--scope", "admin")
    changed = keyed.lines("tenants", "set", "acme", "--weight", "3", "--max-running", "0",
                          key=operator)  # fmt: skip
    assert changed == [{"tenant": "acme", "weight": 3, "max_running": 0}]
    keyed.lines("tenants", "set", "acme", "--weight", "default", key=operator)
    expected = [{"tenant": "acme", "max_running": 0}]
    assert keyed.lines("tenants", "list", key=operator) == expected
    # The database has it: a command there shows the same.
    there = keyed.run("tenants", "list", "--json", "--data-dir", "data").stdout
    assert [json.loads(line) for line in there.splitlines()] == expected
    refused = keyed.run("tenants", "list", "--server", keyed.url, key=admin, code=1)
    assert "operator" in refused.stderr
