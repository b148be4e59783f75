"""Aggregates one file: the kernel reads it in one pass, and writes the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processor.engines.aggregated import Aggregated
from processor.engines.messages import Constant, encode_task
from processor.engines.opening import opened
from processor.engines.query_message import encode_query
from shared.aggregation.spec import FILE_COLUMN
from shared.jobs.warnings import Finding, of_dialect

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.kernel_run import KernelRuns
    from processor.engines.messages import Message
    from processor.engines.opening import Opened
    from processor.engines.port import Source
    from shared.aggregation.resolve import Query
    from shared.jobs.job import Aggregation


async def aggregate_one(
    aggregation: Aggregation, source: Source, folder: Path, runs: KernelRuns
) -> Aggregated:
    """Aggregate a file in the private folder. Raises MalformedInput and AttemptFailed."""
    usage = runs.usage
    async with opened(aggregation, source, folder, runs.limits, usage) as file:
        one = _OneInput(aggregation, source, file, runs)
        assert usage.dialect is not None  # noqa: S101
        task = encode_task(
            file.path,
            None if file.path is None else source.size,
            usage.dialect,
            runs.limits,
            runs.knobs,
            memory=runs.limits.memory - file.memory,
            skip=aggregation.input.on_bad_row == "skip",
        )
        last = await runs.run(task, folder, one.query_of, file)
    of_file = of_dialect(usage.dialect) if last["event"] == "finished" else []
    return Aggregated(
        last,
        one.query,
        one.names,
        [*(Finding(**finding) for finding in last["warnings"]), *of_file],
        usage.dialect,
    )


class _OneInput:
    """Answers the header of the file."""

    def __init__(
        self, aggregation: Aggregation, source: Source, file: Opened, runs: KernelRuns
    ) -> None:
        self._aggregation = aggregation
        self._source = source
        self._file = file
        self._runs = runs
        self.query: Query | None = None
        """Known once the kernel has read the header."""
        self.names: list[str] = []
        """The names of the columns, known then too."""

    def query_of(self, header: Message) -> bytes:
        query = self._runs.resolved(self._aggregation, header, self._file)
        self.query, self.names = query, header["fields"]
        if not self._aggregation.reads_file_name:
            return encode_query(query)
        self.names = [*self.names, FILE_COLUMN]
        return encode_query(query, [Constant(FILE_COLUMN, self._source.name)])
