"""Expected results, computed with the `csv` module, dictionaries and fractions.

Slow, with everything in memory. Implements docs/csv.md and docs/aggregation.md; shares only the
`Aggregation` with the code under test.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import statistics
import sys
import unicodedata
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.aggregation.spec import Arithmetic, Junction, Negation
from shared.csv.dialect import UNDECLARED
from tests.oracle_numbers import calculated, of_numbers, ratio_of
from tests.oracle_records import read_file, shown
from tests.oracle_text import CODECS, expanded_file
from tests.oracle_values import (
    READERS,
    Malformed,
    canonical,
    check_integer,
    expected_cell,
    hint_for,
    moment_of,
    number_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.aggregation.spec import Aggregate, Column, Filter, GroupColumn
    from shared.csv.dialect import Input
    from shared.jobs.job import Aggregation

    Row = list[str]


csv.field_size_limit(1 << 30)

_NUMERIC = {
    "sum", "avg", "median", "count", "count_distinct",
    "sum_if", "count_if", "variance", "stddev", "percentile", "ratio",
}  # fmt: skip
_SYMBOLS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "contains": lambda a, b: b in a,
    "starts_with": lambda a, b: a[: len(b)] == b,
}


class Expected(NamedTuple):
    """The expected outcome of a file."""

    result: bytes
    """The result, decompressed."""
    rows: tuple[int, int, int]
    """The numbers of records that were aggregated, filtered and rejected."""
    groups: int
    """The number of rows of the result."""
    rejects: bytes = b""
    """The file of rejects; empty if there are none."""


def expected_result(aggregation: Aggregation, data: bytes) -> Expected:
    """Return the expected outcome of a well-formed file. Raises Malformed for a bad cell."""
    sys.set_int_max_str_digits(0)
    declared = aggregation.input
    header, *rows = rows_of(data, declared)
    assert all(len(row) == len(header) for row in rows)
    counted = [row for row in rows if _holds(aggregation.where, row, header, declared)]
    result, groups = _result(aggregation, header, counted)
    return Expected(result, (len(counted), len(rows) - len(counted), 0), groups)


def expected_of_dirty(aggregation: Aggregation, data: bytes) -> Expected:
    """Return the expected outcome of a file with a good header, whose bad records are skipped.

    The declaration is complete. Raises Malformed if there are records and all are bad.
    """
    sys.set_int_max_str_digits(0)
    declared = aggregation.input
    records = read_file(data, declared)
    if declared.header is False:
        # The first valid record defines the number of columns.
        width = next((len(record.fields) for record in records if not record.reason), 0)
        header = [f"column{i + 1}" for i in range(width)]
    else:
        header = [name.decode() for name in records.pop(0).fields]
    counted: list[Row] = []
    filtered = 0
    rejects = [b"line,offset,column,reason,record\n"]
    for record in records:
        row = [] if record.reason else [field.decode() for field in record.fields]
        column, reason = record.column, record.reason
        if not reason and len(row) != len(header):
            column = min(len(row), len(header)) + 1
            text = (declared.delimiter or ",").encode().join(record.fields)
            reason = (
                f"found {_columns(len(row))}: {shown(text)}, "
                f"expected {_columns(len(header))} as in the header"
            )
            if record.quote_in_text:
                reason += " (a quote that is not at the start of a field is text)"
        if not reason:
            try:
                if not _holds(aggregation.where, row, header, declared):
                    filtered += 1
                    continue
                _check(aggregation, row, header)
            except Malformed as error:
                column = error.column + 1
                reason = f"found {shown(row[error.column].encode())}, expected {error.expected}"
        if reason:
            cells = [str(record.line), str(record.offset), str(column), reason]
            # Bytes that are invalid in the encoding pass through the writer unchanged.
            line = csv_line([*cells, record.raw.decode(errors="surrogateescape")])
            rejects.append(line.encode(errors="surrogateescape"))
        else:
            counted.append(row)
    rejected = len(rejects) - 1
    if rejected and rejected == len(records):
        raise Malformed(f"all {rejected} rows")
    result, groups = _result(aggregation, header, counted)
    return Expected(
        result, (len(counted), filtered, rejected), groups, b"".join(rejects if rejected else ())
    )


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


def _check(aggregation: Aggregation, row: Row, header: Row) -> None:
    """Raise Malformed for the first cell that the aggregation cannot read."""
    for group in aggregation.group_by:
        index = _index(group.column, header)
        expected = "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z"
        with _at_cell(index, expected + hint_for(row[index], "date", aggregation.input)):
            _group_text(row[index], group)
    for aggregate, column in _read_columns(aggregation, row, header):
        index, kind = _index(column, header), aggregate.kind or "text"
        cell = row[index]
        expected = expected_cell(kind, aggregation.input)
        if not cell and kind == "text":
            expected = "text (empty cells are errors here)"
        if not aggregation.is_default:
            expected += hint_for(cell, kind, aggregation.input)
        with _at_cell(index, expected):
            if not cell and aggregate.strict:
                raise Malformed(cell)
            if cell and kind != "text":
                numeric = kind in ("number", "integer")
                READERS[kind](canonical(cell, aggregation.input) if numeric else cell)


def _read_columns(
    aggregation: Aggregation, row: Row, header: Row
) -> Iterator[tuple[Aggregate, Column]]:
    """Yield the columns of a row that the aggregates read."""
    for aggregate in aggregation.aggregates:
        if not _holds(aggregate.where, row, header, aggregation.input):
            continue
        if isinstance(aggregate.column, Arithmetic):
            yield aggregate, aggregate.column.left
            yield aggregate, aggregate.column.right
        elif aggregate.column is not None:
            yield aggregate, aggregate.column


@contextmanager
def _at_cell(column: int, expected: str) -> Iterator[None]:
    try:
        yield
    except Malformed as error:
        error.column, error.expected = column, expected
        raise


def _result(aggregation: Aggregation, header: Row, counted: list[Row]) -> tuple[bytes, int]:
    """Return the result and the number of its rows."""
    declared = aggregation.input
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in counted:
        key = tuple(_group_text(row[_index(g.column, header)], g) for g in aggregation.group_by)
        groups.setdefault(key, []).append(row)
    if not aggregation.group_by:
        groups = {(): counted}
    result = [
        [*key, *(_aggregated(a, groups[key], header, declared) for a in aggregation.aggregates)]
        for key in sorted(groups, key=lambda key: [part.encode() for part in key])
    ]
    names = output_names(aggregation, header)
    for place, aggregate in enumerate(aggregation.aggregates, len(aggregation.group_by)):
        for row in result if aggregate.of else ():
            row[place] = ratio_of(*(row[names.index(name)] for name in aggregate.of or ()))
    numeric = [False] * len(aggregation.group_by) + [
        a.function in _NUMERIC or a.kind in ("number", "integer") for a in aggregation.aggregates
    ]
    if aggregation.having:
        result = [row for row in result if _holds(aggregation.having, row, names)]
    for order in reversed(aggregation.order_by):
        column = names.index(order.column)
        result.sort(
            key=lambda row: _sort_key(row[column], numeric=numeric[column]),
            reverse=order.descending,
        )
    result = result[: aggregation.limit]
    return _written(aggregation, names, numeric, result), len(result)


def rows_of(data: bytes, declared: Input) -> list[Row]:
    """Return the header, generated if there is none, and all records of a well-formed file."""
    text = expanded_file(data, declared).decode(CODECS[declared.encoding or "utf-8"])
    quote = '"' if declared.quote is None else declared.quote
    options: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    if declared.escape:
        options |= {"escapechar": declared.escape, "doublequote": False}
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.reader(lines, delimiter=declared.delimiter or ",", strict=True, **options)
    rows = [row for row in reader if row]
    if declared.header is False:
        return [[f"column{i + 1}" for i in range(len(rows[0]))], *rows]
    return rows


def expanded(aggregation: Aggregation, result: bytes) -> bytes:
    """Return a result, decompressed."""
    return gzip.decompress(result) if aggregation.output == "csv.gz" else result


def output_names(aggregation: Aggregation, header: Row) -> Row:
    names = [g.name or header[_index(g.column, header)] for g in aggregation.group_by]
    for a in aggregation.aggregates:
        of = ""
        if isinstance(a.column, Arithmetic):
            sign = {"add": "+", "subtract": "-", "multiply": "*"}[a.column.operator]
            left, right = (header[_index(c, header)] for c in (a.column.left, a.column.right))
            of = f"({left}{sign}{right})"
        elif a.column is not None:
            of = f"({header[_index(a.column, header)]})"
        elif a.of:
            of = f"({a.of[0]}/{a.of[1]})"
        names.append(a.name or (f"p{a.p}" if a.p else a.function) + of)
    return names


def csv_line(fields: Iterable[str]) -> str:
    """Return one line as the `csv` module writes it, ending in LF."""
    line = io.StringIO()
    # With this line terminator the module quotes fields with CR or LF.
    csv.writer(line, lineterminator="\r\n").writerow(fields)
    return line.getvalue().removesuffix("\r\n") + "\n"


def _written(aggregation: Aggregation, names: Row, numeric: list[bool], rows: list[Row]) -> bytes:
    if aggregation.output != "jsonl":
        header = csv_line(names)
        if header.startswith("\ufeff"):  # quoted, it is not taken for a byte order mark
            header = f'"{names[0]}"{header.removeprefix(names[0])}'
        return (header + "".join(map(csv_line, rows))).encode()
    lines: list[str] = []
    for row in rows:
        cells: list[str] = []
        for i, (name, cell) in enumerate(zip(names, row, strict=True)):
            value = cell if numeric[i] else json.dumps(cell, ensure_ascii=False)
            if not cell and i >= len(aggregation.group_by):
                value = "null"
            cells.append(json.dumps(name, ensure_ascii=False) + ":" + value)
        lines.append("{" + ",".join(cells) + "}\n")
    return "".join(lines).encode()


def _index(column: Column, header: Row) -> int:
    return column - 1 if isinstance(column, int) else header.index(column)


def _sort_key(cell: str, *, numeric: bool) -> Any:
    if not numeric:
        return cell.encode()
    return (1, number_of(cell)[0]) if cell else (0, Fraction(0))


def _holds(
    condition: Filter | None,
    row: Row,
    header: Row,
    declared: Input = UNDECLARED,
    *,
    negated: bool = False,
) -> bool:
    if condition is None:
        return True
    if isinstance(condition, Negation):
        return _holds(condition.part, row, header, declared, negated=not negated)
    if isinstance(condition, Junction):
        parts = (_holds(part, row, header, declared, negated=negated) for part in condition.parts)
        return all(parts) if (condition.operator == "and") != negated else any(parts)
    cell = row[_index(condition.column, header)]
    if condition.operator == "is_empty":
        return (cell == "") != negated
    if condition.kind == "text":
        read: Callable[[str], Any] = str.encode
    elif cell == "":
        return False
    else:
        read = moment_of if condition.kind == "date" else lambda cell: number_of(cell)[0]
    expected = f"{expected_cell(condition.kind, declared)} for the comparison in where"
    expected += hint_for(cell, condition.kind, declared)
    with _at_cell(_index(condition.column, header), expected):
        if condition.kind in ("number", "integer"):
            cell = canonical(cell, declared)
        if condition.kind == "integer":
            check_integer(cell)
        found = read(cell)
    values = [read(value) for value in condition.values]
    met = (
        found in values
        if condition.operator == "in"
        else _SYMBOLS[condition.operator](found, values[0])
    )
    return met != negated


def _group_text(cell: str, group: GroupColumn) -> str:
    if group.trim:
        cell = cell.strip(" \t\r\n\x0b\x0c\xa0")
    if group.substring:
        first, count = group.substring
        cell = "".join(islice(cell, first - 1, first - 1 + count))
    if group.match:
        # The first match, as a list of groups, or of whole matches.
        matches = re.findall(group.match.replace("$", r"\Z"), cell, re.ASCII)
        first_match = matches[0] if matches else ""
        cell = first_match[0] if isinstance(first_match, tuple) else first_match
    if group.normalize is not None:
        cell = unicodedata.normalize("NFC", cell)
    if group.case == "upper":
        return cell.upper()
    if group.case == "lower":
        return cell.lower()
    if group.part is not None and cell:
        moment = moment_of(re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", cell) if len(cell) > 10 else cell)
        form = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "weekday": "%u"}
        return moment.strftime(form[group.part]).rjust(4 if group.part == "year" else 1, "0")
    if group.truncate is None or cell == "":
        return cell
    moment = moment_of(re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", cell) if len(cell) > 10 else cell)
    day = moment.date()
    if group.truncate == "hour":
        return f"{day.isoformat()}T{moment.hour:02}"
    if group.truncate == "quarter":
        return f"{day.year:04}-Q{1 + (day.month - 1) // 3}"
    if group.truncate == "week":
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"
    return day.isoformat()[: {"day": 10, "month": 7, "year": 4}[group.truncate]]


def _aggregated(aggregate: Aggregate, rows: list[Row], header: Row, declared: Input) -> str:
    rows = [row for row in rows if _holds(aggregate.where, row, header, declared)]
    if aggregate.column is None:
        return str(len(rows))
    if isinstance(aggregate.column, Arithmetic):
        pairs = [
            [
                canonical(row[_index(c, header)], declared) if row[_index(c, header)] else ""
                for c in (aggregate.column.left, aggregate.column.right)
            ]
            for row in rows
        ]
        for pair in pairs if aggregate.kind == "integer" else ():
            for cell in filter(None, pair):
                check_integer(cell)
        return of_numbers(
            aggregate,
            [calculated(aggregate.column.operator, *pair) for pair in pairs if all(pair)],
        )
    every = [row[_index(aggregate.column, header)] for row in rows]
    cells = [cell for cell in every if cell]
    if aggregate.strict and len(cells) < len(every):
        raise Malformed("")
    function = aggregate.function
    if function in ("count", "count_if"):
        return str(len(cells))
    if aggregate.kind in ("number", "integer"):
        plain = [canonical(cell, declared) for cell in cells]
        for cell in plain if aggregate.kind == "integer" else ():
            check_integer(cell)
        return of_numbers(aggregate, [number_of(cell) for cell in plain])
    if function == "count_distinct":
        return str(len(set(cells)))
    if not cells:
        return ""
    if function in ("first", "last"):
        return cells[0 if function == "first" else -1]
    if function == "concat_distinct":
        separator = "; " if aggregate.separator is None else aggregate.separator
        return separator.join(sorted(set(cells), key=str.encode))
    if function == "mode":
        return min(statistics.multimode(cells), key=str.encode)
    pick = min if function == "min" else max
    if aggregate.kind == "date":
        return pick(cells, key=lambda cell: (moment_of(cell), cell.encode()))
    return pick(cells, key=str.encode)
