"""What an executor does: it gives the kernel a range of a file, and hands on the state.

These functions run in the Python workers of the cluster, to which they are sent with what they
need. They use the standard library and pyarrow, which Spark needs too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from processor.engines.places import Place

PIECE = 1 << 20
"""Bytes that are read, and sent to the driver, at a time."""
SCHEMA = "begin long, end long, run int, state boolean, piece int, data binary"
"""The columns of what executors return: a range of the file, the run of neighbouring ranges that
has it, whether there is a state of it, and that state, in pieces."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes of the file, which begin with a record, if all goes well."""

    begin: int
    end: int
    run: int
    """Ranges of one run are merged by one executor."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is the same for all ranges of a job."""

    kernel: str
    """The path of the kernel on executors, or the name of the artifact that has it."""
    shipped: bool
    """Whether it is an artifact."""
    place: Place
    partial: dict[str, Any]
    """The task of a range, without its `begin` and `end`."""
    gather: dict[str, Any]
    """The task of several states, without `states`."""
    query: bytes


class KernelFailed(Exception):
    """The kernel could not do its task; another try may succeed."""


def states_of(work: Work, ranges: Iterable[Range]) -> Iterator[pa.RecordBatch]:
    """Aggregate ranges, and yield their states."""
    for each in ranges:
        with tempfile.TemporaryDirectory(prefix="csvmill-") as name:
            folder = Path(name)
            task = {**work.partial, "begin": each.begin, "end": each.end}
            with work.place.open(each.begin) as source:
                last = _run(work, task, folder, source)
            if last["event"] == "finished":
                yield from _pieces(each.begin, each.end, each.run, folder / "state")
            else:
                # It does not begin or end with a record: the driver cuts it otherwise.
                yield _row(each.begin, each.end, each.run, -1, None)


def gathered(work: Work, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Merge the states of neighbouring ranges. `batches` are sorted by range and piece."""
    with tempfile.TemporaryDirectory(prefix="csvmill-") as name:
        folder = Path(name)
        run: list[tuple[int, int, int]] = []  # of states in the folder: run, begin, end
        refuted = -1  # the end of a range without a state: what begins there is wrong, too
        for number, begin, end, piece, data in _rows(batches):
            if data is None:
                yield from _merged(work, folder, run)
                run, refuted = [], end
                yield _row(begin, end, number, -1, None)
            elif begin != refuted:
                if piece == 0:
                    if run and (run[-1][0], run[-1][2]) != (number, begin):
                        yield from _merged(work, folder, run)
                        run = []
                    run.append((number, begin, end))
                with (folder / f"{begin}.state").open("ab") as file:
                    file.write(data)
        yield from _merged(work, folder, run)


def _merged(work: Work, folder: Path, run: list[tuple[int, int, int]]) -> Iterator[pa.RecordBatch]:
    """Yield the state of the ranges of a run, which are removed from the folder."""
    if not run:
        return
    number, begin, end = run[0][0], run[0][1], run[-1][2]
    paths = [folder / f"{each[1]}.state" for each in run]
    if len(run) == 1:
        yield from _pieces(begin, end, number, paths[0])
    else:
        inside = folder / "gather"
        inside.mkdir()
        task = {**work.gather, "states": [str(path) for path in paths]}
        last = _run(work, task, inside, None)
        if last["event"] != "finished":
            raise KernelFailed(last["reason"])
        yield from _pieces(begin, end, number, inside / "state")
        shutil.rmtree(inside)
    for path in paths:
        path.unlink()


def _rows(
    batches: Iterable[pa.RecordBatch],
) -> Iterator[tuple[int, int, int, int, bytes | None]]:
    for batch in batches:
        columns = {name: batch.column(name) for name in batch.schema.names}
        for i in range(batch.num_rows):
            data = columns["data"][i]
            yield (
                columns["run"][i].as_py(),
                columns["begin"][i].as_py(),
                columns["end"][i].as_py(),
                columns["piece"][i].as_py(),
                data.as_py() if columns["state"][i].as_py() else None,
            )


def _pieces(begin: int, end: int, run: int, path: Path) -> Iterator[pa.RecordBatch]:
    with path.open("rb") as file:
        number = 0
        while data := file.read(PIECE):
            yield _row(begin, end, run, number, data)
            number += 1


def _row(begin: int, end: int, run: int, piece: int, data: bytes | None) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(
        [
            pa.array([begin], pa.int64()),
            pa.array([end], pa.int64()),
            pa.array([run], pa.int32()),
            pa.array([data is not None], pa.bool_()),
            pa.array([piece], pa.int32()),
            pa.array([data or b""], pa.binary()),
        ],
        names=["begin", "end", "run", "state", "piece", "data"],
    )


def _run(work: Work, task: dict[str, Any], folder: Path, source: BinaryIO | None) -> dict[str, Any]:
    """Run the kernel in a folder. Return its last event. Raises KernelFailed, OSError."""
    own, control = socket.socketpair()
    failures: list[BaseException] = []
    with own, tempfile.TemporaryFile() as errors:
        with control:
            kernel = subprocess.Popen(
                [_program(work), "1"],
                cwd=folder,
                stdin=subprocess.DEVNULL if source is None else subprocess.PIPE,
                stdout=control.fileno(),
                stderr=errors,
            )
        sending = threading.Thread(target=_send, args=(source, kernel, failures), daemon=True)
        sending.start()
        try:
            own.sendall(json.dumps(task).encode() + b"\n")
            last = _last_event(own, work.query)
        finally:
            kernel.kill()
            kernel.wait()
            sending.join()
        if last is None or last["event"] == "failed":
            if failures:
                raise failures[0]
            errors.seek(0)
            said = errors.read(1000).decode(errors="replace")
            raise KernelFailed(last["reason"] if last else said or "the kernel gave no answer")
    return last


def _last_event(control: socket.socket, query: bytes) -> dict[str, Any] | None:
    """Answer the kernel until it has ended. Return its last event; None without one."""
    last = None
    with control.makefile("rb") as events:
        for line in events:
            event = json.loads(line)
            if event["event"] == "header":
                control.sendall(query)
            elif event["event"] != "progress":
                last = event
    return last


def _send(
    source: BinaryIO | None, kernel: subprocess.Popen[bytes], failures: list[BaseException]
) -> None:
    """Write the source to the kernel, which reads as much of it as it needs."""
    if source is None or kernel.stdin is None:
        return
    try:
        while data := source.read(PIECE):
            try:
                kernel.stdin.write(data)
            except BrokenPipeError:
                break
    except Exception as error:  # noqa: BLE001 - the other thread raises it
        failures.append(error)
        kernel.kill()
    finally:
        with suppress(BrokenPipeError):
            kernel.stdin.close()


def _program(work: Work) -> str:
    """Return the path of the kernel, which is made executable if it was shipped."""
    if not work.shipped:
        return work.kernel
    from pyspark import SparkFiles

    shipped = Path(SparkFiles.get(work.kernel))
    content = shipped.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:32]
    program = Path(tempfile.gettempdir()) / f"csvmill-kernel-{digest}"
    if not program.exists():
        with tempfile.NamedTemporaryFile(dir=program.parent, delete=False) as file:
            file.write(content)
        Path(file.name).chmod(0o700)
        Path(file.name).rename(program)
    status = program.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o022:
        # All users may create files in the folder of temporary files.
        raise KernelFailed(
            f"{program} may be another user's: remove it, or set CSVMILL_SPARK_KERNEL"
        )
    return str(program)
