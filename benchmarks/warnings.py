"""What the kernel's warnings cost: `python -m benchmarks.warnings [--mb 100] [--rounds 9]`.

Builds a second kernel that looks for nothing doubtful, and runs both in alternation, with one
thread. Prints the median of the ratios of their CPU time, user and system; the target is 1.03. It
needs what `make kernel` needs.

`--instructions` counts instructions with valgrind instead: the same on a busy machine, in one
round, and about 50 times slower. A fixed number of them is for each group (as many groups as are
compared), so that a ratio at one size says little: `--mb 10 --instructions`, and 40, give both.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.engines.data import FILES, FULL, written
from benchmarks.engines.kernel import run_child
from benchmarks.engines.rows import SPECS
from benchmarks.engines.task import Task
from processor.engines.port import EngineLimits
from scripts.compiler import use_compiler
from shared.aggregation.json_reader import read_aggregation

CODE = Path(__file__).parents[1]
BUILD = CODE / "build" / "kernel-without-warnings"
WITH = Path(sys.executable).with_name("csvmill-kernel")
TARGET = 1.03
MEMORY = 1 << 30
MB = 1_000_000
QUERIES = {
    "few_groups": "plays",
    "many_groups": "plays",
    "own_groups": "plays",
    "decimals": "prices",
    "wide": "plays",
    "quoted": "plays",
}
"""The aggregation of each file of `benchmarks.engines.data`."""
SONGS = {"group_by": ["Song"], "aggregates": [{"function": "sum", "column": "Plays"}]}
"""The aggregation of the other files."""
PROSE = {
    "lines, two of prose": "Once more, with feeling, and then\nagain, slowly, until the end, {}",
    "lines, two like records": "Love,{},12\nNight,{},34",
    "lines, two like records but in the first": "Love,{},12,7\nNight,{},34",
}
"""The text of the second column, by the name of a file in which every record has line ends."""


def build() -> Path:
    """Build the kernel without warnings; return its path."""
    use_compiler()
    configured = ["cmake", "-S", str(CODE / "kernel"), "-B", str(BUILD), "-G", "Ninja"]
    path = {"PATH": f"{WITH.parent}{os.pathsep}{os.environ['PATH']}"}
    for command in (
        [*configured, "-DKERNEL_WARNINGS=OFF"],
        ["cmake", "--build", str(BUILD), "--parallel", "--target", "csvmill-kernel"],
    ):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | path)
    return BUILD / "csvmill-kernel"


def write_lines(path: Path, text: str, size: int) -> None:
    """Write a file of about `size` bytes with a `text` of several lines in every record."""
    rng = random.Random(text)
    record = f'{{}},"{text}",{{}}\n'
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("Song,Notes,Plays\n")
        while file.tell() < size:
            file.writelines(
                record.format(f"Song {rng.randrange(1000)}", *rng.choices(range(1000), k=3))
                for _ in range(10_000)
            )


def counting(program: Path, folder: Path) -> tuple[Path, Path]:
    """Return a program that runs `program` with valgrind, and the file with what that says."""
    said = folder / f"{program.parent.name}.said"
    script = said.with_suffix(".sh")
    tool = f"valgrind --tool=callgrind --callgrind-out-file={folder / 'callgrind.out'}"
    script.write_text(f'#!/bin/sh\nexec {tool} {program} "$@" 2>{said}\n')
    script.chmod(0o755)
    return script, said


def instructions(program: Path, source: Path, query: str, folder: Path) -> float:
    """Aggregate a file; return the instructions of the kernel, in millions."""
    script, said = counting(program, folder)
    cpu(script, source, query, folder)
    found = re.search(r"Collected : (\d+)", said.read_text())
    if found is None:
        raise RuntimeError(f"valgrind has not counted: {said.read_text()}")
    return int(found[1]) / 1e6


def cpu(program: Path, source: Path, query: str, folder: Path) -> float:
    """Aggregate a file; return the CPU seconds of the kernel."""
    aggregation = read_aggregation(SPECS.get(query, SONGS), "spec")
    task = Task(
        str(source), str(folder / "result.csv"), {}, True, query, MEMORY, False, str(folder), 1,
        program=str(program),
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = run_child(task, aggregation, EngineLimits(memory=MEMORY, threads=1))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if answer.failure:
        raise RuntimeError(f"{source.name}: {answer.failure}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure all files, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=int, default=100, help="size of each file")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--instructions", action="store_true", help="count them with valgrind")
    options = parser.parse_args()
    programs = (WITH, build())
    # The first round is not counted, as files and programs may not be in memory.
    measure, unit, rounds_of = cpu, "s", range(-1, options.rounds)
    if options.instructions:
        measure, unit, rounds_of = instructions, "million", range(1)
    table = Table("file", "without", "with", f"ratio (target <= {TARGET})", "of the rounds")
    with tempfile.TemporaryDirectory(prefix="csvmill-benchmark-") as name:
        folder = Path(name)
        files: list[tuple[str, Path, str]] = []
        for file, query in QUERIES.items():
            rows = FILES[file].rows * options.mb // FULL
            files.append((file, written(file, rows, folder), query))
        for number, (title, text) in enumerate(PROSE.items()):
            path = folder / f"lines-{number}.csv"
            write_lines(path, text, options.mb * MB)
            files.append((title, path, "songs"))
        for title, path, query in files:
            scratch = folder / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            tried = {
                number: [measure(program, path, query, scratch) for program in programs]
                for number in rounds_of
            }
            rounds = [each for number, each in tried.items() if number >= 0]
            ratios = sorted(watched / bare for watched, bare in rounds)
            bare, watched = (statistics.median(each[i] for each in rounds) for i in (1, 0))
            table.add_row(
                title, f"{bare:.2f} {unit}", f"{watched:.2f} {unit}",
                f"{statistics.median(ratios):.3f}",
                f"{ratios[0]:.2f} to {ratios[-1]:.2f}",
            )  # fmt: skip
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
