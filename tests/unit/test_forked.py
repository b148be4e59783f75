"""Services that the fork server starts behave as those that a new Python runs."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from tests.forked import MODULES, run_command
from tests.processes import ServiceProcess

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60.0
TIME = re.compile(r'(?<=^{)"timestamp": "[-0-9T:.]+Z", ')
"""When a line of the log was written."""
UNABLE = {
    "gateway": {"CSVMILL_DATABASE_URL": "nonsense", "CSVMILL_PORT": "many"},
    "processor": {"CSVMILL_DATABASE_URL": "nonsense", "CSVMILL_LEASE": "long"},
    "storage": {"CSVMILL_DATA_DIR": "/proc/none", "CSVMILL_STORAGE_PORT": "many"},
    "csvmill": {},
}
"""Settings with which no service starts; `csvmill` shows its help."""


@pytest.mark.parametrize("module", MODULES)
def test_a_forked_module_prints_and_returns_what_a_new_python_does(
    tmp_path: Path, module: str
) -> None:
    ends = []
    for forked in (True, False):
        with ServiceProcess(
            module, log_path=tmp_path / "log", env=UNABLE[module], forked=forked
        ) as process:
            code = process.wait(TIMEOUT)
            process.destroy()
            ends.append((code, [TIME.sub("", line) for line in process.lines]))
    assert ends[0] == ends[1]
    assert ends[0][0] != 0 or module == "csvmill"
    assert ends[0][1]


def test_a_forked_service_has_a_session_of_its_own_and_ends_by_signals(tmp_path: Path) -> None:
    arguments = ("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    ends = []
    for end in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        with ServiceProcess("csvmill", *arguments, log_path=tmp_path / "log") as process:
            assert process.url
            assert process.returncode is None
            assert os.getsid(process.pid) == process.pid != os.getsid(0)
            process.send_signal(end)
            ends.append(process.wait(TIMEOUT))
    assert ends == [0, 0, -signal.SIGKILL]


def test_a_command_reads_its_input_and_its_folder(tmp_path: Path) -> None:
    (tmp_path / "here.csv").write_text("a,b\n1,2\n")
    env = dict(os.environ)
    by_name = run_command("inspect", "here.csv", env=env, cwd=tmp_path, timeout=TIMEOUT)
    assert (by_name.returncode, by_name.stderr) == (0, b"")
    assert by_name.stdout
    refused = run_command("nonsense", env=env, cwd=tmp_path, timeout=TIMEOUT)
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"No such command 'nonsense'" in refused.stderr
