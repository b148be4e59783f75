"""The fast plan: DuckDB parses and aggregates on all threads, and a ledger proves it right.

Any doubt raises Inconclusive: an error of DuckDB's, a number that is not plainly an integer of 64
bits, a ledger that does not balance. Nothing that comes from outside becomes part of a statement.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from processor.engines import statements
from processor.engines.feeds import Drain, FileFeed, PipeFeed
from processor.engines.ledger import Ledger
from processor.engines.plan import Counts, Header, Inconclusive
from shared.aggregation.resolve import resolve
from shared.csv.records import BOM, leading_record
from shared.errors import AttemptFailed, InvalidInput, MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from processor.engines.result_file import ResultFile
    from shared.aggregation.resolve import Query
    from shared.jobs import Aggregation

SPILL_FOLDER = "spill"

HEADER_LIMIT = 1 << 20
"""Bytes within which the fast plan expects the header to end."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What the plan may use."""

    memory: int
    """Bytes that DuckDB may allocate before it spills."""
    threads: int
    csv_buffer: int | None = None
    """Bytes of a buffer of DuckDB's CSV reader; None is its default."""


def run(
    aggregation: Aggregation,
    descriptor: int,
    size: int,
    begin: Callable[[Query], ResultFile],
    resources: Resources,
    watch: Callable[[Callable[[], int]], None] = lambda _done: None,
) -> Counts:
    """Aggregate the file or pipe that is open at `descriptor`, at its beginning.

    It must have `size` bytes. Spills to the current folder, which must be empty. `begin`
    begins the result. `watch` is given a function that tells the bytes done so far, which may be
    called from another thread. Raises Inconclusive, and AttemptFailed for a full disk or a source
    that breaks off.
    """
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        beginning = _read_beginning(file)
        header = read_header(beginning)
        query = _resolved(aggregation, header)
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        with (
            FileFeed(file, header) if regular else PipeFeed(file, header, beginning) as feed,
            Drain() as drain,
            _connection(resources, feed.path, drain.path) as db,
        ):
            watch(lambda: feed.done(_percentage(db)))
            try:
                db.execute(
                    *statements.grouping(
                        query,
                        header,
                        feed.path,
                        with_header=feed.with_header,
                        csv_buffer=resources.csv_buffer,
                    )
                )
                watch(lambda: size)
                if header.end + feed.size() != size:
                    given = header.end + feed.size()
                    raise AttemptFailed(f"the source ended after {given} of {size} bytes")
                groups, rows, ledger = _accounts(query, header, db)
                if not feed.confirms(ledger):
                    raise Inconclusive(f"{ledger} does not account for the file")
                drain.start_into(begin(query))
                db.execute(statements.writing(query, drain.path))
            except duckdb.Error as error:
                raise _translated(error) from error
            drain.finish()
    limit = aggregation.limit
    return Counts(rows_in=rows, rows_out=groups if limit is None else min(groups, limit))


def _connection(resources: Resources, reading: str, writing: str) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(
        config={
            "threads": resources.threads,
            "memory_limit": f"{resources.memory}B",
            "temp_directory": SPILL_FOLDER,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    # The progress bar is what measures progress; it is never shown.
    db.execute("SET enable_progress_bar = true")
    db.execute("SET enable_progress_bar_print = false")
    # Of the outside world DuckDB sees its input, its output, and what it spills.
    db.execute(f"SET allowed_paths = ['{reading}', '{writing}']")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _percentage(db: duckdb.DuckDBPyConnection) -> float:
    """How much of the running statement is done, as DuckDB estimates it; 100 once it is closed."""
    try:
        return db.query_progress()
    except duckdb.ConnectionException:
        return 100.0


def _read_beginning(file: FileIO) -> bytes:
    """Enough of the file to find the header: a pipe gives less than was asked for."""
    parts: list[bytes] = []
    size = 0
    while size < HEADER_LIMIT and (block := file.read(HEADER_LIMIT - size)):
        parts.append(block)
        size += len(block)
    return b"".join(parts)


def read_header(beginning: bytes) -> Header:
    """Find where the data begins. Raises Inconclusive unless the first line is a whole header."""
    skipped = len(BOM) if beginning.startswith(BOM) else 0
    try:
        record = leading_record(beginning[skipped:])
    except MalformedInput as error:
        raise Inconclusive(str(error)) from error
    if record is None:
        raise Inconclusive("the first line is no header")
    fields, length = record
    line = beginning[skipped : skipped + length]
    if line.count(b"\n") != 1:
        raise Inconclusive("an unusual header")
    return Header(
        fields=tuple(fields),
        end=skipped + length,
        ending=b"\r\n" if line.endswith(b"\r\n") else b"\n",
        quoted=b'"' in line,
    )


def _resolved(aggregation: Aggregation, header: Header) -> Query:
    try:
        return resolve(aggregation, [name.decode() for name in header.fields])
    except InvalidInput as error:
        raise Inconclusive(str(error)) from error


def _accounts(
    query: Query, header: Header, db: duckdb.DuckDBPyConnection
) -> tuple[int, int, Ledger]:
    """The number of groups and of rows in them, and what all rows add up to."""
    found = db.execute(statements.accounting(query)).fetchone()
    assert found is not None  # noqa: S101
    groups, counted, rows, *entries = (int(value) for value in found)
    return groups, counted, Ledger(rows, header.columns, *entries)


def _translated(error: duckdb.Error) -> Exception:
    """DuckDB's error as ours: the exact plan decides about all but a full disk."""
    text = str(error)
    if isinstance(error, duckdb.IOException) and "No space left" in text:
        return AttemptFailed(f"the disk is full: {text}")
    return Inconclusive(f"{type(error).__name__}: {text}")
