"""The kernel, as an attempt of a job starts it: `python -m benchmarks.engines.kernel TASK`.

A plain file is read by the kernel alone. It gets the messages of the product, and is timed from
before its start until it has ended. A compressed file is aggregated by the product's engine, as its
decompressor is another process; dialect detection and the digest of the result are timed with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.bounds import LocalFile
from benchmarks.engines.rows import SPECS
from benchmarks.engines.task import Answer, Task
from processor.engines.messages import Knobs, Message, decode, encode_task
from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from processor.engines.query_message import encode_query
from shared.aggregation.json_reader import read_aggregation
from shared.aggregation.resolve import resolve
from shared.csv.dialect import STRICT

if TYPE_CHECKING:
    from shared.aggregation.spec import Aggregation


def run_child(task: Task, aggregation: Aggregation, limits: EngineLimits) -> Answer:
    """Run the kernel as a child process. Its result is moved to the path in the task."""
    source, folder = Path(task.source), Path(task.scratch)
    message = encode_task(
        None if task.pipe else source, source.stat().st_size, STRICT, limits, Knobs(),
        memory=limits.memory, skip=False,
    )  # fmt: skip
    started = time.perf_counter()
    feeder = subprocess.Popen(["cat", task.source], stdout=subprocess.PIPE) if task.pipe else None
    reading, writing = os.pipe()
    kernel = subprocess.Popen(
        [task.program, str(reading)], cwd=folder, pass_fds=(reading,), stdout=subprocess.PIPE,
        stdin=feeder.stdout if feeder is not None else subprocess.DEVNULL,
    )  # fmt: skip
    os.close(reading)
    if feeder is not None and feeder.stdout is not None:
        feeder.stdout.close()
    os.write(writing, message)
    last: Message = {}
    assert kernel.stdout is not None
    with kernel.stdout as events:
        for line in events:
            last = decode(line)
            if last["event"] == "header":
                os.write(writing, encode_query(resolve(aggregation, last["fields"])))
    kernel.wait()
    seconds = time.perf_counter() - started
    os.close(writing)
    if feeder is not None:
        feeder.wait()
    if last.get("event") != "finished":
        ended = f"the kernel has ended with status {kernel.returncode}"
        return Answer(failure=last.get("reason", ended))
    (folder / "result").rename(task.result)
    return Answer(seconds, last["peak_memory"], last["groups"])


async def run_engine(task: Task, aggregation: Aggregation, limits: EngineLimits) -> Answer:
    """Run the product's engine. Its result is moved to the path in the task."""
    engine = NativeEngine(limits, program=Path(task.program))
    source = LocalFile(Path(task.source))
    started = time.perf_counter()
    output = await engine.aggregate(aggregation, [source], Path(task.scratch), lambda _done: None)
    seconds = time.perf_counter() - started
    output.path.rename(task.result)
    return Answer(seconds, output.report.peak_memory, output.report.groups)


def main() -> None:
    """Run the task of this program, and answer."""
    task = Task(**json.loads(sys.argv[1]))
    aggregation = read_aggregation(SPECS[task.query], "spec")
    limits = EngineLimits(memory=task.memory, threads=task.threads)
    answers = []
    for _ in range(task.repeat):
        if task.source.endswith(".gz"):
            answers.append(asyncio.run(run_engine(task, aggregation, limits)))
        else:
            answers.append(run_child(task, aggregation, limits))
        for left in Path(task.scratch).iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    failed = next((answer for answer in answers if answer.failure), None)
    seconds = median(answer.seconds for answer in answers)
    memory = max(answer.memory for answer in answers)
    print((failed or Answer(seconds, memory, answers[0].groups)).encode())


if __name__ == "__main__":
    main()
