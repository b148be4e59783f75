"""A child process that decompresses a file for the kernel.

Started as `python -m processor.engines.decompressor DATA CONTROL`. It reads its task from the pipe
CONTROL, and writes the decompressed bytes to the pipe DATA. Before it reads the file, it gives up
its rights: no file but those that are open, no network, no other process. Its events are the first
bytes, for the detection of the dialect; its progress; and the outcome. After a failure it keeps
DATA open, so that the kernel cannot take the file for complete.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from processor.engines.child_side import end_with_parent, peak_memory, send_event, task_of_child
from processor.engines.confinement import confine
from processor.engines.workbook import CountedFile, sheet_as_csv, spooled
from shared.csv.compression import decompress
from shared.errors import AttemptFailed, MalformedInput
from shared.inspection.sample import SAMPLE_SIZE
from shared.runtime.files import write_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processor.engines.messages import Message

STDIN = 0
PIPE = 256 << 10
"""Bytes that the pipe holds, if the system allows it. More of them would leave the cache."""
READ = 64 << 10
"""The most bytes read at a time, which progress counts once their text is written."""
STEPS = 200
"""How often at least progress of a file can be reported, if its size allows it."""
SHORTEST_READ = 64
INTERVAL = 0.2
"""Seconds between two events of progress."""


def main() -> None:
    """Run the task from the control pipe."""
    data, control = map(int, sys.argv[1:])
    task = task_of_child(control)
    source = STDIN if task["path"] is None else os.open(task["path"], os.O_RDONLY)
    peak_memory()  # opens what it reads
    if task["compression"] == "xlsx":
        import openpyxl  # noqa: F401 - before the rights to open files are given up

        confine(memory=task["memory"], file_size=task["size"], folder=str(Path.cwd()))
    else:
        confine(memory=task["memory"], file_size=0)
    end_with_parent(control)
    decompressor = Decompressor(task, source, data)
    try:
        decompressor.run()
        outcome: Message = {"event": "finished"}
    except MalformedInput as error:
        outcome = {"event": "malformed", "reason": str(error)}
    except _Outgrown:
        outcome = {"event": "outgrown"}
    except BrokenPipeError:
        return  # the kernel has ended; its last event tells why
    except (AttemptFailed, OSError) as error:
        outcome = {"event": "failed", "reason": str(error)}
    decompressor.send(outcome)
    if outcome["event"] != "finished":
        signal.pause()


class _Outgrown(Exception):
    """The file is too large for a small job."""


class Decompressor:
    """Decompresses the file `source` of `task` to the descriptor `data`."""

    def __init__(self, task: Message, source: int, data: int) -> None:
        self._task = task
        self._source = source
        self._data = data
        self._done = 0
        self._bytes = 0
        self._read_twice = 0
        self._sent = time.monotonic()
        self._small: int | None = task["small"]

    def run(self) -> None:
        """Write the whole file, unless it is too large for a small job.

        Raises MalformedInput, AttemptFailed and OSError.
        """
        with contextlib.suppress(OSError):  # beyond the limit of this user
            fcntl.fcntl(self._data, fcntl.F_SETPIPE_SZ, PIPE)
        first = b""
        sampled = False
        for block in self._decompressed():
            if not sampled:
                first += block
                if len(first) < SAMPLE_SIZE:
                    continue
                sampled = True
                self._send_sample(first)
                block = first
            self._write(block)
        if not sampled:
            self._send_sample(first)
            self._write(first)
        self._done = self._task["size"]

    def send(self, event: Message) -> None:
        """Write an event, with the bytes read and written so far."""
        send_event({**event, "done": self._done, "bytes": self._bytes, **peak_memory()})

    def _send_sample(self, data: bytes) -> None:
        self.send({"event": "sample", "data": base64.b64encode(data[:SAMPLE_SIZE]).decode()})

    def _write(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._small is not None and self._bytes > self._small:
            raise _Outgrown
        if time.monotonic() > self._sent + INTERVAL:
            self._sent = time.monotonic()
            self.send({"event": "progress"})
        write_all(self._data, data)

    def _decompressed(self) -> Iterator[bytes]:
        compression, most = self._task["compression"], self._task["max_size"]
        if compression != "xlsx":
            return decompress(self._blocks(), compression, most)
        source = self._source if self._task["path"] else spooled(self._source, self._task["size"])
        file = CountedFile(os.fdopen(source, "rb"), self._count_half)
        return sheet_as_csv(
            cast("BinaryIO", file),
            sheet=self._task["sheet"],
            decimal=self._task["decimal"],
            memory=self._task["memory"],
            max_size=most,
        )

    def _count_half(self, size: int) -> None:
        # A sheet is read twice.
        self._read_twice += size
        self._done = min(self._read_twice // 2, self._task["size"])

    def _blocks(self) -> Iterator[bytes]:
        size = self._task["size"]
        # A few kilobytes may expand to gigabytes: progress has some steps for them too.
        step = min(max(size // STEPS, SHORTEST_READ), READ)
        while block := os.read(self._source, step):
            yield block
            self._done += len(block)  # now, as the next one is asked for, its text is written
        if self._done != size:
            raise AttemptFailed(f"the source ended after {self._done} of {size} bytes")


if __name__ == "__main__":
    main()
