"""Run the kernel: give it a task and its input, and answer it until it has ended."""

from __future__ import annotations

import asyncio
import shutil
import sysconfig
from asyncio.subprocess import DEVNULL
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from processor.engines.child import child_process
from processor.engines.messages import Knobs, decode
from processor.engines.usage import Outgrown
from shared.aggregation.resolve import resolve
from shared.csv.problems import Problem, columns, show
from shared.errors import AttemptFailed, InvalidInput, MalformedInput
from shared.jobs.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from processor.engines.child import Child
    from processor.engines.messages import Message
    from processor.engines.opening import Opened
    from processor.engines.port import EngineLimits
    from processor.engines.usage import Usage
    from shared.aggregation.resolve import Query
    from shared.jobs.job import Aggregation

    QueryOf = Callable[[Message], bytes]
    """Returns the message that answers the event `header`."""

PROGRAM = "csvmill-kernel"
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


class KernelRuns:
    """Runs the kernel for one attempt.

    `program` is the path of the kernel; None is the installed one.
    """

    def __init__(
        self, limits: EngineLimits, knobs: Knobs, program: Path | None, usage: Usage
    ) -> None:
        self.limits = limits
        self.knobs = knobs
        self.usage = usage
        self._program = program

    async def run(
        self, task: bytes, folder: Path, query_of: QueryOf, file: Opened | None
    ) -> Message:
        """Run the kernel in `folder`. Return its last event, `finished` or `malformed`.

        `file` is what it reads; None if it reads states. Raises MalformedInput and AttemptFailed.
        """
        limits = self.limits
        async with child_process(
            [str(self._program or kernel_program())],
            folder,
            stdin=DEVNULL if file is None else file.stdin,
            nice=limits.nice,
            max_line=MAX_HEADER if limits.small is None else MAX_HEADER_OF_SMALL,
        ) as kernel:
            kernel.send(task)
            with self.usage.of_child(kernel.pid):
                if file is None:
                    last = await self._read_events(kernel, query_of, None)
                else:
                    last = await self._read_file(kernel, query_of, file)
            if last is None:
                raise AttemptFailed(await kernel.exit_message())
            if last["event"] == "refused":
                raise AttemptFailed(f"the engine's process refused its task: {last['reason']}")
            return last

    async def _read_file(self, kernel: Child, query_of: QueryOf, file: Opened) -> Message | None:
        sending = asyncio.create_task(_send(file, kernel))
        try:
            last = await self._read_events(kernel, query_of, file)
            if sending.done() or (last is not None and last["event"] == "finished"):
                await sending
            await file.end()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        return last

    async def _read_events(
        self, kernel: Child, query_of: QueryOf, file: Opened | None
    ) -> Message | None:
        """Answer the kernel until it ends. Return its last event; None if it ended without one."""
        while line := await self._next_line(kernel, file):
            long = len(line) > _LONG_LINE
            event = await asyncio.to_thread(decode, line) if long else decode(line)
            if event["event"] == "header":
                kernel.send(await asyncio.to_thread(query_of, event) if long else query_of(event))
                continue
            self.usage.use(memory=event["peak_memory"], scratch=event["peak_scratch"])
            self.usage.confinement = tuple(event.get("confined", ()))
            if event["event"] == "failed":
                raise self.usage.failure(event["reason"])
            if event["event"] != "progress":
                return event
            if file is not None:
                self.usage.reject(event["rejected"], event.get("first_problem"))
                file.advance(self.usage, event["done"], event["rows"])
        return None

    async def _next_line(self, kernel: Child, file: Opened | None) -> bytes:
        """Return the next line; empty at the end. Raises MalformedInput for a header too long."""
        try:
            return await kernel.lines.readline()
        except ValueError as error:  # it is longer than `max_line`
            if self.limits.small is not None:
                size = MAX_HEADER_OF_SMALL >> 20
                raise Outgrown(f"its header has more than {size} MiB") from error
            raise MalformedInput(
                f"the header of the file has more than {MAX_HEADER >> 20} MiB, with names of "
                "columns as JSON has them: shorten the names",
                self.report_of_header(file),
            ) from error

    def resolved(
        self,
        aggregation: Aggregation,
        header: Message,
        file: Opened | None,
        name: str | None = None,
    ) -> Query:
        """Resolve the aggregation for the header of a file, which has a name if there are several.

        Raises MalformedInput.
        """
        fields: list[str] = header["fields"]
        if len(fields) < aggregation.width:
            text = show(",".join(fields).encode())
            problem = Problem(
                line=header["line"],
                offset=0,
                column=None,
                name=None,
                found=f"a header of {columns(len(fields))}: {text}",
                expected=f"at least {columns(aggregation.width)}",
                record=b"",
                file=name,
            )
            raise MalformedInput(str(problem), self.report_of_header(file, problem))
        try:
            return resolve(aggregation, fields)
        except InvalidInput as error:
            reason = f"the aggregation does not fit the file: {error}"
            raise MalformedInput(reason, self.report_of_header(file)) from error

    def report_of_header(self, file: Opened | None, *problems: Problem) -> Report:
        """Return the report of a file that is not read any further than to its header."""
        return self.usage.final_report(
            Report(
                problems=problems,
                problem_count=len(problems),
                dialect=self.usage.dialect,
                bytes_in=self.usage.size,
                bytes_decompressed=0 if file is None else len(file.sample),
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
