"""The fast plan: DuckDB parses and aggregates on all threads, and a ledger proves the result.

Raises Inconclusive for any doubt: an error of DuckDB, a number that is not an integer of 64 bits, a
ledger that does not balance. Nothing from outside becomes part of an SQL statement.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from processor.engines import parquet_file, statements
from processor.engines.ledger import Ledger
from processor.engines.plan import Header, Inconclusive, ProgressProbe
from processor.engines.protocol import RESULT_NAME
from processor.engines.provable import why_not_fast_for
from processor.engines.pumps import FileInput, InputPump, OutputPump, SourceBlocks
from processor.engines.result_file import ResultFile
from processor.engines.scratch_limit import OutOfScratch, limit_spilling, spilled_too_much
from shared.aggregation.formats import FORMATS
from shared.aggregation.resolve import resolve
from shared.csv.dialect import STRICT
from shared.csv.grammar import CRLF
from shared.csv.records import BOM, leading_record
from shared.errors import AttemptFailed, InvalidInput, MalformedInput
from shared.inspection.open_text import open_text, peek
from shared.jobs.report import Report, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processor.engines.result_file import Result
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.jobs.job import Aggregation

SPILL_FOLDER = "spill"

MAX_COLUMNS = 250
"""For more columns, DuckDB is slower than the exact plan, and exceeds its memory limit."""

QUOTED = 500
"""The maximum length of an error message of DuckDB, in characters."""

HEADER_LIMIT = 1 << 20
"""The maximum size of a header for the fast plan, in bytes."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The limits of the plan."""

    memory: int
    """Bytes that DuckDB may allocate before it spills."""
    scratch: int
    """Bytes that DuckDB may spill."""
    threads: int
    csv_buffer: int | None = None
    """Bytes of a buffer of DuckDB's CSV reader; None is its default."""
    max_decompressed: int | None = None
    """The maximum size of the file in bytes after decompression; None is no limit."""


def run(
    aggregation: Aggregation,
    descriptor: int,
    size: int,
    begin: Callable[[Query], Result],
    resources: Resources,
    probe: ProgressProbe | None = None,
) -> Report:
    """Aggregate the file or pipe that is open at `descriptor`, from its start.

    It must have `size` bytes. Spills to the current folder, which must be empty. `begin` creates
    the result. `probe` gets dialect, bytes and rows, which are estimated until they are known.
    Returns a report with the rows. Raises Inconclusive; raises AttemptFailed for a full disk, at
    the limit of the disk, and for a source that ends early.
    """
    probe = probe or ProgressProbe()
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        source = SourceBlocks(file, size)
        decompressed: list[int] = []
        dialect, start, text = _open_text(source, aggregation, resources, decompressed.append)
        probe.dialect = dialect
        header = read_header(start, dialect)
        length = record_length(start[header.end :], dialect)
        query = _resolved(aggregation, header)
        in_place = (
            stat.S_ISREG(os.fstat(descriptor).st_mode)
            and dialect.compression == "none"
            and dialect.encoding == "utf-8"
        )
        with (
            FileInput(file, header)
            if in_place
            else InputPump(source, text, header) as source_input,
            OutputPump() as output,
            _connection(query, resources, source_input.path, output.path) as db,
        ):
            probe.done = lambda: source_input.done(_percentage(db))
            probe.rows = lambda: (int(source_input.passed(_percentage(db)) / length), True)
            try:
                db.execute(
                    *statements.grouping(
                        query,
                        header,
                        source_input.path,
                        with_header=source_input.with_header,
                        csv_buffer=resources.csv_buffer,
                    )
                )
                probe.done = lambda: size
                data_size = source_input.size()
                probe.rows = lambda: (int(data_size / length), True)
                if in_place and header.end + data_size != size:
                    read = header.end + data_size
                    raise AttemptFailed(f"the source ended after {read} of {size} bytes")
                groups, rows, ledger = _read_ledger(query, header, db)
                probe.rows = lambda: (ledger.rows, False)
                if not source_input.confirms(ledger):
                    raise Inconclusive(f"{ledger} does not account for the file")
                result = begin(query)
                if isinstance(result, ResultFile):
                    output.start_into(result)
                    db.execute(statements.writing(query, output.path))
                else:
                    result.write_from(db, statements.cells(query))
            except MalformedInput as error:
                raise Inconclusive(str(error)) from error
            except duckdb.Error as error:
                # If a pump failed, its error caused the error of DuckDB.
                raise _translated(source_input.error or output.error or error, resources) from error
            if isinstance(result, ResultFile):
                output.finish()
    limit = aggregation.limit
    return Report(
        rows=Rows(aggregated=rows, filtered=ledger.rows - rows),
        groups=groups if limit is None else min(groups, limit),
        dialect=dialect,
        bytes_decompressed=size if in_place else sum(decompressed),
    )


