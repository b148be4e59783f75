"""Ends what tests started, also when the test run itself is killed.

A small companion process holds the other end of a pipe. While the run lives it is told which
process groups, folders and compose projects exist; when the pipe closes, for whatever reason, it
ends and removes those that are left. Fixtures clean up by themselves: this is for SIGKILL and
`os._exit`.
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
    """End process group `pid`, and its leader's descendants, if this process dies."""
    _tell(f"+process {pid}")


def forget_process(pid: int) -> None:
    """Process group `pid` has ended; its number may be somebody else's now."""
    _tell(f"-process {pid}")


def watch_folder(path: Path) -> None:
    """Remove `path` if this process dies."""
    _tell(f"+folder {path}")


def forget_folder(path: Path) -> None:
    """`path` has been removed."""
    _tell(f"-folder {path}")


def watch_stack(project: str) -> None:
    """Remove compose project `project` with its volumes if this process dies."""
    _tell(f"+stack {project}")


def forget_stack(project: str) -> None:
    """`project` has been removed."""
    _tell(f"-stack {project}")


def tree(pid: int) -> list[psutil.Process]:
    """The process and all its descendants, itself first; empty if it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_quietly(process: psutil.Process, signum: int) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signum)


def kill_tree(pid: int) -> None:
    """SIGKILL a process, its descendants and its process group; return when all have ended.

    The process itself remains for its parent to reap.
    """
    # Stopped, the process cannot start another child between the listing and the killing.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    doomed = [*tree(pid), *_group(pid)]
    for process in doomed:
        signal_quietly(process, signal.SIGKILL)
    for process in doomed:
        _wait_until_dead(process)


def _group(pid: int) -> list[psutil.Process]:
    # Orphans are nobody's descendants any more, but still of their group.
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == pid:
                members.append(process)
    return members


def _wait_until_dead(process: psutil.Process) -> None:
    # A zombie is dead, whoever has yet to reap it: our own code, or a container's first process,
    # which may never do so.
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.002)


def _tell(line: str) -> None:
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
        subprocess.run(["docker", *command], check=False, timeout=120, capture_output=True)


def _main() -> None:
    watched: dict[str, None] = {}
    for line in sys.stdin:
        sign, name = line[0], line[1:].rstrip("\n")
        if sign == "+":
            watched[name] = None
        else:
            watched.pop(name, None)
    # The latest first: a process before the folder it writes to.
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
