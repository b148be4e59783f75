"""Secrets of a service: from files, out of its variables, and out of reach of other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.settings import GatewayProcessSettings
from processor.settings import ProcessorSettings
from shared.runtime.service import settings_or_exit
from storage.settings import StorageSettings

ROOT = Path(__file__).parents[4]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CSVMILL_")

    port: int = 1
    token: SecretStr


def test_a_secret_is_read_from_the_file_that_a_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hidden\n")
    monkeypatch.setenv("CSVMILL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("CSVMILL_TOKEN", "")
    monkeypatch.setenv("CSVMILL_PORT", "7")
    settings = settings_or_exit(_Settings, "service")
    assert (settings.token.get_secret_value(), settings.port) == ("hidden", 7)
    assert "hidden" not in repr(settings)


def test_a_secret_in_a_variable_is_removed_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_TOKEN", "hidden")
    monkeypatch.setenv("CSVMILL_PORT", "7")
    assert settings_or_exit(_Settings, "service").token.get_secret_value() == "hidden"
    assert "CSVMILL_TOKEN" not in os.environ
    assert os.environ["CSVMILL_PORT"] == "7"


@pytest.mark.parametrize(
    ("content", "variable", "message"),
    [
        (None, "", "CSVMILL_TOKEN_FILE: the file cannot be read: .*No such file"),
        (b"\xff", "", "CSVMILL_TOKEN_FILE: the file cannot be read"),
        (b" \n", "", "CSVMILL_TOKEN_FILE: the file is empty"),
        (b"one", "other", "CSVMILL_TOKEN is set too; set one of them"),
    ],
)
def test_a_file_that_gives_no_secret_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes | None,
    variable: str,
    message: str,
) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    monkeypatch.setenv("CSVMILL_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("CSVMILL_TOKEN", variable)
    with pytest.raises(SystemExit, match=message):
        settings_or_exit(_Settings, "service")


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        (GatewayProcessSettings, ("database_url", "broker_url", "storage_token")),
        (ProcessorSettings, ("database_url", "broker_url", "storage_token")),
        (StorageSettings, ("storage_token",)),
    ],
)
def test_addresses_with_passwords_and_tokens_are_secrets(
    kind: type[BaseSettings], secret: tuple[str, ...]
) -> None:
    assert all(kind.model_fields[name].annotation is SecretStr for name in secret)


_SIBLING = """
import ctypes, os
from shared.runtime.secrets import hide_memory

if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # as it is if nothing changes the user

def sibling_reads():
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            open(f"/proc/{os.getppid()}/environ", "rb").read().index(b"hidden")
            os.write(writing, b"read")
        except PermissionError:
            os.write(writing, b"refused")
        os._exit(0)
    os.waitpid(child, 0)
    return os.read(reading, 10).decode()

before = sibling_reads()
hide_memory()
print(before, sibling_reads(), len(os.listdir("/proc/self/fd")) > 2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="hidden on Linux only")
def test_another_process_of_the_user_cannot_read_the_first_variables_of_a_service() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SIBLING],
        cwd=ROOT, env={"SECRET": "hidden"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["read", "refused", "True"], done.stderr
