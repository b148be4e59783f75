"""`csvmill keys` and `csvmill audit` on a data folder."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from csvmill.cli import main
from shared.access.keys import parse_key

if TYPE_CHECKING:
    from pathlib import Path


class Shell:
    """Runs commands on one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0, **env: str) -> str:
        command = [*arguments, *(() if env else ("--data-dir", str(self.folder)))]
        done = CliRunner().invoke(main, command, env=env)
        assert done.exit_code == code, done.output
        return done.output if code else done.stdout

    def json(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_key_is_created_and_listed_without_its_secret(shell: Shell) -> None:
    secret = shell("keys", "create", "--name", "nightly import").strip()
    key = parse_key(secret)
    listed = shell("keys", "list")
    assert listed == f"{key.id}  default  read,upload  valid  never used  nightly import\n"
    assert secret not in listed


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_the_first_key_makes_a_database_for_the_eyes_of_its_owner(shell: Shell) -> None:
    """It has the secrets of links, and the folder may be open to all until the service starts."""
    before = os.umask(0o022)
    try:
        shell("keys", "create", "--name", "x")
        assert {stat.S_IMODE(file.stat().st_mode) for file in shell.folder.iterdir()} == {0o600}
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_key_has_the_tenant_scopes_and_expiry_that_were_asked_for(shell: Shell) -> None:
    (new,) = shell.json(
        "keys", "create", "--name", "x", "--tenant", "acme", "--scope", "admin", "--operator",
        "--expires-in", "90d",
    )  # fmt: skip
    key = new["key"]
    assert (key["tenant"], key["scopes"], key["operator"]) == ("acme", ["admin"], True)
    assert shell.json("keys", "list") == [key]
    assert key["expires_at"][:4] > key["created_at"][:4] or key["expires_at"] > key["created_at"]


def test_a_key_is_rotated_and_revoked_and_the_audit_trail_tells(shell: Shell) -> None:
    key = parse_key(shell("keys", "create", "--name", "x").strip())
    again = parse_key(shell("keys", "rotate", key.id, "--overlap", "2h").strip())
    assert (again.id, again.text == key.text) == (key.id, False)
    assert f"{key.id} revoked" in shell("keys", "revoke", key.id)
    assert "revoked" in shell("keys", "list")
    assert "cannot" not in shell("keys", "revoke", key.id)
    assert "no key" in shell("keys", "rotate", key.id, code=1)
    entries = shell.json("audit")
    assert [entry["action"] for entry in entries] == [
        "key.revoked", "key.revoked", "key.rotated", "key.created",
    ]  # fmt: skip
    assert {(entry["address"], entry["key_id"], entry["object"]) for entry in entries} == {
        ("local", None, key.id)
    }
    assert "overlap 7200 s" in shell("audit", "--action", "key.rotated", "--object", key.id)
    assert len(shell.json("audit", "--limit", "1")) == 1
    assert shell.json("audit", "--key", "other") == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("keys", "revoke", "none"), 1, "there is no key 'none'"),
        (("keys", "create", "--name", "x", "--tenant", "A"), 1, "not the name of a tenant"),
        (("keys", "create", "--name", "a\nb"), 1, "in one line"),
        (("keys", "create", "--name", "x", "--expires-in", "soon"), 2, "is not a duration"),
        (("keys", "create", "--name", "x", "--scope", "write"), 2, "write"),
        (("audit", "--since", "yesterday"), 1, "RFC 3339"),
        (("keys", "list", "--server", "http://127.0.0.1:1"), 2, "give one of"),
    ],
)
def test_wrong_requests_are_told(
    shell: Shell, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in shell(*arguments, code=code)


def test_a_variable_or_a_file_names_the_database(shell: Shell, tmp_path: Path) -> None:
    shell("keys", "create", "--name", "x")
    url = f"sqlite:///{tmp_path / 'jobs.sqlite'}"
    (tmp_path / "url").write_text(url + "\n")
    assert "valid" in shell("keys", "list", CSVMILL_DATABASE_URL=url)
    assert "valid" in shell("keys", "list", CSVMILL_DATABASE_URL_FILE=str(tmp_path / "url"))
    assert "valid" in shell("keys", "list", CSVMILL_DATA_DIR=str(tmp_path))
    missing = str(tmp_path / "none")
    assert "no data folder" in shell("keys", "list", code=2, CSVMILL_DATA_DIR=missing)


def test_a_key_for_a_server_is_not_shown_when_it_is_wrong() -> None:
    for command in ("jobs", "doctor", "keys"):
        arguments = ["list"] if command == "keys" else []
        done = CliRunner().invoke(
            main, [command, *arguments], env={"CSVMILL_API_KEY": "two words", "COLUMNS": "200"}
        )
        assert done.exit_code == 2
        assert "this is not a valid API key" in done.output
        assert "two words" not in done.output


def test_the_help_names_the_variable_and_not_its_value() -> None:
    for arguments in (["run"], ["upload"], ["jobs", "list"], ["keys", "list"], ["status"]):
        done = CliRunner().invoke(
            main, [*arguments, "--help"], env={"CSVMILL_API_KEY": "csvmill_secret"}
        )
        assert "CSVMILL_API_KEY" in done.output
        assert "csvmill_secret" not in done.output


def test_the_secret_of_links_is_rotated_on_the_database_only(shell: Shell) -> None:
    shell("keys", "rotate-links")
    (entry,) = shell.json("audit")
    assert (entry["action"], entry["object"]) == ("signing.rotated", "links")
    done = CliRunner().invoke(main, ["keys", "rotate-links", "--server", "http://127.0.0.1:1"])
    assert (done.exit_code, "access to the database" in done.output) == (1, True)
