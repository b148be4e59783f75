"""The native engine: `csvmill-kernel`, a child process, reads and aggregates files in one pass.

The kernel tells the header, and gets the aggregation resolved for it. It writes CSV or JSON lines;
compressed results, Parquet and workbooks are made from its CSV.
"""

from __future__ import annotations

import asyncio
import errno
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from processor.engines import parquet, xlsx
from processor.engines.kernel_run import KernelRuns
from processor.engines.messages import Knobs, report_from
from processor.engines.one_input import aggregate_one
from processor.engines.port import EngineLimits, Output, Written
from processor.engines.result import compressed, described
from processor.engines.several_inputs import aggregate_several
from processor.engines.spark.distributed import aggregate_on_cluster
from processor.engines.usage import OutOfScratch, Usage
from shared.aggregation.formats import FORMATS
from shared.errors import AttemptFailed, JobFailed, MalformedInput
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.report import Seconds
from shared.jobs.warnings import refusal, warnings_of
from shared.runtime.files import remove_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from processor.engines.aggregated import Aggregated
    from processor.engines.places import Place
    from processor.engines.port import EngineProgress, Source
    from processor.engines.spark.cluster import Cluster
    from shared.jobs.job import Aggregation

_RESULT, _REJECTS = "result", "rejects.csv"
"""The files that the kernel writes to its folder."""


class NativeEngine:
    """The engine on the kernel (see `processor.engines.port`).

    `program` is the path of the kernel; None is the installed one. `folders` yields an empty folder
    for one aggregation, on the file system of `scratch`; None creates one in there. `cluster` is
    the one to which large files go; None aggregates all on this machine.
    """

    def __init__(
        self,
        limits: EngineLimits | None = None,
        knobs: Knobs | None = None,
        program: Path | None = None,
        folders: Callable[[], AbstractAsyncContextManager[Path]] | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self._cluster = cluster
        self._limits = limits or EngineLimits()
        self._knobs = knobs or Knobs()
        self._program = program
        self._folders = folders

    async def aggregate(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        progress: Callable[[EngineProgress], None],
        choice: EngineChoice = EngineChoice.AUTO,
    ) -> Output:
        """See `Engine.aggregate`."""
        usage = Usage(sources, self._limits, progress)
        try:
            async with asyncio.timeout(self._limits.time_limit) as limit:
                return await self._watched(aggregation, sources, scratch, usage, choice)
        except TimeoutError as error:
            if not limit.expired():
                raise
            reason = (
                f"not done within {self._limits.time_limit:g} s, the limit of an attempt "
                "(CSVMILL_TIME_LIMIT)"
            )
            raise AttemptFailed(reason, usage.partial_report()) from error
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = f"{'the disk is full' if full else 'the engine failed'}: {error}"
            raise AttemptFailed(reason, usage.partial_report()) from error
        except JobFailed as error:
            error.report = error.report or usage.partial_report()
            raise

    async def _watched(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        scratch: Path,
        usage: Usage,
        choice: EngineChoice,
    ) -> Output:
        """Aggregate in a private folder, within the limits of memory and disk."""
        async with self._folders() if self._folders else _temporary_folder(scratch) as folder:
            runs = KernelRuns(self._limits, self._knobs, self._program, usage)
            attempt = _Attempt(aggregation, sources, folder, runs, self._cluster, choice)
            working = asyncio.create_task(attempt.run())
            watching = asyncio.create_task(usage.watch(folder))
            try:
                await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    watching.result()
                return _moved(working.result(), scratch / f"{uuid4().hex}.result")
            finally:
                working.cancel()
                watching.cancel()
                await asyncio.gather(working, watching, return_exceptions=True)


@asynccontextmanager
async def _temporary_folder(parent: Path) -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="kernel-", dir=parent))
    try:
        yield folder
    finally:
        await remove_folder(folder)


