"""Aggregate a small file in this process, without a service (decision 42)."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from csvmill.client.errors import JobUnsuccessful
from processor.engines.native import NativeEngine
from processor.engines.port import MIN_MEMORY, EngineLimits
from processor.slots import MOST_DECOMPRESSED
from shared.aggregation.json_codec import aggregation_json, aggregation_of_json
from shared.aggregation.spec import SONG_PLAYS
from shared.api.job import JobResultView, JobView
from shared.api.job_view import report_view
from shared.api.problem import ProblemView
from shared.api.view import rfc3339
from shared.errors import AttemptFailed, CsvmillError, MalformedInput
from shared.jobs.job import JobState
from shared.jobs.report import report_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path
    from typing import Any

    from processor.engines.port import Written

LIMITS = EngineLimits(memory=MIN_MEMORY, threads=1, small=MOST_DECOMPRESSED)
"""Those of a small job."""

FIRST = 1 << 20
"""Bytes at the start of a file that are looked at before it is sent."""
MANY = 1000
"""Rows that are enough to judge all."""


@dataclass(frozen=True, slots=True)
class Aggregated:
    """A finished aggregation, whose files the caller moves or removes."""

    job: JobView
    """What a service would show of it."""
    result: Written
    rejects: Written | None
    """None if no record was left out."""


class LocalFile:
    """A small file of this machine as the source of an engine."""

    place = None

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.size = path.stat().st_size
        self.local_path = path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `processor.engines.port.Source`."""

        async def pieces() -> AsyncIterator[bytes]:
            yield await asyncio.to_thread(self.local_path.read_bytes)

        yield pieces()


async def aggregate_directly(
    file: Path, name: str, spec: Mapping[str, Any] | None, scratch: Path
) -> Aggregated | None:
    """Aggregate `file`, known to people as `name`, into files in the folder `scratch`.

    `spec` is the valid JSON of the aggregation; None sums plays by song and date. Returns None if
    a service has to do it: the file needs more than a small job may have, or the attempt failed.
    Raises JobUnsuccessful if the file is bad.
    """
    aggregation = SONG_PLAYS if spec is None else aggregation_of_json(spec)
    source = LocalFile(file, name)
    created = time.time()
    try:
        output = await NativeEngine(LIMITS).aggregate(
            aggregation, [source], scratch, lambda _progress: None
        )
    except MalformedInput as error:
        raise JobUnsuccessful(f"{name}: {error}") from error
    except AttemptFailed:
        return None
    report = replace(output.report, bytes_in=source.size, attempts=1)
    job = JobView(
        id=str(uuid4()),
        state=JobState.SUCCESS.value,
        attempt=1,
        max_attempts=1,
        created_at=rfc3339(created),
        finished_at=rfc3339(time.time()),
        reason=None,
        filename=name,
        input_size=source.size,
        aggregation=aggregation_json(aggregation),
        result=JobResultView(
            output.size, output.sha256, rows_in=report.rows.total, rows_out=report.groups
        ),
        report=report_view(report),
        problems=tuple(map(ProblemView.from_value, report.problems)),
        problem_count=report.problem_count,
        attempts=(),
    )
    return Aggregated(job, output, output.rejects)


async def why_all_fail(
    file: Path, name: str, spec: Mapping[str, Any] | None, scratch: Path
) -> str | None:
    """Return why every one of the first rows of `file` fails a job; None if one does not.

    Looks at the first MiB, unless that has fewer than `MANY` rows or bad rows are skipped. None too
    if that cannot be done here: the file is compressed, or the engine is not installed.
    """
    aggregation = SONG_PLAYS if spec is None else aggregation_of_json(spec)
    if aggregation.input.on_bad_row != "fail":
        return None
    sample = scratch / "first-rows.csv"
    with file.open("rb") as source:
        start = await asyncio.to_thread(source.read, FIRST)
    await asyncio.to_thread(sample.write_bytes, start[: start.rfind(b"\n") + 1])
    aggregation = replace(aggregation, on_warning="report", output="csv")
    try:
        await NativeEngine(LIMITS).aggregate(
            aggregation, [LocalFile(sample, name)], scratch, lambda _progress: None
        )
    except MalformedInput as error:
        report = report_of(error)
        if report is None or report.unfinished or report.rows.total < MANY:
            return None
        if report.rows.rejected < report.rows.total:
            return None
        return f"the first {report.rows.total:,} rows of {name} all fail: {error}"
    except CsvmillError:
        return None  # the job will tell
    return None
