"""The child process of the DuckDB engine, which runs one plan once in the current folder.

Started as `python -m processor.engines.duckdb_child FD`. FD is the control pipe, from which the
child reads its task. When the pipe is closed, the parent has ended, and the child exits at once.
The child writes events to standard output.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import hashlib
import os
import resource
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from processor.engines import exact_plan
from processor.engines.plan import Inconclusive, ProgressProbe
from processor.engines.protocol import (
    EMPTY_REPORT,
    PREVIEW_NAME,
    REJECTS_NAME,
    RESULT_NAME,
    Advanced,
    Event,
    Finished,
    Refused,
    Task,
    encode_event,
)
from processor.engines.rejects import Problems, RejectsFile
from processor.engines.result_file import begin_result
from processor.engines.scratch_limit import OutOfScratch
from shared.errors import AttemptFailed, MalformedInput
from shared.jobs.report import Report, Seconds, report_of
from shared.runtime.files import write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processor.engines.result_file import Result
    from shared.aggregation.resolve import Query

STDIN = 0
BLOCK = 1 << 20
TICK = 0.2
"""Seconds between two checks of progress, memory and disk."""

DUCKDB_OVERHEAD = 256 << 20
"""Bytes of resident memory beyond DuckDB's own limit: code, Python, fragmentation."""
PYTHON_SHARE = 0.5
"""The share of the memory for the groups of the exact plan, which estimates their size."""
RESULT_SHARE = 0.5
"""The share of the memory for a result that is collected before it is written."""


def main() -> None:
    """Run the task from the control pipe, and write its outcome."""
    # There are millions of objects and no reference cycles; searching for cycles is slow.
    gc.disable()
    control = int(sys.argv[1])
    task = Task.decode(_read_line(control))
    threading.Thread(target=_exit_with_parent, args=(control,), daemon=True).start()
    probe = ProgressProbe()
    monitor = _Monitor(task, probe)
    monitor.start()
    monitor.finish(run(task, probe))


def run(task: Task, probe: ProgressProbe) -> Finished | Refused:
    """Run the task in the current folder, and update `probe`."""
    source = STDIN if task.path is None else os.open(task.path, os.O_RDONLY)
    results: list[Result] = []
    begun: list[float] = []

    def begin(query: Query) -> Result:
        begun.append(time.monotonic())
        memory = int(task.memory * RESULT_SHARE)
        results.append(begin_result(Path(RESULT_NAME), query, memory, task.scratch))
        return results[-1]

    try:
        with RejectsFile(Path(REJECTS_NAME)) as rejects:
            found = _run_plan(task, source, begin, probe, rejects)
            (result,) = results
            result.finish()
    except Inconclusive as error:
        return Refused("inconclusive", str(error))
    except MalformedInput as error:
        return Refused("malformed", str(error), _described(task, report_of(error) or EMPTY_REPORT))
    except OutOfScratch as error:
        return _out_of_scratch(error)
    except AttemptFailed as error:
        return Refused("failed", str(error))
    except MemoryError:
        return Refused("failed", _out_of_memory(task))
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return Refused("failed", f"the disk is full: {error}" if full else str(error))
    finally:
        for each in results:
            with contextlib.suppress(OSError):  # the outcome is known already
                each.close()
    report = replace(
        _described(task, found),
        bytes_out=result.size,
        seconds=Seconds(write=time.monotonic() - begun[0]),
    )
    return Finished(
        *(result.size, result.sha256, report),
        *((rejects.size, rejects.sha256) if rejects.size else (0, "")),
        *_preview(Path(PREVIEW_NAME)),
    )


def _out_of_scratch(error: OutOfScratch) -> Refused:
    """Return the outcome at the limit of scratch disk.

    The peak is set to the limit, because DuckDB has deleted its files already.
    """
    return Refused("failed", str(error), replace(EMPTY_REPORT, peak_scratch=error.limit))


def _preview(path: Path) -> tuple[int, str]:
    """Return size and digest of the preview; 0 and an empty string without one."""
    if not path.exists():
        return 0, ""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()


def _described(task: Task, found: Report) -> Report:
    return replace(found, plan=task.plan, bytes_in=task.size)


