"""The client and the command line on a system without what only POSIX or Linux has."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.runs import write_distinct_rows

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Standalone

PREPARE = """
import asyncio, os, select, signal, socket, subprocess, sys, types
import aiohttp, click, pydantic.main, rich.console, stamina, sysconfig  # they find their own ways
sysconfig.get_config_vars()

import fcntl
locks = types.ModuleType("msvcrt")
def locking(fd, mode, size):
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
locks.locking = locking
sys.modules["msvcrt"] = locks
if {platform!r} == "win32":
    for name in ("fcntl", "grp", "pwd", "resource", "termios", "syslog"):
        sys.modules[name] = None
for name in {absent!r}:
    for module in (os, select, signal):
        if hasattr(module, name):
            delattr(module, name)
sys.platform = {platform!r}

def no_proc(event, arguments):
    if event == "open" and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(arguments[0])

sys.addaudithook(no_proc)
"""
WINDOWS = (
    "O_CLOEXEC", "pread", "preadv", "pwrite", "pwritev", "sendfile", "sched_getaffinity",
    "sched_setaffinity", "posix_fallocate", "fdatasync", "getuid", "geteuid", "killpg", "setsid",
    "fork", "poll", "epoll", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGCHLD",
)  # fmt: skip
MAC = ("sched_getaffinity", "sched_setaffinity", "posix_fallocate", "sendfile", "pwritev", "epoll")
SYSTEMS = {"win32": WINDOWS, "darwin": MAC}
CLIENT = """
from pathlib import Path
from csvmill.client import Client

with Client(sys.argv[1]) as client:
    for options in ({}, {"chunk_size": 65536}):
        job_id = client.upload(Path("plays.csv"), **options)
        job = client.wait(job_id)
        client.download(job_id, Path("totals.csv"))
        print(job.rows_in)
"""
COMMANDS = """
sys.argv = ["csvmill", *sys.argv[1:]]
from csvmill.__main__ import main
main()
"""


async def ran(
    folder: Path, platform: str, program: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run a program on a system like that of `platform`."""
    text = PREPARE.format(platform=platform, absent=SYSTEMS[platform]) + program
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", text, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("platform", SYSTEMS)
async def test_the_client_uploads_and_downloads(
    shared_standalone: Standalone, tmp_path: Path, platform: str
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 20_000)
    done = await ran(tmp_path, platform, CLIENT, shared_standalone.url)
    assert (done.returncode, done.stdout) == (0, "20000\n20000\n"), done.stderr
    assert (tmp_path / "totals.csv").read_bytes() == expected


@pytest.mark.parametrize("platform", SYSTEMS)
async def test_the_command_line_runs_a_file_on_a_server(
    shared_standalone: Standalone, tmp_path: Path, platform: str
) -> None:
    expected = write_distinct_rows(tmp_path / "plays.csv", 20_000)
    arguments = ("run", "plays.csv", "-o", "totals.csv", "--json")
    server = ("--server", shared_standalone.url)
    done = await ran(tmp_path, platform, COMMANDS, *arguments, *server)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (tmp_path / "totals.csv").read_bytes() == expected
    assert [path.name for path in tmp_path.glob("totals.csv.*")] == []  # noqa: ASYNC240
    job_id = json.loads(done.stdout)["job_id"]
    for command in (("status", job_id), ("jobs",), ("doctor",), ("delete", job_id)):
        done = await ran(tmp_path, platform, COMMANDS, *command, *server)
        assert done.returncode == 0, done.stderr + done.stdout
    done = await ran(tmp_path, platform, COMMANDS, "inspect", "plays.csv")
    assert done.returncode == 0, done.stderr


async def test_a_run_without_a_server_says_that_it_needs_one(tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_text("a\n1\n")
    done = await ran(tmp_path, "win32", COMMANDS, "run", "plays.csv", "-o", "t.csv", "--count")
    assert done.returncode == 1
    assert done.stderr == "Error: the service of a run does not run on Windows; use --server URL\n"
