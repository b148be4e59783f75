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

from processor.engines.feeds import Drain, FileFeed, PipeFeed
from processor.engines.ledger import Ledger
from processor.engines.plan import Counts, Header, Inconclusive
from processor.engines.records import BOM, leading_record
from shared.errors import AttemptFailed, MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from processor.engines.ledger import Census
    from processor.engines.result_file import ResultFile
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
    write_header: Callable[[], ResultFile],
    resources: Resources,
    watch: Callable[[Callable[[], int]], None] = lambda _done: None,
) -> Counts:
    """Aggregate the file or pipe that is open at `descriptor`, at its beginning.

    It must have `size` bytes. Spills to the current folder, which must be empty. `write_header`
    begins the result. `watch` is given a function that tells the bytes done so far, which may be
    called from another thread. Raises Inconclusive, and AttemptFailed for a full disk or a source
    that breaks off.
    """
    with os.fdopen(os.dup(descriptor), "rb", buffering=0) as file:
        beginning = _read_beginning(file)
        header = read_header(beginning, aggregation)
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        with (
            FileFeed(file, header) if regular else PipeFeed(file, header, beginning) as feed,
            Drain() as drain,
            _connection(resources, feed.path, drain.path) as db,
        ):
            watch(lambda: feed.done(db.query_progress()))
            try:
                db.execute(_grouping(aggregation, header, feed, resources.csv_buffer))
                census = feed.census()
                if header.end + census.size != size:
                    given = header.end + census.size
                    raise AttemptFailed(f"the source ended after {given} of {size} bytes")
                counts = _checked(aggregation, header, census, db)
                drain.start_into(write_header())
                db.execute(_writing(aggregation, drain.path))
            except duckdb.Error as error:
                raise _translated(error) from error
            drain.finish()
    return counts


def _connection(resources: Resources, *paths: str) -> duckdb.DuckDBPyConnection:
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
    db.execute(f"SET allowed_paths = {[*paths]}")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _read_beginning(file: FileIO) -> bytes:
    """Enough of the file to find the header: a pipe gives less than was asked for."""
    parts: list[bytes] = []
    size = 0
    while size < HEADER_LIMIT and (block := file.read(HEADER_LIMIT - size)):
        parts.append(block)
        size += len(block)
    return b"".join(parts)


def read_header(beginning: bytes, aggregation: Aggregation) -> Header:
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
    if len(fields) < aggregation.width or line.count(b"\n") != 1:
        raise Inconclusive("an unusual header")
    return Header(len(fields), skipped + length, b"\r\n" if line.endswith(b"\r\n") else b"\n")


def _grouping(
    aggregation: Aggregation, header: Header, feed: FileFeed | PipeFeed, csv_buffer: int | None
) -> str:
    """The statement that parses, checks each number, and groups, into the table `groups`.

    DuckDB's cast from text to an integer takes '1.5', '1e3', ' 5 ' and '0x10' for integers, so
    a number must come out of it as it went in, or else be digits after an optional sign.
    """
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(header.columns))
    names = ", ".join(f"'c{i}'" for i in range(header.columns))
    buffer = f", buffer_size={csv_buffer:d}" if csv_buffer else ""
    keys = [f"c{i}" for i in dict.fromkeys(aggregation.group_by)]
    number = f"c{aggregation.sum_of}"
    # Group columns are measured once a group; the others here, where they are seen.
    others = [f"c{i}" for i in range(header.columns) if i not in aggregation.group_by]
    text = " + ".join(
        f"strlen({c})" if c == number else f"strlen(replace({c}, '\"', ''))" for c in others
    )
    return f"""
        CREATE TEMP TABLE groups AS
        SELECT {", ".join(keys)},
            sum(number) AS total, count(*) AS rows, sum(other_text) AS other_text
        FROM (
            SELECT *, {number}::BIGINT AS number, {text or "0"} AS other_text
            FROM read_csv(
                '{feed.path}', auto_detect=false, header={feed.with_header},
                columns={{{columns}}}, force_not_null=[{names}], delim=',', quote='"', escape='"',
                comment='', strict_mode=true, null_padding=false, ignore_errors=false,
                compression='none', encoding='utf-8'{buffer}
            )
        )
        WHERE number::VARCHAR = {number}
            OR regexp_full_match({number}, '[+-]?[0-9]+')
            OR error('not an integer')
        GROUP BY ALL
    """  # noqa: S608


def _checked(
    aggregation: Aggregation, header: Header, census: Census, db: duckdb.DuckDBPyConnection
) -> Counts:
    keys = [f"c{i}" for i in dict.fromkeys(aggregation.group_by)]
    key_text = " + ".join(f"strlen(replace({key}, '\"', ''))" for key in keys)
    found = db.execute(f"""
        SELECT count(*), coalesce(sum(rows), 0),
            coalesce(sum(rows * ({key_text})) + sum(other_text), 0)
        FROM groups
    """).fetchone()  # noqa: S608
    assert found is not None  # noqa: S101
    groups, rows, text = (int(value) for value in found)
    ledger = Ledger(rows=rows, columns=header.columns, text=text)
    if not ledger.balances(census, header.ending):
        raise Inconclusive(f"{ledger} does not account for {census}")
    return Counts(rows_in=rows, rows_out=groups)


def _writing(aggregation: Aggregation, path: str) -> str:
    """The statement that writes the rows, sorted, to the pipe at `path`.

    DuckDB would quote more fields than need it, so lines are made here, and written as they are
    because no quote character is set.
    """
    keys = [f"c{i}" for i in aggregation.group_by]
    line = " || ',' || ".join(
        f"""CASE WHEN regexp_matches({key}, '[,"\\r\\n]')
            THEN '"' || replace({key}, '"', '""') || '"' ELSE {key} END"""
        for key in keys
    )
    return f"""
        COPY (SELECT {line} || ',' || total FROM groups ORDER BY {", ".join(keys)})
        TO '{path}'
        (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', USE_TMP_FILE false)
    """  # noqa: S608


def _translated(error: duckdb.Error) -> Exception:
    """DuckDB's error as ours: the exact plan decides about all but a full disk."""
    text = str(error)
    if isinstance(error, duckdb.IOException) and "No space left" in text:
        return AttemptFailed(f"the disk is full: {text}")
    return Inconclusive(f"{type(error).__name__}: {text}")
