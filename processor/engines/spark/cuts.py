"""Where a file is cut into ranges: at places that look like the start of a record.

A line end may be within quotes. So of the lines after a place, the first is chosen from which
records with the right number of fields follow. This is a guess; the kernel checks it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.csv.encoding import to_utf8
from shared.csv.grammar import grammar_of
from shared.csv.records import RecordReader
from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processor.engines.places import Place
    from shared.csv.dialect import Dialect
    from shared.csv.problems import Problem

WINDOW = 128 << 10
"""Bytes that are looked at to find the start of a record."""
LOOKS = 16
"""Windows that are looked at at a time: there may be thousands, and storage takes time for each."""
_LINES = 64
"""Lines of which one may be such a start."""
_RECORDS = 20
"""Records that show it."""


def cuts_of(
    place: Place, begin: int, size: int, part: int, dialect: Dialect, width: int
) -> list[int]:
    """Return the ends of ranges of about `part` bytes from `begin` to `size`, which is the last.

    The file has `size` bytes, and records of `width` fields. Raises OSError.
    """

    def look(near: int) -> int | None:
        with place.open(near) as file:
            window = file.read(min(WINDOW, size - near))
        start = record_start(window, dialect, width)
        return None if start is None or near + start >= size else near + start

    nears = range(begin + part, size - part // 2, part)
    cuts: list[int] = []
    with ThreadPoolExecutor(LOOKS) as threads:
        # In turns, so that few others are looked at after an error.
        for first in range(0, len(nears), LOOKS):
            found = threads.map(look, nears[first : first + LOOKS])
            cuts += [cut for cut in found if cut is not None]
    return [*cuts, size]


def record_start(window: bytes, dialect: Dialect, width: int) -> int | None:
    """Return where in some bytes of a file a record seems to begin; None if no line does.

    It is after the first line end, at the earliest.
    """
    starts = list(_starts(window, grammar_of(dialect).newline))
    if not starts:
        return None
    if not dialect.quote or dialect.quote.encode() not in window:
        return starts[0]
    best, most = starts[0], -1
    for start in starts:
        records, last = _records(window[start:], dialect, width)
        if records > most:
            best, most = start + last, records
        if records == _RECORDS:
            break
    return best


def _starts(window: bytes, newline: bytes) -> Iterator[int]:
    at = 0
    for _ in range(_LINES):
        at = window.find(newline, at) + len(newline)
        if at < len(newline) or at >= len(window):
            return
        yield at


def _records(data: bytes, dialect: Dialect, width: int) -> tuple[int, int]:
    """Return how many records with the right number of fields follow, at most `_RECORDS`.

    And where the last of them begins. The first may be a part of one: a line within quotes can look
    like a record. Those after it seldom do.
    """
    problems: list[Problem] = []
    of_records = replace(
        dialect,
        header=True,
        skip_lines=0,
        header_line=None,
        header_starts_with="",
        sep_line=False,
        skip_footer=0,
    )
    count, last = 0, 1
    reader = RecordReader(to_utf8([data], dialect.encoding), of_records, problems.append)
    with suppress(MalformedInput):
        for line, fields in reader:
            if problems or not width <= len(fields) <= width + dialect.trailing_delimiters:
                break
            count, last = count + 1, line
            if count == _RECORDS:
                break
    newline = grammar_of(dialect).newline
    return count, sum(len(line) + 1 for line in data.split(newline, last - 1)[: last - 1])