def _run_plan(
    task: Task,
    source: int,
    begin: Callable[[Query], Result],
    probe: ProgressProbe,
    rejects: RejectsFile,
) -> Report:
    if task.plan == "exact":
        return exact_plan.run(
            task.aggregation,
            _blocks(task, source, probe),
            begin,
            Path(),
            int(task.memory * PYTHON_SHARE),
            Problems(rejects if task.aggregation.input.on_bad_row == "skip" else None),
            probe,
            task.max_decompressed,
        )
    # Importing DuckDB takes longer than the exact plan takes for a small file.
    from processor.engines import fast_plan

    return fast_plan.run(
        task.aggregation,
        source,
        task.size,
        begin,
        fast_plan.Resources(
            max(task.memory - DUCKDB_OVERHEAD, task.memory // 4),
            task.scratch,
            task.threads,
            task.csv_buffer,
            task.max_decompressed,
        ),
        probe,
    )


def _blocks(task: Task, source: int, probe: ProgressProbe) -> Iterator[bytes]:
    done = 0
    probe.done = lambda: done
    while block := os.read(source, BLOCK):
        done += len(block)
        yield block
    if done != task.size:
        raise AttemptFailed(f"the source ended after {done} of {task.size} bytes")


class _Monitor(threading.Thread):
    """Reports progress, and enforces the limits of memory and disk, until the outcome is known."""

    def __init__(self, task: Task, probe: ProgressProbe) -> None:
        super().__init__(daemon=True)
        self._task = task
        self._probe = probe
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._scratch = 0
        self._latest = Advanced(0)

    def run(self) -> None:
        try:
            self._monitor()
        except BaseException:
            # Without this thread no limit is enforced.
            with self._lock:
                if not self._ended.is_set():
                    _exit_for_the_error()
            raise

    def _monitor(self) -> None:
        while not self._ended.wait(TICK):
            self._measure_scratch()
            if self._scratch > self._task.scratch:
                self.finish(_out_of_scratch(OutOfScratch(self._task.scratch)))
                os._exit(0)
            if _resident() > self._task.memory:
                # The exact plan needs less memory, so it may still succeed.
                fast = self._task.plan == "fast"
                reason = _out_of_memory(self._task)
                self.finish(Refused("inconclusive" if fast else "failed", reason))
                os._exit(0)
            self._latest = self._advanced()
            self._send(self._latest)

    def finish(self, outcome: Finished | Refused) -> None:
        """Write the outcome with the peaks of memory and disk. Later calls do nothing."""
        self._measure_scratch()
        if isinstance(outcome, Finished) and self._scratch > self._task.scratch:
            outcome = _out_of_scratch(OutOfScratch(self._task.scratch))
        # After a failure, the probe may use objects that are closed.
        finished = isinstance(outcome, Finished)
        last = self._advanced() if finished else self._used(self._latest)
        last = replace(last, peak_scratch=max(last.peak_scratch, outcome.report.peak_scratch))
        used = replace(outcome.report, peak_memory=last.peak_memory, peak_scratch=last.peak_scratch)
        with self._lock:
            if not self._ended.is_set():
                self._ended.set()
                write_all(1, encode_event(last))
                write_all(1, encode_event(replace(outcome, report=used)))

    def _measure_scratch(self) -> None:
        self._scratch = max(self._scratch, _disk_used(Path()))

    def _advanced(self) -> Advanced:
        return self._used(Advanced(self._probe.done(), *self._probe.rows()))

    def _used(self, event: Advanced) -> Advanced:
        return replace(
            event,
            peak_memory=_peak_memory(),
            peak_scratch=self._scratch,
            dialect=self._probe.dialect,
        )

    def _send(self, event: Event) -> None:
        with self._lock:
            if not self._ended.is_set():
                write_all(1, encode_event(event))


def _exit_with_parent(control: int) -> None:
    try:
        while os.read(control, 1024):
            pass
    finally:
        os._exit(1)


def _exit_for_the_error() -> NoReturn:
    """Exit after writing the current error to standard error."""
    try:
        traceback.print_exc()
    finally:
        os._exit(1)


def _read_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        block = os.read(descriptor, 1 << 16)
        if not block:
            sys.exit("the control pipe ended before the task")
        line += block
    return line


def _resident() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _peak_memory() -> int:
    """Return the peak of the resident memory of this process in bytes.

    Not `ru_maxrss`, which starts with the memory of the parent.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) << 10


def _disk_used(folder: Path) -> int:
    """Return the disk space of a folder in bytes. Files deleted meanwhile do not count."""
    used = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                used += (Path(parent) / name).lstat().st_blocks * 512
    return used


def _out_of_memory(task: Task) -> str:
    return f"out of memory: the limit of a job is {task.memory >> 20:,} MiB (CSVMILL_MEMORY_LIMIT)"


if __name__ == "__main__":
    main()
