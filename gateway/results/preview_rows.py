"""Reads the first rows of a result from its first bytes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from shared.aggregation.formats import FORMATS
from shared.aggregation.kinds import NUMERIC
from shared.csv.compression import decompress
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.jobs.preview import LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shared.aggregation.formats import PreviewSource
    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Aggregation
    from shared.csv.dialect import Compression

    Row = list[str | None]

SAFE_DIGITS = 15
"""Digits of a number that every JSON parser keeps: those of an IEEE 754 double (RFC 8259, 6)."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
"""A number as results contain it (RFC 8259, 6)."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The columns and the first rows of a result. A cell without a value is None."""

    columns: tuple[tuple[str, Kind], ...]
    rows: tuple[Row, ...]
    truncated: bool
    """Whether the result has more rows."""

    def as_json(self) -> str:
        """Return the JSON of a `PreviewView`.

        A number keeps its digits, and is a string if it has more than `SAFE_DIGITS`.
        """
        columns = [{"name": name, "type": kind} for name, kind in self.columns]
        numeric = [kind in NUMERIC for _, kind in self.columns]
        rows = ", ".join("[" + ", ".join(map(_cell, row, numeric)) + "]" for row in self.rows)
        return (
            f'{{"columns": {json.dumps(columns, ensure_ascii=False)}, "rows": [{rows}], '
            f'"truncated": {json.dumps(self.truncated)}}}'
        )


def preview_of(
    aggregation: Aggregation, data: bytes, *, whole: bool, rows: int, total_rows: int | None = None
) -> Preview:
    """Return the first `rows` rows of a result that starts with `data`.

    There are fewer rows if `LIMIT` bytes contain fewer. `whole`: `data` is the whole result, or its
    stored preview; then `total_rows` is the number of rows of the result.
    """
    output = FORMATS[aggregation.output]
    text, ended = _expanded(data, output.compression, whole=whole)
    read = _READERS[output.preview]
    kinds: list[Kind] = [
        "date" if group.truncate == "day" else "text" for group in aggregation.group_by
    ]
    kinds += [each.output_kind for each in aggregation.aggregates]
    names, found = read(text, ended=ended, groups=len(aggregation.group_by))
    dates = [i for i, kind in enumerate(kinds) if kind == "date"]
    kept = tuple(_without_empty(row, dates) for row in islice(found, rows))
    more = not ended or next(found, None) is not None
    if total_rows is not None:
        more = len(kept) < total_rows
    return Preview(
        tuple(zip(names or _names(aggregation), kinds, strict=True)), kept, truncated=more
    )


def _without_empty(row: Row, columns: list[int]) -> Row:
    """Replace empty text by None in date columns, where it is not a value."""
    for i in columns:
        row[i] = row[i] or None
    return row


def _expanded(data: bytes, compression: Compression, *, whole: bool) -> tuple[bytes, bool]:
    """Decompress `data` up to `LIMIT` bytes; return the text and whether it is the whole result."""
    if compression == "none":
        return data, whole
    held = bytearray()
    try:
        for block in decompress(iter((data,)), compression):
            held += block
            if len(held) > LIMIT:
                return bytes(held[:LIMIT]), False
    except MalformedInput:
        # The rest is beyond `data`.
        return bytes(held), False
    return bytes(held), whole


def _csv(text: bytes, *, ended: bool, groups: int) -> tuple[list[str], Iterator[Row]]:
    records = _records(text, ended=ended)
    header = next(records, [])

    def rows() -> Iterator[Row]:
        for fields in records:
            cells = [field.decode() for field in fields]
            yield [cell if cell or i < groups else None for i, cell in enumerate(cells)]

    return [name.decode() for name in header], rows()


def _records(text: bytes, *, ended: bool) -> Iterator[list[bytes]]:
    """Yield the complete records."""
    held: list[bytes] | None = None
    try:
        for _, fields in RecordReader((text,)):
            if held is not None:
                yield held
            held = fields
    except MalformedInput:
        # Results are well-formed, so the rest of this record is beyond `text`.
        return
    if held is not None and ended:
        yield held


class _Digits(str):
    """A number with its original digits."""

    __slots__ = ()


def _jsonl(text: bytes, *, ended: bool, groups: int) -> tuple[list[str], Iterator[Row]]:
    del groups
    lines = text.split(b"\n")
    if not ended:
        lines.pop()
    objects = (json.loads(line, parse_int=_Digits, parse_float=_Digits) for line in lines if line)
    first = next(objects, None)
    if first is None:
        return [], iter(())

    def rows() -> Iterator[Row]:
        yield list(first.values())
        for each in objects:
            yield list(each.values())

    return list(first), rows()


_READERS: Mapping[PreviewSource, Callable[..., tuple[list[str], Iterator[Row]]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "stored": _csv,
}


def _names(aggregation: Aggregation) -> list[str]:
    """Return the names of the output columns, as far as they are known without the header."""
    names = [
        group.name or (group.column if isinstance(group.column, str) else f"column{group.column}")
        for group in aggregation.group_by
    ]
    names += [
        aggregate.name
        or aggregate.default_name(
            lambda column: f"column{column}" if isinstance(column, int) else column
        )
        for aggregate in aggregation.aggregates
    ]
    return names


def _cell(value: str | None, numeric: bool) -> str:
    if value is None:
        return "null"
    if numeric and _NUMBER.fullmatch(value):
        digits = value.lstrip("-").replace(".", "").lstrip("0")
        if len(digits) <= SAFE_DIGITS:
            return value
    return json.dumps(value, ensure_ascii=False)