class _Attempt:
    """One aggregation in the private folder `folder`."""

    def __init__(
        self,
        aggregation: Aggregation,
        sources: Sequence[Source],
        folder: Path,
        runs: KernelRuns,
        cluster: Cluster | None,
        choice: EngineChoice,
    ) -> None:
        self._cluster = None if choice is EngineChoice.LOCAL else cluster
        self._any_size = choice is EngineChoice.SPARK
        self._aggregation = aggregation
        self._sources = sources
        self._folder = folder
        self._runs = runs
        self._limits = runs.limits
        self._usage = runs.usage
        self._format = FORMATS[aggregation.output]

    async def run(self) -> Output:
        """Return the output, in the private folder. Raises MalformedInput and AttemptFailed."""
        if self._format.rows == "parquet":
            parquet.check_installed()
        found = await self._aggregated()
        last = found.last
        report = replace(
            report_from(last),
            warnings=warnings_of((), found.names, self._aggregation.notation, found.findings),
            dialect=found.dialect,
            bytes_in=self._usage.size,
            inputs=found.inputs,
            cluster=found.cluster,
        )
        if last["event"] == "malformed":
            raise MalformedInput(last["reason"], self._usage.final_report(report))
        if report.warnings and self._aggregation.on_warning == "fail":
            raise MalformedInput(refusal(report.warnings), self._usage.final_report(report))
        self._usage.finish(report.rows.total)
        began = time.monotonic()
        written, preview = await self._complete(found, report.groups)
        rejects = await described(self._folder / _REJECTS) if last["rejects_size"] else None
        write = report.seconds.write + time.monotonic() - began
        report = replace(report, bytes_out=written.size, seconds=Seconds(write=write))
        return Output(
            written.path,
            written.size,
            written.sha256,
            self._usage.final_report(report),
            rejects,
            preview,
            content=written.content,
        )

    async def _aggregated(self) -> Aggregated:
        if len(self._sources) > 1:
            return await aggregate_several(
                self._aggregation, self._sources, self._folder, self._runs
            )
        source = self._sources[0]
        if (cluster := self._cluster) is not None and (place := self._place(cluster, source)):
            found = await aggregate_on_cluster(
                self._aggregation, source, place, self._folder, self._runs, cluster
            )
            if found is not None:
                return found
        return await aggregate_one(self._aggregation, source, self._folder, self._runs)

    def _place(self, cluster: Cluster, source: Source) -> Place | None:
        """Return where a cluster is to read a source; None if it is to be read here."""
        if not self._any_size and source.size < cluster.min_input:
            return None
        return cluster.place_of(source)

    async def _complete(self, found: Aggregated, groups: int) -> tuple[Written, Written | None]:
        """Bring the kernel's rows into the format of the result. Return it and its preview."""
        rows, size = self._folder / _RESULT, found.last["result_size"]
        left = replace(self._limits, scratch=max(self._limits.scratch - size, 1))
        if self._format.rows == "parquet":
            assert found.query is not None  # noqa: S101
            return await parquet.convert(rows, found.query, groups, left, self._usage)
        if self._format.rows == "xlsx":
            assert found.query is not None  # noqa: S101
            return await xlsx.convert(rows, found.query, groups, left, self._usage)
        if self._format.compression != "none":
            to = rows.with_suffix(self._format.extension)
            try:
                return await compressed(rows, to, self._format.compression, left.scratch), None
            except OutOfScratch as error:
                raise self._usage.failure(str(error)) from error
        return await described(rows), None


def _moved(output: Output, to: Path) -> Output:
    """Move the files of an output out of the private folder, to `to` and beside it."""

    def beside(file: Written | None) -> Written | None:
        if file is None:
            return None
        return replace(file, path=file.path.rename(to.with_suffix(f".{file.path.name}")))

    return replace(
        output,
        path=output.path.rename(to),
        rejects=beside(output.rejects),
        preview=beside(output.preview),
    )
