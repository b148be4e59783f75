"""The settings of a service: errors name the environment variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.service import settings_or_exit


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CSVMILL_", populate_by_name=True)

    port: int = 1
    interval: float = Field(
        default=1.0, validation_alias=AliasChoices("CSVMILL_INTERVAL", "CSVMILL_OLD_INTERVAL")
    )


@pytest.mark.parametrize("variable", ["CSVMILL_PORT", "CSVMILL_INTERVAL"])
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "secret")
    monkeypatch.setenv("CSVMILL_LOG_FORMAT", "text")
    with pytest.raises(SystemExit) as exit_:
        settings_or_exit(_Settings, "service")
    assert str(exit_.value).startswith(f"csvmill service: {variable}: Input should be")
    assert "secret" not in str(exit_.value)


def test_the_last_words_of_a_service_are_json_amid_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_PORT", "secret")
    monkeypatch.setenv("CSVMILL_LOG_FORMAT", "json")
    with pytest.raises(SystemExit) as exit_:
        settings_or_exit(_Settings, "service")
    line = json.loads(str(exit_.value))
    assert (line["level"], line["service"]) == ("CRITICAL", "service")
    assert line["message"].startswith("csvmill service: CSVMILL_PORT: Input should be")


def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a service whose `build` is this code, as a process; return what it printed."""
    script = f"""
from contextlib import asynccontextmanager
from shared.runtime.service import run_service
from shared.telemetry.logs import LogSettings, configure_logging
from shared.errors import StorageUnavailable

@asynccontextmanager
async def build():
    {code}
    yield

configure_logging(LogSettings(), "some")
run_service(build, name="some", host="127.0.0.1", port=0, shutdown_timeout=1.0)
"""
    return subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True,
        env={**os.environ, **settings}, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise StorageUnavailable('in use')", "csvmill some: in use"),
        ("raise OSError(28, 'No space left on device')", "csvmill some: [Errno 28] No space left"),
        ("1 / 0", "the service ends"),
    ],
)
def test_a_service_that_cannot_start_says_so_in_the_format_of_its_log(
    code: str, message: str
) -> None:
    done = run(code, CSVMILL_LOG_FORMAT="json")
    assert done.returncode == 1
    line = json.loads(done.stderr.splitlines()[-1])
    assert line["message"].startswith(message)
    assert line["level"] == "CRITICAL"
    done = run(code, CSVMILL_LOG_FORMAT="text")
    assert done.returncode == 1
    assert message in done.stderr
    assert not done.stderr.startswith("{")
