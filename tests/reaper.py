"""Ends the processes that tests started, even if the test run is killed.

A companion process reads from a pipe which process groups, folders and compose projects exist.
When the pipe closes, it ends and removes the remaining ones. Fixtures clean up after themselves:
this is for SIGKILL and `os._exit`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_lock = threading.Lock()
_companion: subprocess.Popen[str] | None = None


def watch_process(pid: int) -> None:
    """End process group `pid` and its leader's descendants if this process dies."""
    _send(f"+process {pid}")


def forget_process(pid: int) -> None:
    """Stop watching process group `pid`, which has ended: its number may be reused."""
    _send(f"-process {pid}")


def watch_folder(path: Path) -> None:
    """Remove `path` if this process dies."""
    _send(f"+folder {path}")


def forget_folder(path: Path) -> None:
    """Stop watching `path`, which has been removed."""
    _send(f"-folder {path}")


def watch_stack(project: str) -> None:
    """Remove compose project `project` with its volumes if this process dies."""
    _send(f"+stack {project}")


def forget_stack(project: str) -> None:
    """Stop watching `project`, which has been removed."""
    _send(f"-stack {project}")


def tree(pid: int) -> list[psutil.Process]:
    """Return the process and all its descendants, itself first; empty if it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_quietly(process: psutil.Process, signum: int) -> None:
    """Send a signal to a process that may have ended already."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signum)


def kill_tree(pid: int) -> None:
    """Send SIGKILL to a process, its descendants and its process group; wait until all ended.

    The parent of the process still has to reap it.
    """
    # A stopped process cannot start another child between listing and killing.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    processes = [*tree(pid), *_group(pid)]
    for process in processes:
        signal_quietly(process, signal.SIGKILL)
    for process in processes:
        _wait_until_dead(process)


def _group(pid: int) -> list[psutil.Process]:
    # Orphans have another parent, but stay in their group.
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == pid:
                members.append(process)
    return members


def _wait_until_dead(process: psutil.Process) -> None:
    # A zombie has ended. Our code has to reap it, or a container's first process, which may never
    # do so.
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.002)


def _send(line: str) -> None:
    global _companion
    with _lock:
        if _companion is None:
            _companion = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[1],
                start_new_session=True,
            )
            atexit.register(_companion.communicate)
        assert _companion.stdin
        _companion.stdin.write(line + "\n")
        _companion.stdin.flush()


def _remove_stack(project: str) -> None:
    for command in (
        ["compose", f"--project-name={project}", "--profile=observability", "down",
         "--volumes", "--timeout=0"],
        ["image", "rm", "--force", f"{project}:latest"],
    ):  # fmt: skip
        # The secrets have to have some place, even to remove the project.
        environment = {**os.environ, "CSVMILL_SECRETS": "none"}
        subprocess.run(
            ["docker", *command], check=False, timeout=120, capture_output=True, env=environment
        )


def _main() -> None:
    watched: dict[str, None] = {}
    for line in sys.stdin:
        sign, name = line[0], line[1:].rstrip("\n")
        if sign == "+":
            watched[name] = None
        else:
            watched.pop(name, None)
    # In reverse order: a process before the folder that it writes to.
    for name in reversed(watched):
        kind, _, what = name.partition(" ")
        if kind == "process":
            kill_tree(int(what))
        elif kind == "stack":
            _remove_stack(what)
        else:
            shutil.rmtree(what, ignore_errors=True)


if __name__ == "__main__":
    _main()
