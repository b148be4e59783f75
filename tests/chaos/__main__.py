"""`python -m tests.chaos`: run chaos for a given time; see README.md."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.blob_backends import BUCKET
from tests.chaos.run import run
from tests.servers.object_storage import ObjectStorage
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitServer


def main() -> int:
    """Return the exit code: 0 if every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--replicas", action="store_true", help="two storage servers on object storage"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=f"csvmill-chaos-{options.seed}-"))
    print(
        f"Logs: {folder}\nAgain: {replay_command(options.seed, options.minutes, options.replicas)}",
        flush=True,
    )
    with PostgresServer() as postgres, RabbitServer() as rabbit, ExitStack() as stack:
        objects = stack.enter_context(object_storage_of_chaos()) if options.replicas else None
        report = asyncio.run(
            run(
                seed=options.seed,
                minutes=options.minutes,
                folder=folder,
                postgres=postgres,
                rabbit=rabbit,
                objects=objects,
            )
        )
    print(f"\n{report}")
    if report.violations:
        print("Promises were broken: see the logs, or run it again.")
        return 1
    shutil.rmtree(folder)
    return 0


def object_storage_of_chaos() -> ObjectStorage:
    """Return a private server of object storage, to be entered, with the bucket of the run."""
    server = ObjectStorage()
    server.bucket(BUCKET)
    return server


def replay_command(seed: int, minutes: float, replicas: bool = False) -> str:
    """Return the command that runs the same schedule on the same files again."""
    if replicas:
        return f"python -m tests.chaos --minutes={minutes:g} --seed={seed} --replicas"
    return f"make chaos MINUTES={minutes:g} SEED={seed}"


if __name__ == "__main__":
    sys.exit(main())
