"""Compare the kernel with other engines at the same work: docs/performance.md.

    python -m benchmarks.engines [--rows few wide] [--peers duckdb] [--runs 3] [--size 1000]

Writes its files to DIR, about 8 GB, and keeps them for the next time. `make benchmark` installs the
peers and runs it. The exit code is 1 if a row falls short of its target.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.engines import table
from benchmarks.engines.rows import ROWS
from benchmarks.engines.runner import CODE, PEERS, Runner
from processor.engines.kernel_run import kernel_program


def main() -> int:
    """Measure the rows, print the tables, and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--runs", type=int, default=3, help="of each engine at each row")
    parser.add_argument("--size", type=int, default=1000, help="of the files in MB, about")
    parser.add_argument("--data", type=Path, default=CODE / "build" / "benchmark", metavar="DIR")
    parser.add_argument("--kernel", type=Path, help="the kernel; default: the installed one")
    parser.add_argument(
        "--python", type=Path, default=CODE / "build" / "peers" / "bin" / "python",
        help="the interpreter that has the peers; default: that of `make benchmark`",
    )  # fmt: skip
    parser.add_argument(
        "--write", action="store_true", help="put the tables into docs/performance.md"
    )
    options = parser.parse_args()
    if options.write and (options.rows != list(ROWS) or options.peers != list(PEERS)):
        parser.error("the page has all rows and peers")
    if options.peers and not options.python.exists():
        parser.error(f"{options.python} does not exist: install the peers with `make benchmark`")
    options.data.mkdir(parents=True, exist_ok=True)
    runner = Runner(
        options.data.resolve(),
        options.size,
        options.runs,
        (options.kernel or kernel_program()).resolve(),
        options.peers,
        options.python.absolute(),
    )
    measurements = [runner.measure(name) for name in options.rows]
    text = table.markdown(measurements, runner)
    print(text)
    if options.write:
        table.write(text)
    return 0 if all(map(table.reached, measurements)) else 1


if __name__ == "__main__":
    sys.exit(main())
