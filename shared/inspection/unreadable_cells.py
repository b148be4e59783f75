"""Whether the cells of a sample can be read as a spec reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.spec import notation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.aggregation.kinds import Kind
    from shared.aggregation.resolve import Query
    from shared.csv.dialect import Dialect
    from shared.inspection.columns import ColumnSummary

_ALSO: Mapping[Kind, tuple[str, ...]] = {
    "number": ("integer", "number"),
    "integer": ("integer",),
    "date": ("date", "integer", "number"),
}
"""The types of columns whose cells may all be of a kind. A date may be written as a number."""


def misread_column(
    query: Query, columns: Sequence[ColumnSummary], dialect: Dialect
) -> tuple[str, str] | None:
    """Return why cells in the sample fail the job, and the path of what reads them in the spec.

    None if nothing is found, if conditions choose the records that are read, and if bad records are
    skipped. `columns` are of the sample, and their types are certain: an error stays true for the
    whole file.
    """
    if query.where is not None or query.aggregation.input.on_bad_row != "fail":
        return None
    for index, kind, reader, path in _needs(query):
        if index >= len(columns):
            continue
        column = columns[index]
        if column.type == "empty" or column.type in _ALSO[kind]:
            continue
        read = notation_of(dialect).readers[kind]
        wrong = next((text for text in column.samples if read(text.encode()) is None), None)
        such = "" if wrong is None else f", such as {wrong!r}"
        message = (
            f"{reader} reads {_PLURAL[kind]}, and column {column.position} ({column.name!r}) has "
            f"cells that are none{such}; choose another column, say how they are written in input, "
            "or set input.on_bad_row to skip"
        )
        return message, path
    return None


_PLURAL: Mapping[Kind, str] = {"number": "numbers", "integer": "integers", "date": "dates"}


def _needs(query: Query) -> Iterator[tuple[int, Kind, str, str]]:
    """Yield each column that is not read as text: its index, kind, reader, and path in the spec."""
    for i, (index, group) in enumerate(
        zip(query.group_by, query.aggregation.group_by, strict=True)
    ):
        if group.truncate or group.part:
            yield index, "date", group.truncate or group.part or "", f"group_by[{i}].column"
    aggregates = zip(
        query.aggregation.aggregates, query.columns, query.operands, query.filters, strict=True
    )
    for i, (aggregate, *read, condition) in enumerate(aggregates):
        if condition is not None:
            continue
        kind = aggregate.kind or FUNCTIONS[aggregate.function].kinds[0]
        for column in read:
            if column is not None and kind != "text":
                yield column, kind, aggregate.function, f"aggregates[{i}].column"
