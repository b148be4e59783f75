"""Reads the rows of a result from its bytes, as they arrive."""

from __future__ import annotations

import csv
import json
import sys
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING

from shared.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shared.aggregation.formats import PreviewSource

    Row = list[str | None]
    """The cells of a row. In CSV, one without a value is empty."""
    Reader = Callable[..., tuple[list[str], Iterator[Row]]]

# A setting of the whole process. By default, fields of more than 128 KiB are refused.
csv.field_size_limit(sys.maxsize)


def _csv(blocks: Iterable[bytes], *, ended: bool) -> tuple[list[str], Iterator[Row]]:
    records = _records(blocks, ended=ended)
    header = next(records, [])
    return [cell or "" for cell in header], records


def _records(blocks: Iterable[bytes], *, ended: bool) -> Iterator[Row]:
    """Yield the complete records.

    `shared.csv.records` reads them too, and finds out what is wrong with any file; but what csvmill
    wrote needs no such care, and a result with quotes is read several times as fast so.
    """
    try:
        yield from filter(None, csv.reader(_lines(blocks, ended=ended), strict=True))
    except csv.Error as error:
        if ended:
            raise MalformedInput(f"its CSV is malformed: {error}") from error
        # The rest of this record is beyond the bytes.


class _Digits(str):
    """A number with its original digits."""

    __slots__ = ()


def _jsonl(blocks: Iterable[bytes], *, ended: bool) -> tuple[list[str], Iterator[Row]]:
    objects = _objects(blocks, ended=ended)
    first = next(objects, None)
    if first is None:
        return [], iter(())
    return list(first), (list(each.values()) for each in chain((first,), objects))


def _objects(blocks: Iterable[bytes], *, ended: bool) -> Iterator[dict[str, str | None]]:
    try:
        for line in _lines(blocks, ended=ended):
            yield json.loads(line, parse_int=_Digits, parse_float=_Digits)
    except json.JSONDecodeError as error:
        raise MalformedInput(f"its JSON is malformed: {error}") from error


def _lines(blocks: Iterable[bytes], *, ended: bool) -> Iterator[str]:
    """Yield the lines with their LF; one without LF only if the result has `ended`."""
    return chain.from_iterable(
        StringIO(text, newline="\n") for text in _whole_lines(blocks, ended=ended)
    )


def _whole_lines(blocks: Iterable[bytes], *, ended: bool) -> Iterator[str]:
    """Yield the text in parts that end with a line."""
    begun: list[bytes] = []
    for block in blocks:
        whole = block.rfind(b"\n") + 1
        if whole:
            yield b"".join((*begun, block[:whole])).decode()
            begun = []
        begun.append(block[whole:])
    if ended:
        yield b"".join(begun).decode()


READERS: Mapping[PreviewSource, Reader] = {"csv": _csv, "jsonl": _jsonl, "stored": _csv}
"""For each source: what takes blocks of bytes, and whether the result ends with them, and returns
the names in the result (none without rows of JSON lines) and its rows. The rows raise
MalformedInput if the result is damaged."""
