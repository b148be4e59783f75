"""How a child process of the engine gets its task, and reports what happens."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import TYPE_CHECKING

from processor.engines.messages import decode, encode
from shared.runtime.files import write_all

if TYPE_CHECKING:
    from processor.engines.messages import Message


def task_of_child(control: int) -> Message:
    """Return the task of this child from its control pipe."""
    line = b""
    while not line.endswith(b"\n"):
        block = os.read(control, 1 << 16)
        if not block:
            raise SystemExit("the control pipe ended before the task")
        line += block
    return decode(line)


def end_with_parent(control: int) -> None:
    """Exit when the control pipe ends, as the parent has ended then. Starts a thread."""
    threading.Thread(target=_exit_with_parent, args=(control,), daemon=True).start()


def send_event(event: Message) -> None:
    """Write an event of this child."""
    write_all(1, encode(event))


def peak_memory() -> Message:
    """Return the peak of the resident memory of this process in bytes, for an event.

    Not `ru_maxrss`, which starts with the memory of the parent.
    """
    status = os.pread(_status(), 1 << 16, 0)
    peak = next(line for line in status.splitlines() if line.startswith(b"VmHWM:"))
    return {"peak_memory": int(peak.split()[1]) << 10}


@cache
def _status() -> int:
    """Return a descriptor that stays open, as a confined process cannot open the file again."""
    return os.open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)


def _exit_with_parent(control: int) -> None:
    try:
        while os.read(control, 1024):
            pass
    finally:
        os._exit(1)