def _connection(
    query: Query, resources: Resources, reading: str, writing: str
) -> duckdb.DuckDBPyConnection:
    parquet = FORMATS[query.aggregation.output].rows == "parquet"
    db = duckdb.connect(
        config={
            **(parquet_file.SETTINGS if parquet else {}),
            "threads": resources.threads,
            "memory_limit": f"{resources.memory}B",
            "temp_directory": SPILL_FOLDER,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    limit_spilling(db, resources.scratch)
    # DuckDB measures progress only with the progress bar, which is not printed.
    db.execute("SET enable_progress_bar = true")
    db.execute("SET enable_progress_bar_print = false")
    # DuckDB may open only its input, its output and its spill folder.
    db.execute(f"SET allowed_paths = ['{reading}', '{writing}', '{RESULT_NAME}']")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _percentage(db: duckdb.DuckDBPyConnection) -> float:
    """Return the progress of the running statement in percent; 100 after `db` is closed."""
    try:
        return db.query_progress()
    except duckdb.ConnectionException:
        return 100.0


def _open_text(
    source: SourceBlocks,
    aggregation: Aggregation,
    resources: Resources,
    on_decompressed: Callable[[int], object],
) -> tuple[Dialect, bytes, Iterator[bytes]]:
    """Return the dialect, the first bytes of the text, and the whole text. Raises Inconclusive."""
    try:
        dialect, text = open_text(
            source,
            aggregation.known_input,
            resources.max_decompressed,
            on_decompressed,
            strict=aggregation.is_default,
        )
        reason = why_not_fast_for(dialect)
        if reason:
            raise Inconclusive(reason)
        return dialect, *peek(text, HEADER_LIMIT)
    except MalformedInput as error:
        raise Inconclusive(str(error)) from error


def read_header(start: bytes, dialect: Dialect = STRICT) -> Header:
    """Read the header. Raises Inconclusive unless the first line is one complete record."""
    skipped = len(BOM) if start.startswith(BOM) else 0
    if dialect.sep_line:
        skipped = start.find(b"\n", skipped) + 1
    try:
        record = leading_record(start[skipped:], dialect)
    except MalformedInput as error:
        raise Inconclusive(str(error)) from error
    if record is None:
        raise Inconclusive("the first line is not a record")
    fields, length = record
    if len(fields) > MAX_COLUMNS:
        raise Inconclusive(f"more than {MAX_COLUMNS} columns")
    line = start[skipped : skipped + length]
    if line.count(b"\n") != 1:
        raise Inconclusive("the header spans several lines")
    if not dialect.header:
        fields = [b"column%d" % number for number in range(1, len(fields) + 1)]
    return Header(
        fields=tuple(fields),
        end=skipped + (length if dialect.header else 0),
        ending=CRLF if line.endswith(CRLF) else b"\n",
        dialect=dialect,
    )


def record_length(data: bytes, dialect: Dialect) -> float:
    """Return the mean size of the first records in bytes."""
    outside = data.split(b'"')[::2] if dialect.quote else [data]
    return max(len(data), 1) / max(sum(part.count(b"\n") for part in outside), 1)


def _resolved(aggregation: Aggregation, header: Header) -> Query:
    try:
        return resolve(aggregation, [name.decode() for name in header.fields])
    except InvalidInput as error:
        raise Inconclusive(str(error)) from error


def _read_ledger(
    query: Query, header: Header, db: duckdb.DuckDBPyConnection
) -> tuple[int, int, Ledger]:
    """Return the number of groups, the number of rows in them, and the ledger of all rows."""
    found = db.execute(statements.accounting(query, header)).fetchone()
    assert found is not None  # noqa: S101
    groups, counted, rows, *entries = (int(value) for value in found)
    return groups, counted, Ledger(rows, header.columns, *entries)


def _translated(error: BaseException, resources: Resources) -> BaseException:
    """Return the error to raise for an error of DuckDB: Inconclusive, unless the disk is full."""
    text = str(error)
    if not isinstance(error, duckdb.Error | MalformedInput):
        return error
    if isinstance(error, duckdb.Error) and spilled_too_much(error):
        return OutOfScratch(resources.scratch)
    if isinstance(error, duckdb.IOException) and "No space left" in text:
        return AttemptFailed(f"the disk is full: {text}")
    # DuckDB quotes the line, which may be long.
    return Inconclusive(f"{type(error).__name__}: {text[:QUOTED]}")
