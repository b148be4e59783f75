from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from tests.processes import OwnedProcess, ProcessFailed, ServiceProcess

ROOT = Path(__file__).parents[2]
TIMEOUT = 30.0


def python(code: str, tmp_path: Path) -> OwnedProcess:
    return OwnedProcess(
        [sys.executable, "-uc", code],
        log_path=tmp_path / "log",
        env=dict(os.environ),
        cwd=ROOT,
    )


def test_a_line_is_found_whether_printed_before_or_during_the_wait(
    tmp_path: Path,
) -> None:
    with python("print('one'); print('two 22')", tmp_path) as process:
        assert process.wait_for_line(r"two (?P<n>\d+)", timeout=TIMEOUT)["n"] == "22"
        assert process.wait_for_line("one", timeout=TIMEOUT)


def test_a_process_that_ends_without_the_line_fails_with_its_output(tmp_path: Path) -> None:
    with (
        python("raise SystemExit('the disk is on fire')", tmp_path) as process,
        pytest.raises(ProcessFailed, match=r"(?s)ended without printing.*the disk is on fire"),
    ):
        process.wait_for_line("ready", timeout=TIMEOUT)


def test_a_process_without_output_fails_after_the_timeout(tmp_path: Path) -> None:
    with (
        python("import time; time.sleep(600)", tmp_path) as process,
        pytest.raises(ProcessFailed, match=r"has not printed 'ready' in 0\.1 s"),
    ):
        process.wait_for_line("ready", timeout=0.1)


def test_terminate_returns_the_exit_code(tmp_path: Path) -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
        " print('ready'); signal.pause()"
    )
    with python(code, tmp_path) as process:
        process.wait_for_line("ready", timeout=TIMEOUT)
        assert process.terminate(TIMEOUT) == 7


def test_kill_leaves_the_children_running_and_destroy_ends_them(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c',"
        " 'import time; time.sleep(600)']); print('child', child.pid); child.wait()"
    )
    with python(code, tmp_path) as process:
        child = psutil.Process(int(process.wait_for_line(r"child (\d+)", timeout=TIMEOUT)[1]))

        process.kill()
        assert process.returncode == -signal.SIGKILL
        assert child.status() != psutil.STATUS_ZOMBIE

    assert not _alive(child)


def test_the_url_of_a_service_is_read_from_its_log(tmp_path: Path) -> None:
    (tmp_path / "fake_service.py").write_text(
        "import os, sys\n"
        "assert sys.argv[1:] == ['--fast']\n"
        "print('starting')\n"
        "print('csvmill', os.environ['CSVMILL_NAME'], 'listening on http://127.0.0.1:1234')\n"
    )
    environment = {"PYTHONPATH": str(tmp_path), "CSVMILL_NAME": "storage"}

    with ServiceProcess(
        "fake_service", "--fast", log_path=tmp_path / "log", env=environment
    ) as service:
        assert service.url == "http://127.0.0.1:1234"
        assert service.wait(TIMEOUT) == 0


def test_processes_and_folders_of_a_killed_test_run_are_removed(tmp_path: Path) -> None:
    folder_file = tmp_path / "folder"
    run = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from tests.processes import OwnedProcess\n"
        "from tests.servers.accounts import make_folder\n"
        "folder = make_folder('reaper', None)\n"
        "started = OwnedProcess([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "                       log_path=folder / 'log', env=os.environ)\n"
        f"Path({str(folder_file)!r}).write_text(str(folder))\n"
        "print('started', started.pid)\n"
        "time.sleep(600)\n"
    )
    with python(run, tmp_path) as process:
        started = psutil.Process(int(process.wait_for_line(r"started (\d+)", timeout=TIMEOUT)[1]))

        process.kill()

        # The companion has inherited the output, which is closed when the companion ends.
        with pytest.raises(ProcessFailed, match="ended without"):
            process.wait_for_line("nothing", timeout=TIMEOUT)
        assert not _alive(started)
        assert not Path(folder_file.read_text()).exists()


def _alive(process: psutil.Process) -> bool:
    # An orphan that its new parent has not reaped yet is a zombie.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
