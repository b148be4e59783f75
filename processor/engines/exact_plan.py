"""The exact plan: Python numbers and sorted runs on disk. Slower, but correct for every file.

It runs when the fast plan is inconclusive: for malformed files, numbers beyond 64 bits, unusual
dialects, and aggregations that the fast plan cannot prove.
"""

from __future__ import annotations

import decimal
import sys
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from processor.engines import plain_sum
from processor.engines.plan import ProgressProbe
from processor.engines.rejects import Problems, Table
from shared.aggregation.cells import EXACT
from shared.aggregation.resolve import resolve
from shared.csv.problems import EMPTY_FILE, MalformedRecord, columns, show
from shared.csv.records import RecordReader
from shared.errors import InvalidInput, MalformedInput
from shared.inspection.open_text import open_text
from shared.jobs.report import Report, Rows, report_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from processor.engines.result_file import Result
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.csv.records import Record
    from shared.jobs.job import Aggregation

    Aggregate = Callable[[Query, Table, Path, int], tuple[Rows, Iterator[list[bytes]]]]

_ROWS = 1024
"""The number of result rows written at a time."""


def run(
    aggregation: Aggregation,
    blocks: Iterable[bytes],
    begin: Callable[[Query], Result],
    scratch: Path,
    memory: int,
    problems: Problems | None = None,
    probe: ProgressProbe | None = None,
    max_decompressed: int | None = None,
) -> Report:
    """Aggregate the file of `blocks` into the result that `begin` creates.

    `memory` is the limit for groups in bytes; runs are written to `scratch`. `problems` collects
    the bad records, and decides whether they are left out; if not, the file is still read to its
    end to count them. `probe` gets dialect and rows. `max_decompressed` limits the size of a
    decompressed file in bytes. Returns a report with rows, problems and dialect. Raises
    MalformedInput with such a report.
    """
    # By default Python refuses to convert numbers of more than 4300 digits.
    sys.set_int_max_str_digits(0)
    problems = problems or Problems()
    decompressed: list[int] = []
    dialect, text = open_text(
        blocks,
        aggregation.known_input,
        max_decompressed,
        decompressed.append,
        strict=aggregation.is_default,
    )
    reader = RecordReader(text, dialect, problems.take)
    probe = probe or ProgressProbe()
    probe.dialect = dialect
    probe.rows = lambda: (max(reader.records - dialect.header, 0), False)
    try:
        found = _aggregated(aggregation, reader, problems, begin, scratch, memory)
    except MalformedInput as error:
        report = report_of(error)
        if report is None:
            if isinstance(error, MalformedRecord):
                problems.take(error.problem)
            report = problems.report(Rows())
        error.report = _with_file(report, dialect, reader, sum(decompressed))
        raise
    return _with_file(found, dialect, reader, sum(decompressed))


def _with_file(report: Report, dialect: Dialect, reader: RecordReader, size: int) -> Report:
    """Return the report with the properties of the file, of `size` bytes decompressed."""
    return replace(
        report,
        dialect=dialect,
        bytes_decompressed=size,
        rows_of_several_lines=reader.of_several_lines,
        most_lines=reader.most_lines,
    )


def _aggregated(
    aggregation: Aggregation,
    reader: RecordReader,
    problems: Problems,
    begin: Callable[[Query], Result],
    scratch: Path,
    memory: int,
) -> Report:
    records = iter(reader)
    query, width = _read_header(aggregation, reader, records, problems)
    table = Table(reader, records, width, problems.fatal)
    with decimal.localcontext(EXACT):
        read, rows = _aggregator(query)(query, table, scratch, memory)
        read = replace(read, rejected=problems.count)
        problems.check(read)
        return replace(problems.report(read), groups=_write(rows, begin(query)))


def _aggregator(query: Query) -> Aggregate:
    if plain_sum.supports(query):
        return plain_sum.aggregate
    # Imported only when needed: most jobs end in less time than the import takes.
    from processor.engines import general

    return general.aggregate


def _write(rows: Iterator[list[bytes]], result: Result) -> int:
    """Write all rows, and return their number."""
    written = 0
    while batch := list(islice(rows, _ROWS)):
        result.write_rows(batch)
        written += len(batch)
    return written


def _read_header(
    aggregation: Aggregation,
    reader: RecordReader,
    records: Iterator[Record],
    problems: Problems,
) -> tuple[Query, int]:
    """Return the query for this file, and the number of columns of the file."""
    line, header = next(records, (1, None))
    if header is None:
        # Without a header, all records may have been bad.
        problems.check(Rows(rejected=problems.count))
        raise MalformedInput(EMPTY_FILE)
    if len(header) < aggregation.width:
        raise reader.malformed(
            line,
            None,
            f"a header of {columns(len(header))}: {show(b','.join(header))}",
            f"at least {columns(aggregation.width)}",
        )
    try:
        return resolve(aggregation, [name.decode() for name in header]), len(header)
    except InvalidInput as error:
        raise MalformedInput(f"the aggregation does not fit the file: {error}") from error
