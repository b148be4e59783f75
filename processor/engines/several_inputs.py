"""Aggregates several files: the kernel writes a state of each, and merges the states.

First the headers of all files are read, so that one that does not fit is refused at once. Then the
files are aggregated in their order. States that are many, or large, are merged meanwhile: the disk
that they need does not grow with the number of files if their groups are the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from processor.engines.aggregated import Aggregated
from processor.engines.columns import Columns
from processor.engines.messages import Input, Merge, Part, encode_task
from processor.engines.opening import opened
from processor.engines.query_message import encode_query
from processor.engines.usage import Usage
from shared.aggregation.spec import FILE_COLUMN
from shared.csv.encoding import to_utf8
from shared.csv.problems import EMPTY_FILE, show
from shared.csv.records import RecordReader
from shared.errors import AttemptFailed, MalformedInput
from shared.inspection.sample import SAMPLE_SIZE
from shared.jobs.input_limits import SHOWN_INPUTS
from shared.jobs.report import InputReport, Rows, report_of
from shared.jobs.warnings import Finding, of_dialect
from shared.runtime.files import remove_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from processor.engines.kernel_run import KernelRuns
    from processor.engines.messages import Message
    from processor.engines.opening import Opened
    from processor.engines.port import Source
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.csv.problems import Problem
    from shared.jobs.job import Aggregation

MOST_STATES = 64
"""States of single files that are kept before they are merged."""
MOST_BYTES = 1 << 30
"""Bytes of states beside the first one that are kept, or as many as that has."""

_BLOCK = 64 << 10


@dataclass(frozen=True, slots=True)
class _State:
    """A state of one file, or of several that follow each other."""

    path: Path
    size: int
    """Bytes."""
    merged: bool = False
    """Whether it was merged from others."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the first look at a file shows."""

    dialect: Dialect
    names: list[str] | None
    """The names in the header; None if it does not end within the sample."""
    line: int = 1
    """The line of the header."""


async def aggregate_several(
    aggregation: Aggregation, sources: Sequence[Source], folder: Path, runs: KernelRuns
) -> Aggregated:
    """Aggregate files in the private folder. Raises MalformedInput and AttemptFailed."""
    return await _SeveralInputs(aggregation, sources, folder, runs).run()


