"""Whether the record below the header has the units of the columns, such as `kg` and `m/s`."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from shared.aggregation.cells import Notation
from shared.aggregation.missing import MISSING_AMONG_VALUES
from shared.aggregation.spec import notation_of
from shared.csv.problems import show
from shared.csv.records import RecordReader
from shared.errors import MalformedInput
from shared.inspection.sample import Sample, SampleEnded, up_to

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect
    from shared.csv.records import Record

_RECORDS = 20
"""Records that are compared, with that of the units, at the most."""
_START = 64 << 10
"""Bytes of the table in which they are looked for."""
_FEWEST = 3
_LENGTH = 12
"""The most bytes of a unit."""
_IN_BRACKETS = re.compile(rb"-|\[.*\]|\(.*\)").fullmatch
_UNITS = frozenset(
    unit.encode()
    for unit in (
        "%", "‰", "ppm", "ppb", "°", "°c", "°f", "kg", "g", "mg", "µg", "lb", "oz", "nm", "µm",
        "mm", "cm", "m", "km", "in", "ft", "yd", "mi", "ns", "µs", "ms", "s", "sec", "min", "h",
        "hr", "day", "days", "yr", "year", "years", "m2", "m²", "m3", "m³", "cm2", "cm²", "cm3",
        "cm³", "km2", "km²", "ha", "l", "ml", "hl", "gal", "pa", "hpa", "kpa", "mpa", "bar",
        "mbar", "psi", "kn", "kj", "mj", "kcal", "kw", "mw", "gw", "wh", "kwh", "mwh", "gwh",
        "v", "mv", "kv", "ma", "ah", "hz", "khz", "mhz", "ghz", "kb", "mb", "gb", "tb", "kib",
        "mib", "gib", "bit", "km/h", "kph", "mph", "m/s", "m/s2", "m/s²", "mm/h", "l/min", "l/h",
        "g/l", "mg/l", "g/m3", "g/m³", "mol", "mmol", "pcs", "pc", "st.", "stk", "stück", "eur",
        "usd", "gbp", "chf", "jpy", "cny", "€", "$", "£", "¥", "k€", "t€", "teur", "keur", "mio",
        "mrd",
    )
)  # fmt: skip
"""Units in lower case, for columns of texts: there, any other text may be a value."""


def is_unit_row(rows: Sequence[Sequence[bytes]], dialect: Dialect) -> bool:
    """Return whether the first of `rows`, which are as wide as the header, has units.

    In columns whose other cells are numbers, it has short texts that are none; in other columns
    known units, texts in brackets, or nothing. There is at least one of numbers, or a known unit in
    a column that is empty but for it.
    """
    if len(rows) < _FEWEST:
        return False
    # In files whose numbers nobody has declared, they may have a decimal comma.
    other = Notation("." if dialect.decimal == "," else ",", "")
    readers = [notation.readers["number"] for notation in (notation_of(dialect), other)]

    def is_number(cell: bytes) -> bool:
        return any(read(cell) is not None for read in readers)

    units, *below = rows
    found = 0
    for i, unit in enumerate(units):
        if not unit:
            continue
        if is_number(unit):
            return False
        cells = [row[i] for row in below if row[i]]
        known = unit.lower() in _UNITS
        if not cells:
            found += known
            continue
        numbers = all(map(is_number, cells))
        if not numbers and not _IN_BRACKETS(unit) and not known:
            return False
        found += numbers and len(unit) <= _LENGTH and unit.lower() not in MISSING_AMONG_VALUES
    return found > 0


def find_unit_row(table: Sample, dialect: Dialect) -> tuple[int, str] | None:
    """Return the line and the text of the record of units below the header; None without one.

    `table` begins with the header; lines count from there.
    """
    start = Sample(table.text[:_START], table.whole and len(table.text) <= _START)
    records: list[Record] = []
    try:
        records.extend(islice(RecordReader(start.blocks(), dialect, up_to(1)), 1 + _RECORDS))
    except MalformedInput:
        return None
    except SampleEnded:
        pass  # those before the end, or before a bad record, are enough
    if not records:
        return None
    (_, header), *below = records
    width = len(header) + dialect.trailing_delimiters
    fitting = [(line, cells[: len(header)]) for line, cells in below if len(cells) == width]
    if fitting[:1] != [(line, cells[: len(header)]) for line, cells in below[:1]]:
        return None
    if not is_unit_row([cells for _, cells in fitting], dialect):
        return None
    line, cells = fitting[0]
    return line, show(dialect.delimiter.encode().join(cells))
