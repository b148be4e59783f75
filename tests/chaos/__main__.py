"""`python -m tests.chaos`: run chaos for a given time; see README.md."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import run
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitServer


def main() -> int:
    """Return the exit code: 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"csvmill-chaos-{options.seed}-"))
    print(f"Logs: {folder}\nAgain: {replay_command(options.seed, options.minutes)}", flush=True)
    with PostgresServer() as postgres, RabbitServer() as rabbit:
        report = asyncio.run(
            run(
                seed=options.seed,
                minutes=options.minutes,
                folder=folder,
                postgres=postgres,
                rabbit=rabbit,
            )
        )
    print(f"\n{report}")
    if report.violations:
        print("Promises were broken: see the logs, or run it again.")
        return 1
    shutil.rmtree(folder)
    return 0


def replay_command(seed: int, minutes: float) -> str:
    """Return the command that runs the same schedule on the same files again."""
    return f"make chaos MINUTES={minutes:g} SEED={seed}"


if __name__ == "__main__":
    sys.exit(main())
