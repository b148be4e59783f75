"""A run of a small file, which needs no service: there is nothing that could be continued."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

from csvmill.client.errors import BadRows
from csvmill.run.request import RunResult
from shared.jobs.rejects import NO_REJECTS
from shared.runtime.files import move_file, replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from csvmill.run.request import RunRequest
    from csvmill.run.state import RunFolder, RunState

LARGEST = 256 << 10
"""Bytes of a file that is small: it is read in a few milliseconds."""
WORTH_A_LOOK = 8 << 20
"""Bytes from which on a file is looked at before it is sent."""
OF_CLIENT = frozenset(
    {"CSVMILL_SERVER", "CSVMILL_API_KEY", "CSVMILL_API_KEY_FILE", "CSVMILL_STATE_DIR"}
)
"""Environment variables that are no settings of a service."""


def is_direct(request: RunRequest, state: RunState, folder: RunFolder) -> bool:
    """Return whether a run needs no service: its file is small, and nothing asks for a service.

    Settings of a service in the environment do, and the data of one that an earlier process has
    begun.
    """
    return (
        request.server is None
        and request.chunk_size is None
        and not (request.more or request.uploads or request.spec_name)
        and state.job_id is None
        and state.input.size <= LARGEST
        and not folder.service.exists()
        and not configures_a_service(os.environ)
    )


async def refuse_hopeless(
    request: RunRequest, file: Path, name: str, folder: RunFolder, *, size: int
) -> None:
    """Raise BadRows if the first thousands of rows of a large file, of `size` bytes, all fail."""
    if request.keep_going or size < WORTH_A_LOOK:
        return
    try:
        from csvmill.standalone.direct import why_all_fail
    except ImportError:  # a system on which the engine does not run
        return
    folder.scratch.mkdir(exist_ok=True)
    reason = await why_all_fail(file, name, request.aggregation, folder.scratch)
    if reason is not None:
        raise BadRows(f"{reason}. Nothing was sent; to run it all the same, use --keep-going")


def configures_a_service(environment: Mapping[str, str]) -> bool:
    """Return whether there are settings of a service among environment variables."""
    return any(name.startswith("CSVMILL_") and name not in OF_CLIENT for name in environment)


async def run_directly(
    request: RunRequest, file: Path, name: str, folder: RunFolder
) -> RunResult | None:
    """Aggregate `file`, known to people as `name`; write the result, and the rejects if wanted.

    Returns None if that takes a service. Raises JobUnsuccessful if the file is bad.
    """
    from csvmill.client.result_view import ResultView

    try:
        from csvmill.standalone.direct import aggregate_directly  # the engine: not for other runs
    except ImportError:  # a system on which the engine does not run
        return None
    started = time.monotonic()
    folder.scratch.mkdir(exist_ok=True)
    done = await aggregate_directly(file, name, request.aggregation, folder.scratch)
    if done is None:
        return None
    computed = time.monotonic()
    # Rejects first: once the result is there, everything is.
    if request.rejects is not None:
        rejects = done.rejects.path if done.rejects else None
        await asyncio.to_thread(_place, rejects, request.rejects)
    await asyncio.to_thread(_place, done.result.path, request.output)
    seconds = {"upload": 0.0, "job": computed - started, "download": time.monotonic() - computed}
    sha256 = done.result.sha256
    view = ResultView(done.result.size, f'"{sha256}"', sha256)
    return RunResult(done.job, view, 0, 0, seconds)


def _place(file: Path | None, target: Path) -> None:
    """Move a file to `target` durably and atomically; None stands for a file without rejects."""
    if file is None:
        replace_file(target.absolute(), NO_REJECTS, durable=True)
        return
    with file.open("rb") as written:
        os.fsync(written.fileno())
    move_file(file, target)