class _SeveralInputs:
    query: Query
    """Known once the headers were read."""

    def __init__(
        self, aggregation: Aggregation, sources: Sequence[Source], folder: Path, runs: KernelRuns
    ) -> None:
        self._aggregation = aggregation
        self._sources = sources
        self._folder = folder
        self._runs = runs
        self._union = aggregation.input.columns == "union"
        self._columns: Columns
        self._line = 1
        """The line of the first header."""
        self._known: list[_Known] = []
        self._states: list[_State] = []
        self._inputs: list[InputReport] = []
        self._written = 0
        """The number of states that were written."""

    async def run(self) -> Aggregated:
        await self._look_at_all()
        usage, before = self._runs.usage, 0
        for number, source in enumerate(self._sources):
            event = await self._aggregate_input(number, source, before)
            before += event["bytes"]
            usage.begin_next()
            await self._merge_some()
        first = self._known[0].dialect
        last = await self._merge(self._states, gather=False, folder=self._folder)
        usage.dialect = first
        return Aggregated(
            last,
            self.query,
            [*self._columns.names, FILE_COLUMN],
            [*map(self._finding, last["warnings"]), *self._assumed(last)],
            first,
            tuple(self._inputs),
        )

    async def _look_at_all(self) -> None:
        """Read the headers of all files, and resolve the aggregation for their columns."""
        header: bool | None = None
        positions = {c for c in self._aggregation.columns if isinstance(c, int)}
        for source in self._sources:
            runs = self._runs
            usage = Usage([source], runs.limits, lambda _progress: None)
            try:
                async with opened(
                    self._aggregation, source, self._folder, runs.limits, usage, header=header
                ) as file:
                    known = await asyncio.to_thread(_look_at, file, usage)
                    if header is None:
                        header = known.dialect.header
                        runs.usage.dialect = known.dialect
                        self._take_first(source, known)
                    elif known.names is not None:
                        self._columns.add(source.name, known.names, positions)
                    else:
                        self._refuse_union()
            except MalformedInput as error:
                raise self._of_file(error, source) from error
            self._known.append(replace(known, names=None))
        header_of_all = {"line": self._line, "fields": self._columns.names}
        self.query = self._runs.resolved(
            self._aggregation, header_of_all, None, self._sources[0].name
        )

    def _refuse_union(self) -> None:
        if self._union:
            raise MalformedInput(
                "its header does not end within the first MiB, so its columns cannot be united "
                "with those of other files"
            )

    def _take_first(self, source: Source, known: _Known) -> None:
        """Take the columns of the first file."""
        if known.names is None:
            raise MalformedInput(
                "its header does not end within the first MiB, so the columns of other files "
                "cannot be compared with it"
            )
        self._line = known.line
        self._columns = Columns(source.name, known.names, union=self._union)

    async def _aggregate_input(self, number: int, source: Source, before: int) -> Message:
        """Write the state of a file. Return the last event of the kernel."""
        runs, known = self._runs, self._known[number]
        folder = self._folder / "input"
        folder.mkdir()
        positions = {c for c in self._aggregation.columns if isinstance(c, int)}
        try:
            async with opened(
                self._aggregation, source, folder, runs.limits, runs.usage, dialect=known.dialect
            ) as file:

                def query_of(header: Message) -> bytes:
                    self._columns.add(source.name, header["fields"], positions)
                    return encode_query(
                        *self._columns.located(self.query, header["fields"], source.name)
                    )

                task = self._task(
                    file.path,
                    None if file.path is None else source.size,
                    known.dialect,
                    Part(input=Input(number, source.name, before)),
                    memory=runs.limits.memory - file.memory,
                )
                event = await runs.run(task, folder, query_of, file)
            _check(event)
        except MalformedInput as error:
            raise self._of_file(error, source) from error
        self._note_input(source, known.dialect, event)
        await self._keep(folder, event["state_size"])
        return event

    def _task(
        self,
        path: Path | None,
        size: int | None,
        dialect: Dialect,
        work: Part | Merge,
        *,
        memory: int,
    ) -> bytes:
        runs = self._runs
        used = sum(state.size for state in self._states)
        return encode_task(
            path,
            size,
            dialect,
            runs.limits,
            runs.knobs,
            memory=memory,
            skip=self._aggregation.input.on_bad_row == "skip",
            scratch=max(runs.limits.scratch - used, 1),
            work=work,
        )

    async def _keep(self, folder: Path, size: int, *, merged: bool = False) -> None:
        """Move a state out of a folder, and remove the folder."""
        path = self._folder / f"{self._written}.state"
        (folder / "state").rename(path)
        self._written += 1
        await remove_folder(folder)
        self._states.append(_State(path, size, merged))

    async def _merge_some(self) -> None:
        """Merge states if they are many, or large."""
        limit = min(MOST_BYTES, self._runs.limits.scratch // 8)
        others = sum(state.size for state in self._states[1:])
        if others > max(limit, self._states[0].size):
            await self._gather(0)
            return
        single = next((i for i, state in enumerate(self._states) if not state.merged), 0)
        if len(self._states) - single >= MOST_STATES:
            await self._gather(single)

    async def _gather(self, first: int) -> None:
        """Merge the states from `first` on into one."""
        states = self._states[first:]
        if len(states) < 2:
            return
        folder = self._folder / "gather"
        folder.mkdir()
        event = await self._merge(states, gather=True, folder=folder)
        del self._states[first:]
        await asyncio.to_thread(_remove, states)
        await self._keep(folder, event["state_size"], merged=True)

    async def _merge(self, states: Sequence[_State], *, gather: bool, folder: Path) -> Message:
        files = tuple(source.name for source in self._sources)
        work = Merge(tuple(state.path for state in states), gather=gather, files=files)
        memory = self._runs.limits.memory
        task = self._task(None, None, self._known[0].dialect, work, memory=memory)
        event = await self._runs.run(task, folder, lambda _header: encode_query(self.query), None)
        if not gather:
            await asyncio.to_thread(_remove, states)
        return event

    def _note_input(self, source: Source, dialect: Dialect, event: Message) -> None:
        if len(self._inputs) < SHOWN_INPUTS:
            rows = Rows(event["aggregated"], event["filtered"], event["rejected"])
            self._inputs.append(
                InputReport(
                    source.name,
                    source.size,
                    rows,
                    dialect.delimiter,
                    dialect.encoding,
                    dialect.compression,
                )
            )

    def _finding(self, found: dict[str, Any]) -> Finding:
        number = found.pop("input")
        # What concerns all files is in no line.
        of_file = found["line"] is not None or found["kind"] == "utf8_text"
        return Finding(**found, file=self._sources[number].name if of_file else None)

    def _assumed(self, last: Message) -> list[Finding]:
        """Return what was assumed when dialects were detected: for each kind, the first file."""
        found: dict[str, Finding] = {}
        for source, known in zip(self._sources, self._known, strict=True):
            for each in of_dialect(known.dialect) if last["event"] == "finished" else ():
                first = found.setdefault(each.kind, replace(each, count=0, file=source.name))
                found[each.kind] = replace(first, count=first.count + 1)
        return list(found.values())

    def _of_file(self, error: MalformedInput, source: Source) -> MalformedInput:
        """Return the error with the name of the file."""
        name = show(source.name.encode())
        reason = str(error) if name in str(error) else f"{name}: {error}"
        return MalformedInput(reason, report_of(error) or self._runs.report_of_header(None))


def _look_at(file: Opened, usage: Usage) -> _Known:
    """Read the header in the sample of a file. Raises MalformedInput."""
    dialect = usage.dialect
    if dialect is None:
        raise AttemptFailed("the dialect of a file is not known")
    whole = len(file.sample) < SAMPLE_SIZE
    sample = file.sample if whole else file.sample[: file.sample.rfind(b"\n")]
    problems: list[Problem] = []
    # The reader takes no more of them than the header needs.
    blocks = (sample[at : at + _BLOCK] for at in range(0, len(sample), _BLOCK))
    reader = RecordReader(to_utf8(blocks, dialect.encoding), dialect, problems.append)
    try:
        found = next(iter(reader), None)
    except MalformedInput:
        if whole:
            raise
        found = None
    if found is not None:
        return _Known(dialect, [name.decode() for name in reader.header], found[0])
    if whole:
        raise MalformedInput(str(problems[0]) if problems else EMPTY_FILE)
    return _Known(dialect, None)


def _check(event: Message) -> None:
    """Raise MalformedInput if a file as a whole is bad."""
    if event["event"] == "malformed":
        raise MalformedInput(event["reason"])


def _remove(states: Sequence[_State]) -> None:
    for state in states:
        state.path.unlink()
