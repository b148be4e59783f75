"""The native engine: `csvmill-kernel`, a child process, reads and aggregates the file in one pass.

The kernel tells the header, and gets the aggregation resolved for it. It writes CSV or JSON lines;
compressed results, Parquet and workbooks are made from its CSV.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
import sysconfig
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from processor.engines import parquet, xlsx
from processor.engines.child import child_process
from processor.engines.messages import Knobs, decode, encode_query, encode_task, report_from
from processor.engines.opening import opened
from processor.engines.port import EngineLimits, Output, Written
from processor.engines.result import compressed, described
from processor.engines.usage import Outgrown, OutOfScratch, Usage
from shared.aggregation.formats import FORMATS
from shared.aggregation.resolve import resolve
from shared.csv.problems import Problem, columns, show
from shared.errors import AttemptFailed, InvalidInput, JobFailed, MalformedInput
from shared.jobs.report import Report, Seconds
from shared.jobs.warnings import of_dialect, refusal, warnings_of
from shared.runtime.files import remove_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from processor.engines.child import Child
    from processor.engines.messages import Message
    from processor.engines.opening import Opened
    from processor.engines.port import EngineProgress, Source
    from shared.aggregation.resolve import Query
    from shared.jobs.job import Aggregation

PROGRAM = "csvmill-kernel"
_RESULT, _REJECTS = "result", "rejects.csv"
"""The files that the kernel writes to its folder."""
_LONG_LINE = 64 << 10
"""Bytes of a message from which it is read in a thread."""
MAX_HEADER = 32 << 20
"""Bytes of the largest header, as JSON: this process holds several times as much for a moment."""
MAX_HEADER_OF_SMALL = 4 << 20
"""The same of a small job, of which many run at a time. One with more leaves its slot."""


@cache
def kernel_program() -> Path:
    """Return the path of the kernel. Raises AttemptFailed if it is not installed."""
    beside = Path(sysconfig.get_path("scripts"), PROGRAM)
    found = beside if beside.exists() else shutil.which(PROGRAM)
    if found is None:
        raise AttemptFailed(f"{PROGRAM} is not installed: install csvmill again")
    return Path(found)


class NativeEngine:
    """The engine on the kernel (see `processor.engines.port`).

    `program` is the path of the kernel; None is the installed one. `folders` yields an empty folder
    for one aggregation, on the file system of `scratch`; None creates one in there.
    """

    def __init__(
        self,
        limits: EngineLimits | None = None,
        knobs: Knobs | None = None,
        program: Path | None = None,
        folders: Callable[[], AbstractAsyncContextManager[Path]] | None = None,
    ) -> None:
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
    ) -> Output:
        """See `Engine.aggregate`."""
        (source,) = sources
        usage = Usage(source, self._limits, progress)
        try:
            async with asyncio.timeout(self._limits.time_limit) as limit:
                return await self._watched(aggregation, source, scratch, usage)
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
        self, aggregation: Aggregation, source: Source, scratch: Path, usage: Usage
    ) -> Output:
        """Aggregate in a private folder, within the limits of memory and disk."""
        async with self._folders() if self._folders else _temporary_folder(scratch) as folder:
            attempt = _Attempt(
                aggregation,
                source,
                folder,
                limits=self._limits,
                knobs=self._knobs,
                program=self._program,
                usage=usage,
            )
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
        source: Source,
        folder: Path,
        *,
        limits: EngineLimits,
        knobs: Knobs,
        program: Path | None,
        usage: Usage,
    ) -> None:
        self._aggregation = aggregation
        self._source = source
        self._folder = folder
        self._limits = limits
        self._knobs = knobs
        self._program = program
        self._usage = usage
        self._format = FORMATS[aggregation.output]
        self._query: Query | None = None
        """Known once the kernel has read the header."""
        self._names: list[str] = []
        """The names of the columns, known then too."""

    async def run(self) -> Output:
        """Return the output, in the private folder. Raises MalformedInput and AttemptFailed."""
        if self._format.rows == "parquet":
            parquet.check_installed()
        async with opened(
            self._aggregation, self._source, self._folder, self._limits, self._usage
        ) as file:
            last = await self._run_kernel(file)
        report = replace(
            report_from(last),
            warnings=warnings_of(
                last["warnings"],
                self._names,
                self._aggregation.notation,
                of_dialect(self._usage.dialect) if last["event"] == "finished" else (),
            ),
            dialect=self._usage.dialect,
            bytes_in=self._source.size,
        )
        if last["event"] == "malformed":
            raise MalformedInput(last["reason"], self._usage.final_report(report))
        if report.warnings and self._aggregation.on_warning == "fail":
            raise MalformedInput(refusal(report.warnings), self._usage.final_report(report))
        self._usage.finish(report.rows.total)
        began = time.monotonic()
        written, preview = await self._complete(report.groups, last["result_size"])
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

    async def _complete(self, groups: int, size: int) -> tuple[Written, Written | None]:
        """Bring the kernel's rows into the format of the result. Return it and its preview.

        `size` is that of the kernel's file in bytes.
        """
        rows = self._folder / _RESULT
        left = replace(self._limits, scratch=max(self._limits.scratch - size, 1))
        if self._format.rows == "parquet":
            assert self._query is not None  # noqa: S101
            return await parquet.convert(rows, self._query, groups, left, self._usage)
        if self._format.rows == "xlsx":
            assert self._query is not None  # noqa: S101
            return await xlsx.convert(rows, self._query, groups, left, self._usage)
        if self._format.compression != "none":
            to = rows.with_suffix(self._format.extension)
            try:
                return await compressed(rows, to, self._format.compression, left.scratch), None
            except OutOfScratch as error:
                raise self._usage.failure(str(error)) from error
        return await described(rows), None

    async def _run_kernel(self, file: Opened) -> Message:
        """Run the kernel. Return its last event, `finished` or `malformed`."""
        assert self._usage.dialect is not None  # noqa: S101
        task = encode_task(
            file.path,
            None if file.path is None else self._source.size,
            self._usage.dialect,
            self._limits,
            self._knobs,
            memory=self._limits.memory - file.memory,
            skip=self._aggregation.input.on_bad_row == "skip",
        )
        command = [str(self._program or kernel_program())]
        async with child_process(
            command,
            self._folder,
            stdin=file.stdin,
            nice=self._limits.nice,
            max_line=MAX_HEADER if self._limits.small is None else MAX_HEADER_OF_SMALL,
        ) as kernel:
            kernel.send(task)
            sending = asyncio.create_task(_send(file, kernel))
            try:
                with self._usage.of_child(kernel.pid):
                    last = await self._read_events(kernel, file)
                if sending.done() or (last is not None and last["event"] == "finished"):
                    await sending
                await file.end()
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            if last is None:
                raise AttemptFailed(await kernel.exit_message())
            return last

    async def _read_events(self, kernel: Child, file: Opened) -> Message | None:
        """Answer the kernel until it ends. Return its last event; None if it ended without one."""
        while line := await self._next_line(kernel, file):
            long = len(line) > _LONG_LINE
            event = await asyncio.to_thread(decode, line) if long else decode(line)
            if event["event"] == "header":
                self._names = event["fields"]
                self._query = (
                    await asyncio.to_thread(self._resolved, event, file)
                    if long
                    else self._resolved(event, file)
                )
                kernel.send(encode_query(self._query))
                continue
            self._usage.use(memory=event["peak_memory"], scratch=event["peak_scratch"])
            self._usage.confinement = tuple(event.get("confined", ()))
            if event["event"] == "progress":
                self._usage.reject(event["rejected"], event.get("first_problem"))
                file.advance(self._usage, event["done"], event["rows"])
            elif event["event"] == "failed":
                raise self._usage.failure(event["reason"])
            else:
                return event
        return None

    async def _next_line(self, kernel: Child, file: Opened) -> bytes:
        """Return the next line; empty at the end. Raises MalformedInput for a header too long."""
        try:
            return await kernel.lines.readline()
        except ValueError as error:  # it is longer than `max_line`
            if self._limits.small is not None:
                size = MAX_HEADER_OF_SMALL >> 20
                raise Outgrown(f"its header has more than {size} MiB") from error
            raise MalformedInput(
                f"the header of the file has more than {MAX_HEADER >> 20} MiB, with names of "
                "columns as JSON has them: shorten the names",
                self._report_of_header(file),
            ) from error

    def _resolved(self, header: Message, file: Opened) -> Query:
        """Resolve the aggregation for the header. Raises MalformedInput."""
        fields: list[str] = header["fields"]
        if len(fields) < self._aggregation.width:
            text = show(",".join(fields).encode())
            problem = Problem(
                line=header["line"],
                offset=0,
                column=None,
                name=None,
                found=f"a header of {columns(len(fields))}: {text}",
                expected=f"at least {columns(self._aggregation.width)}",
                record=b"",
            )
            raise MalformedInput(str(problem), self._report_of_header(file, problem))
        try:
            return resolve(self._aggregation, fields)
        except InvalidInput as error:
            reason = f"the aggregation does not fit the file: {error}"
            raise MalformedInput(reason, self._report_of_header(file)) from error

    def _report_of_header(self, file: Opened, *problems: Problem) -> Report:
        """Return the report of a file that is not read any further than to its header."""
        return self._usage.final_report(
            Report(
                problems=problems,
                problem_count=len(problems),
                dialect=self._usage.dialect,
                bytes_in=self._source.size,
                bytes_decompressed=len(file.sample),
                rows_of_several_lines=0,
                most_lines=1,
                lines_passed_over=0,
                rejects_omitted=0,
                rows_padded=0,
                rows_truncated=0,
            )
        )


async def _send(file: Opened, kernel: Child) -> None:
    """Give the kernel its input. If that fails, kill it before it sees the end of the input."""
    try:
        await file.send(kernel)
    except BaseException:
        kernel.kill()
        raise


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
