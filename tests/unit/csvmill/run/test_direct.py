"""Which runs need no service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from csvmill.run.direct import LARGEST, configures_a_service, is_direct
from csvmill.run.fingerprint import Fingerprint
from csvmill.run.request import RunRequest
from csvmill.run.state import RunFolder, RunState

REQUEST = RunRequest(Path("plays.csv"), Path("totals.csv"), None)


def state(size: int) -> RunState:
    return RunState.begin(None, Fingerprint(size, 0, ""))


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"LANG": "C"})


def test_a_run_of_a_small_file_without_a_server_needs_no_service(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert is_direct(REQUEST, state(LARGEST), folder)
    assert not is_direct(REQUEST, state(LARGEST + 1), folder)
    assert not is_direct(replace(REQUEST, server="http://127.0.0.1:8000"), state(5), folder)
    assert not is_direct(replace(REQUEST, chunk_size=1 << 20), state(5), folder)


def test_what_a_service_has_begun_is_continued_by_it(tmp_path: Path) -> None:
    assert not is_direct(REQUEST, replace(state(5), job_id="a"), RunFolder(tmp_path))
    (tmp_path / "service").mkdir()
    assert not is_direct(REQUEST, state(5), RunFolder(tmp_path))


@pytest.mark.parametrize(
    ("environment", "configures"),
    [
        ({}, False),
        ({"CSVMILL_API_KEY": "k", "CSVMILL_STATE_DIR": "/s", "PATH": "/bin"}, False),
        ({"CSVMILL_MEMORY_LIMIT": "1000000000"}, True),
    ],
)
def test_settings_of_a_service_are_told_from_those_of_the_client(
    environment: dict[str, str], configures: bool
) -> None:
    assert configures_a_service(environment) is configures
