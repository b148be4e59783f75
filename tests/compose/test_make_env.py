"""`make env`: random secrets that only their owner can read, and that are never overwritten."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from tests.compose.stack import ROOT, CommandFailed, make_env

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "postgres_password", "rabbitmq_password", "storage_token", "grafana_password",
    "database_url", "broker_url", "rabbitmq.conf", "rabbitmq.curl", "rabbitmq_replaced",
    "postgres_user", "rabbitmq_user", "postgres_user.sql", "postgres_replaced.sql",
    "rabbitmq_user.json",
}  # fmt: skip

WITHOUT_SECRETS = {
    "postgres_user", "rabbitmq_user", "postgres_replaced.sql", "rabbitmq_replaced",
}  # fmt: skip


def made(folder: Path, *more: str) -> tuple[str, dict[str, str]]:
    """Run `make env` in a folder, and return what it prints and the secrets."""
    printed = make_env("--env", str(folder / ".env"), "--secrets", str(folder / "secrets"), *more)
    return printed, {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_secret_is_random_and_only_the_owner_reaches_it(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    printed, found = made(tmp_path)
    _, others = made(tmp_path / "other")
    assert set(found) == NAMES
    assert {name for name in NAMES if found[name] == others[name]} == WITHOUT_SECRETS
    for name in ("postgres_password", "rabbitmq_password", "storage_token", "grafana_password"):
        assert len(found[name].strip()) == 48
        assert found[name].strip() not in printed
    assert found["postgres_password"].strip() in found["database_url"]
    assert found["rabbitmq_password"].strip() in found["broker_url"]
    assert mode(tmp_path / ".env") == 0o600
    # Users of containers read the files, which are mounted each for itself
    assert mode(tmp_path / "secrets") == 0o700
    assert all(mode(tmp_path / "secrets" / name) == 0o644 for name in NAMES)


def test_what_exists_is_kept(tmp_path: Path) -> None:
    _, before = made(tmp_path)
    (tmp_path / ".env").write_text("CSVMILL_SECRETS=./elsewhere\nCSVMILL_HTTP_PORT=9000\n")
    printed, after = made(tmp_path)
    assert after == before
    assert "created" not in printed
    assert (
        tmp_path / ".env"
    ).read_text() == "CSVMILL_SECRETS=./elsewhere\nCSVMILL_HTTP_PORT=9000\n"
    assert mode(tmp_path / ".env") == 0o600


def test_passwords_of_earlier_versions_stay_valid(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=known\nCSVMILL_HTTP_PORT=9000\n")
    printed, found = made(tmp_path)
    assert found["postgres_password"] == "known\n"
    assert "postgresql://csvmill:known@postgres:5432/csvmill" in found["database_url"]
    assert len(found["rabbitmq_password"]) == 49
    assert "remove them" in printed
    env = (tmp_path / ".env").read_text()
    assert "CSVMILL_HTTP_PORT=9000\n" in env
    assert env.endswith("CSVMILL_SECRETS=./deploy/secrets\n")


def test_a_password_that_cannot_be_part_of_a_url_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=a@b\n")
    with pytest.raises(CommandFailed, match="POSTGRES_PASSWORD: only letters"):
        made(tmp_path)


def test_a_replaced_token_of_storage_stays_valid_until_it_is_removed(tmp_path: Path) -> None:
    _, before = made(tmp_path)
    _, both = made(tmp_path, "--renew", "storage_token")
    new, old = both["storage_token"].split()
    assert before["storage_token"].split() == [old]
    assert new != old
    _, after = made(tmp_path, "--finish")
    assert after["storage_token"].split() == [new]


@pytest.mark.parametrize(
    ("name", "parts", "names"),
    [
        (
            "postgres_password",
            {"database_url", "postgres_user.sql"},
            {"postgres_user", "postgres_replaced.sql"},
        ),
        (
            "rabbitmq_password",
            {"broker_url", "rabbitmq.conf", "rabbitmq.curl", "rabbitmq_user.json"},
            {"rabbitmq_user", "rabbitmq_replaced"},
        ),
        ("grafana_password", set(), set()),
    ],
)
def test_a_replaced_password_is_replaced_wherever_it_is(
    tmp_path: Path, name: str, parts: set[str], names: set[str]
) -> None:
    _, before = made(tmp_path)
    _, after = made(tmp_path, "--renew", name)
    assert {each for each in NAMES if before[each] != after[each]} == {name} | parts | names
    assert all(after[name].strip() in after[part] for part in parts)


def test_a_new_password_is_that_of_the_other_user_so_that_both_are_valid(tmp_path: Path) -> None:
    made(tmp_path)
    for user, other in (("csvmill_2", "csvmill"), ("csvmill", "csvmill_2")):
        _, now = made(tmp_path, "--renew", "postgres_password")
        password = now["postgres_password"].strip()
        assert now["database_url"].startswith(f"postgresql://{user}:{password}@")
        assert f"ALTER ROLE {user} PASSWORD '{password}';" in now["postgres_user.sql"]
        assert now["postgres_replaced.sql"] == f"ALTER ROLE {other} PASSWORD NULL;\n"
        _, now = made(tmp_path, "--renew", "rabbitmq_password")
        assert now["broker_url"].startswith(f"amqp://{user}:{now['rabbitmq_password'].strip()}@")
        assert (now["rabbitmq_user"], now["rabbitmq_replaced"]) == (f"{user}\n", f"{other}\n")


def test_images_are_pinned_to_the_digests_that_docker_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(
        '#!/bin/sh\ncase "$4" in haproxy*) echo \'["haproxy@sha256:12ab"]\' ;; *) exit 1 ;; esac\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
    made(tmp_path)
    for _ in range(2):
        made(tmp_path, "--pin")
        text = (tmp_path / ".env").read_text()
        assert "HAPROXY_IMAGE=haproxy:3.0@sha256:12ab\n" in text
        assert "POSTGRES_IMAGE=postgres:17\n" in text
        assert "CSVMILL_IMAGE=csvmill:latest\n" in text


def test_secrets_are_neither_committed_nor_sent_to_the_builder_of_the_image() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/.env", "/deploy/secrets/", "/deploy/tls/"} <= set(ignored)
    first, *rest = (
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"
    )
    assert first == "*"
    assert not any(line.startswith(("!deploy/secrets", "!deploy/tls", "!.env")) for line in rest)
