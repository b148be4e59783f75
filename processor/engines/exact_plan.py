"""The exact plan: Python integers and sorted runs on disk. Slower, and right for every file.

It decides what the fast plan leaves open: whether a file is malformed, and where; numbers beyond
64 bits; every liberty that RFC 4180 allows. Groups that do not fit in memory are written to disk
as sorted runs, which are merged at the end.
"""

from __future__ import annotations

import heapq
import marshal
import re
import sys
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, BinaryIO

from processor.engines.keys import join_key, split_key
from processor.engines.plan import Counts
from processor.engines.records import RecordReader, show
from processor.engines.result_file import encode_row
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from processor.engines.result_file import ResultFile
    from shared.jobs import Aggregation

    Group = tuple[bytes, int]

MAX_RUNS = 64
"""Runs on disk at a time; that many are merged into one."""

_BATCH = 4096
_PLAIN_DIGITS = 18
"""Numbers up to this many digits cost what `_GROUP_COST` says."""
_GROUP_COST = 240
"""Bytes of memory for a group besides its text: entries of dictionary and list, object heads."""

_is_integer = re.compile(rb"[+-]?[0-9]+").fullmatch


def run(
    aggregation: Aggregation,
    blocks: Iterable[bytes],
    write_header: Callable[[], ResultFile],
    scratch: Path,
    memory: int,
) -> Counts:
    """Aggregate the file that `blocks` make up into the result that `write_header` begins.

    `memory` is in bytes, for the groups; runs are written to `scratch`. Raises MalformedInput.
    """
    # Python refuses to convert numbers of more than 4300 digits unless told otherwise.
    sys.set_int_max_str_digits(0)
    groups = _Groups(scratch, memory)
    rows_in = groups.add_all(aggregation, RecordReader(blocks))
    result = write_header()
    rows_out = 0
    merged = groups.sorted()
    while batch := list(islice(merged, _BATCH)):
        rows_out += len(batch)
        rows = [encode_row([*split_key(key), b"%d" % total]) for key, total in batch]
        result.write(b"".join(rows))
    return Counts(rows_in=rows_in, rows_out=rows_out)


class _Groups:
    """Totals for each group, in memory as far as they fit."""

    def __init__(self, scratch: Path, memory: int) -> None:
        self._scratch = scratch
        self._memory = memory
        self._totals: dict[bytes, int] = {}
        self._runs: list[Path] = []
        self._written = 0

    def add_all(self, aggregation: Aggregation, reader: RecordReader) -> int:
        """Add every record after the header; return how many."""
        records = iter(reader)
        width = _read_header(aggregation, reader, records)
        group_by, sum_of = aggregation.group_by, aggregation.sum_of
        totals = self._totals
        rows = used = 0
        for line, fields in records:
            if len(fields) != width:
                raise _ragged(reader, line, fields, width)
            text = fields[sum_of]
            if not text.isdigit() and not _is_integer(text):
                raise reader.malformed(line, sum_of + 1, show(text), "an integer, such as 42 or -7")
            key = join_key([fields[column] for column in group_by])
            if len(text) > _PLAIN_DIGITS:
                used += len(text)
            if key in totals:
                totals[key] += int(text)
            else:
                totals[key] = int(text)
                used += _GROUP_COST + len(key)
            rows += 1
            if used > self._memory:
                self._spill()
                used = 0
        return rows

    def sorted(self) -> Iterator[Group]:
        """Every group once, in order of its key."""
        in_memory = self._sorted_in_memory()
        if not self._runs:
            return in_memory
        return _merged([*map(_read_run, self._runs), in_memory])

    def _sorted_in_memory(self) -> Iterator[Group]:
        totals = self._totals
        return ((key, totals[key]) for key in sorted(totals))

    def _spill(self) -> None:
        self._runs.append(self._write_run(self._sorted_in_memory()))
        self._totals.clear()
        if len(self._runs) == MAX_RUNS:
            merged = self._write_run(_merged([*map(_read_run, self._runs)]))
            for path in self._runs:
                path.unlink()
            self._runs = [merged]

    def _write_run(self, groups: Iterable[Group]) -> Path:
        path = self._scratch / f"run-{self._written}"
        self._written += 1
        groups = iter(groups)
        with path.open("wb") as file:
            while batch := list(islice(groups, _BATCH)):
                marshal.dump(batch, file)
        return path


def _read_header(
    aggregation: Aggregation, reader: RecordReader, records: Iterator[tuple[int, list[bytes]]]
) -> int:
    """How many columns the file has."""
    line, header = next(records, (1, None))
    if header is None:
        raise MalformedInput("the file is empty: expected a header line, then one line a record")
    if len(header) < aggregation.width:
        raise reader.malformed(
            line,
            None,
            f"a header of {_count(len(header))}: {show(b','.join(header))}",
            f"at least {_count(aggregation.width)}",
        )
    return len(header)


def _ragged(reader: RecordReader, line: int, fields: list[bytes], width: int) -> MalformedInput:
    missing = len(fields) < width
    return reader.malformed(
        line,
        len(fields) + 1 if missing else width + 1,
        f"{_count(len(fields))}: {show(b','.join(fields))}",
        f"{_count(width)} as in the header",
    )


def _count(columns: int) -> str:
    return f"{columns} column{'s' if columns != 1 else ''}"


def _merged(runs: list[Iterator[Group]]) -> Iterator[Group]:
    for key, same in groupby(heapq.merge(*runs), key=itemgetter(0)):
        yield key, sum(total for _, total in same)


def _read_run(path: Path) -> Iterator[Group]:
    with path.open("rb") as file:
        yield from chain.from_iterable(_read_batches(file))


def _read_batches(file: BinaryIO) -> Iterator[list[Group]]:
    while True:
        try:
            # Our own file, written by this very process.
            yield marshal.load(file)  # noqa: S302
        except EOFError:
            return
