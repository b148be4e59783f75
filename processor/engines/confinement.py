"""A child process that is written in Python gives up its rights before it reads hostile bytes.

The kernel does so by itself (`kernel/src/run/confine.cpp`).
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Literal, get_args

from processor.engines.landlock import restrict_files
from processor.engines.syscall_filter import filter_syscalls
from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SET_DUMPABLE, _SET_NO_NEW_PRIVS = 4, 38
"""Arguments of prctl(2)."""
_OPEN_FILES = 1024
_MEMORY_BEYOND = 1 << 30
"""Bytes for stacks, and memory that is never used."""

Measure = Literal["rlimits", "no_new_privs", "landlock", "seccomp"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
"""All that can confine a process, in the order in which reports name it."""


def confine(
    *, memory: int, file_size: int, folder: str | None = None, readable: Iterable[str] = ()
) -> tuple[str, ...]:
    """Leave this process its open files, threads, the code of Python, and `folder`.

    To be called before it starts threads, once its modules and its source are open. It has no
    network, no other programs or processes, and no core dump; no files outside of `folder`, but may
    read what is beneath `readable`; `memory` bytes of memory, with room beyond it; files of at most
    `file_size` bytes. Returns which of `MEASURES` are in force, which depends on the system.
    """
    if sys.platform != "linux":
        return ()
    in_force = []
    libc = ctypes.CDLL(None, use_errno=True)
    # Other processes of this user cannot read its memory, and a handler of core dumps gets none.
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(memory + memory // 2 + _MEMORY_BEYOND, file_size)
    in_force.append("rlimits")
    if libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return tuple(in_force)
    in_force.append("no_new_privs")
    # Python imports some modules late, to show an error for example.
    code = [path for path in sys.path if path and os.path.isabs(path)]  # noqa: PTH117
    if restrict_files(libc, [*code, *readable], [] if folder is None else [folder]):
        in_force.append("landlock")
    if filter_syscalls(libc):
        in_force.append("seccomp")
    return tuple(in_force)


def require(measures: Collection[Measure]) -> None:
    """Raise AttemptFailed if a process of this system cannot be confined by all `measures`.

    A process tries it. Blocks.
    """
    if not measures:
        return
    # Not imported by each child.
    import subprocess

    from processor.engines.child import python_command

    command, variables = python_command(__name__)
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    missing = [measure for measure in measures if measure not in done.stdout.split()]
    if missing:
        raise AttemptFailed(
            f"this system cannot confine the processes of jobs by {' and '.join(missing)}, which "
            "CSVMILL_REQUIRE_CONFINEMENT demands"
        )


def _limit(data: int, file_size: int) -> None:
    """Set limits of resources, none above those that this process has."""
    import resource
    import signal

    # Else a file that is too large would end the process without a reason.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for name, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_DATA, data),
    ):
        _, most = resource.getrlimit(name)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(name, (value, value))


def main() -> None:
    """Confine this process, and print by what."""
    sys.stdout.write(" ".join(confine(memory=0, file_size=0)) + "\n")


if __name__ == "__main__":
    main()
