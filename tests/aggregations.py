"""Aggregations for tests: one sum of integers, and strategies for property tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import assume
from hypothesis import strategies as st

from shared.aggregation.functions import FUNCTIONS, Function
from shared.aggregation.kinds import NUMERIC, Kind, Truncation
from shared.aggregation.spec import (
    Aggregate,
    Arithmetic,
    ArithmeticOperator,
    Column,
    Condition,
    DatePart,
    Filter,
    GroupColumn,
    Junction,
    Negation,
    Normalize,
    Operator,
    OrderColumn,
)
from shared.aggregation.spec import Case as CaseChange
from shared.csv.dialect import Input
from shared.jobs.job import Aggregation
from tests.csv_files import encode, small_numbers, styles, texts
from tests.oracle import output_names
from tests.oracle_records import read_records

if TYPE_CHECKING:
    from collections.abc import Sequence


def sum_of(column: int, *, group_by: Sequence[int], header: Sequence[str]) -> Aggregation:
    """Return a sum of integers. Columns count from 0; `header` names the output columns."""
    *names, total = header
    return Aggregation(
        group_by=tuple(GroupColumn(c + 1, n) for c, n in zip(group_by, names, strict=True)),
        aggregates=(Aggregate("sum", column + 1, total, "integer", strict=True),),
    )


integers = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(["+7", "007", "-0", "9223372036854775807", "-9223372036854775808", "1" * 40]),
)
decimals = st.one_of(
    integers,
    st.sampled_from(
        [
            "0.1",
            "-0.10",
            "336.465",
            "-1.000",
            ".5",
            "3.",
            "1e3",
            "1E-2",
            "-2.50e+1",
            "0e400",
            "-0.0",
            "1.25",
            "2.675",
        ]
    ),
)
times = st.sampled_from(["", "T00:00", " 23:59:59", "T23:59:59.120", " 00:00:00.1", "T00:00:00"])
days = st.sampled_from(["2020-12-31", "2021-01-03", "2021-01-04", "2020-02-29", "0001-01-01"])
moments = st.builds(str.__add__, days, times)
words = st.sampled_from(
    [
        "",
        "a",
        "A",
        " a",
        "ß",
        "b\u00a0",
        "é",
        "e\u0301",
        'a"',
        '"',
        ",",
        "\n",
        "\r\n",
        "\0",
        "a\0\1",
        "10",
        "9",
        "Total",
    ]
)

CELLS: dict[Kind, st.SearchStrategy[str]] = {
    "text": words,
    "number": st.one_of(decimals, decimals, st.just("")),
    "integer": st.one_of(integers, integers, st.just("")),
    "date": st.one_of(moments, moments, st.just("")),
}
COLUMNS: tuple[Kind, ...] = ("text", "number", "integer", "date", "text")
FITTING: dict[Kind, tuple[Kind, ...]] = {
    "text": ("text",),
    "number": ("text", "number"),
    "integer": ("text", "number", "integer"),
    "date": ("text", "date"),
}
"""The kinds as which the cells of each kind can be read."""

RFC_4180 = Input(
    delimiter=",", quote='"', escape="", header=True,
    line_end="lf", encoding="utf-8", compression="none",
)  # fmt: skip
"""A complete declaration, so that nothing is detected from a dirty file."""

hostile = st.sampled_from(
    ['"', "'; DROP TABLE groups; --", 'a "b"', "c,\nd", "count(*)", "c0", "$1", "{c}", "%s", "\0"]
)


READING = [name for name, function in FUNCTIONS.items() if function.reads_rows]
PATTERNS = [r"(\w)", "[a-z]+", "^.", ".$", r"(\d)|\s", "(?:é|a)", r"1+(1)(1)", r"\b.", "[^\n]*?0?$"]
"""With the same meaning for Python's `re` if $ is the end of the text."""
PERCENTAGES = ["0", "50", "95", "99.9", "33.333333", "100", "0.000001"]


@dataclass(frozen=True)
class Case:
    """An aggregation and a file that it fits."""

    aggregation: Aggregation
    data: bytes
    """The file, in the format of RFC 4180."""
    rows: list[list[str]] = field(default_factory=list)
    """The header and all records."""


@st.composite
def cases(draw: st.DrawFn, max_rows: int = 25, *, made_up_names: bool = False) -> Case:
    """Draw any aggregation, with a file that has a column of each kind."""
    names = draw(st.lists(hostile | st.sampled_from("abc"), min_size=5, max_size=5, unique=True))
    if made_up_names:
        names = [f"column{i + 1}" for i in range(5)]
    row = st.tuples(*(CELLS[kind] for kind in COLUMNS)).map(list)
    # Few different rows, repeated and shuffled, so that groups have several rows.
    drawn = draw(st.lists(row, max_size=max_rows))
    rows = draw(st.permutations(drawn + drawn[: len(drawn) // 2]))
    aggregation = with_header(draw(_aggregations(names)))
    table = [names, *rows]
    return Case(aggregation, encode(table, draw(styles)), table)


def with_header(aggregation: Aggregation) -> Aggregation:
    """Declare that there is a header, unless the aggregation names a column of it."""
    if any(isinstance(column, str) for column in aggregation.columns):
        return aggregation
    return replace(aggregation, input=replace(aggregation.input, header=True))


@st.composite
def _aggregations(draw: st.DrawFn, names: list[str]) -> Aggregation:
    group_by = draw(st.lists(_group_columns(names), max_size=3))
    aggregates = draw(st.lists(_aggregates(names), max_size=4, min_size=0 if group_by else 1))
    aggregation = Aggregation(
        group_by=tuple(group_by),
        aggregates=tuple(aggregates),
        where=draw(st.none() | _filters(list(zip(names, COLUMNS, strict=True)), names)),
        limit=draw(st.none() | st.integers(1, 5)),
        output=draw(st.sampled_from(["csv", "csv", "jsonl"])),
    )
    outputs = output_names(aggregation, names)
    assume(len(set(outputs)) == len(outputs))
    if draw(st.booleans()):
        aggregates += draw(_ratios(aggregates, outputs[len(group_by) :]))
        aggregation = replace(aggregation, aggregates=tuple(aggregates))
        outputs = output_names(aggregation, names)
        assume(len(set(outputs)) == len(outputs))
    kinds = [*["text"] * len(group_by), *map(_output_kind, aggregates)]
    typed: list[tuple[str, Any]] = list(zip(outputs, kinds, strict=True))
    having = draw(st.none() | _filters(typed, None, exact_kind=True))
    orders = st.builds(OrderColumn, st.sampled_from(outputs), st.booleans())
    order_by = draw(st.lists(orders, max_size=3))
    return Aggregation(
        group_by=aggregation.group_by,
        aggregates=aggregation.aggregates,
        where=aggregation.where,
        having=having,
        order_by=tuple(order_by),
        limit=aggregation.limit,
        output=aggregation.output,
    )


def _output_kind(aggregate: Aggregate) -> Kind:
    kind = aggregate.output_kind
    return "number" if kind == "integer" else kind


@st.composite
def _ratios(draw: st.DrawFn, aggregates: list[Aggregate], names: list[str]) -> list[Aggregate]:
    """Draw a ratio of two of these aggregates, if two are numbers."""
    numeric = [
        name
        for name, aggregate in zip(names, aggregates, strict=True)
        if _output_kind(aggregate) == "number"
    ]
    if not numeric:
        return []
    of = (draw(st.sampled_from(numeric)), draw(st.sampled_from(numeric)))
    return [Aggregate("ratio", name=draw(st.none() | st.just("quotient")), of=of)]


@st.composite
def _references(draw: st.DrawFn, names: list[str], number: int) -> Column:
    """Draw a reference to a column by name or position."""
    return names[number] if draw(st.booleans()) else number + 1


@st.composite
def _group_columns(draw: st.DrawFn, names: list[str]) -> GroupColumn:
    number = draw(st.sampled_from([0, 0, 3, 3, 4, 1]))
    name = draw(st.none() | hostile)
    column = draw(_references(names, number))
    if COLUMNS[number] == "date":
        if draw(st.integers(0, 3)) == 0:
            return GroupColumn(column, name, part=draw(st.sampled_from(get_args(DatePart))))
        truncate = draw(st.none() | st.sampled_from(get_args(Truncation)))
        return GroupColumn(column, name, truncate=truncate)
    case = draw(st.none() | st.sampled_from(get_args(CaseChange)))
    substring = None
    if draw(st.integers(0, 3)) == 0:
        substring = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    match = None
    if substring is None and draw(st.integers(0, 3)) == 0:
        match = draw(st.sampled_from(PATTERNS))
    normalize = None
    if substring is None and match is None:
        normalize = draw(st.none() | st.sampled_from(get_args(Normalize)))
    return GroupColumn(
        column,
        name,
        case=case,
        trim=draw(st.booleans()),
        substring=substring,
        match=match,
        normalize=normalize,
    )


@st.composite
def _aggregates(draw: st.DrawFn, names: list[str]) -> Aggregate:
    name = draw(st.none() | hostile)
    where = None
    if draw(st.integers(0, 4)) == 0:
        where = draw(_conditions(list(zip(names, COLUMNS, strict=True)), names, exact_kind=False))
    if draw(st.integers(0, 5)) == 0:
        return Aggregate("count", name=name, where=where)
    function: Function = draw(st.sampled_from(READING))
    if FUNCTIONS[function].needs_where and where is None:
        where = Condition(1, draw(st.sampled_from(["=", "!="])), (draw(words),))
    kind = draw(st.sampled_from(FUNCTIONS[function].kinds))
    fitting = [i for i, of in enumerate(COLUMNS) if kind in FITTING[of]]
    first = draw(_references(names, draw(st.sampled_from(fitting))))
    column: Column | Arithmetic = first
    if kind in NUMERIC and draw(st.integers(0, 3)) == 0:
        other = draw(_references(names, draw(st.sampled_from(fitting))))
        column = Arithmetic(draw(st.sampled_from(get_args(ArithmeticOperator))), first, other)
    return Aggregate(
        function,
        column,
        name,
        kind,
        where=where,
        p=draw(st.sampled_from(PERCENTAGES)) if function == "percentile" else None,
        separator=draw(st.sampled_from([None, "", ", ", "\0"]))
        if function == "concat_distinct"
        else None,
    )


def _filters(
    columns: list[tuple[str, Kind]], names: list[str] | None, *, exact_kind: bool = False
) -> st.SearchStrategy[Filter]:
    condition = _conditions(columns, names, exact_kind=exact_kind)
    return st.recursive(
        condition,
        lambda inner: (
            st.builds(
                Junction,
                st.sampled_from(["and", "or"]),
                st.lists(inner, min_size=1, max_size=3).map(tuple),
            )
            | st.builds(Negation, inner)
        ),
        max_leaves=4,
    )


@st.composite
def _conditions(
    draw: st.DrawFn, columns: list[tuple[str, Kind]], names: list[str] | None, *, exact_kind: bool
) -> Condition:
    name, of = draw(st.sampled_from(columns))
    column: Column = name if names is None else draw(_references(names, names.index(name)))
    kind = of if exact_kind else draw(st.sampled_from(FITTING[of]))
    operators = [o for o in get_args(Operator) if kind == "text" or o[0] not in "cs"]
    operator: Operator = draw(st.sampled_from(operators))
    if operator == "is_empty":
        return Condition(column, operator)
    value = CELLS[of] | CELLS[kind]
    if kind != "text":
        value = CELLS[kind].filter(bool)
    values = draw(st.lists(value, min_size=1, max_size=3 if operator == "in" else 1))
    return Condition(column, operator, tuple(values), kind)


_DIRT = st.sampled_from(
    [b'"', b'"x', b'""', b"\r", b"\n", b",", b",,", b"\xff", b"x", b"\0", b"1.5", b"\xc3", b'",1\n']
)


@st.composite
def dirty_cases(draw: st.DrawFn) -> Case:
    """Draw a case with dirt anywhere after the header, where bad rows are skipped."""
    case = draw(cases() | narrow_cases())
    data = case.data
    body = [record.offset for record in read_records(data)[1:2]]
    for dirt in draw(st.lists(_DIRT, max_size=4)) if body else ():
        at = draw(st.integers(body[0], len(data)))
        data = data[:at] + dirt + data[at:]
    skipping = replace(case.aggregation, input=replace(RFC_4180, on_bad_row="skip"))
    return Case(skipping, data)


@st.composite
def narrow_cases(draw: st.DrawFn) -> Case:
    """Draw files of one to four columns, and plain aggregations of them."""
    numeric = draw(st.lists(st.booleans(), min_size=1, max_size=4))
    names = ["a", "b", "n", "m"][: len(numeric)]
    value = small_numbers | st.just("")
    row = st.tuples(*(value if of else texts for of in numeric)).map(list)
    drawn = draw(st.lists(row, max_size=25))
    columns = st.integers(1, len(numeric))
    group_by = tuple(
        GroupColumn(column, f"g{i}")
        for i, column in enumerate(draw(st.lists(columns, min_size=1, max_size=2)))
    )
    numbers = [column for column, of in enumerate(numeric, 1) if of]
    functions: list[Function] = ["sum", "count", "min", "max"] if numbers else ["count"]
    aggregates: list[Aggregate] = []
    for i in range(draw(st.integers(1, 4))):
        function = draw(st.sampled_from(functions))
        kind: Kind = draw(st.sampled_from(["number", "integer"]))
        if function == "count":
            rows = draw(st.booleans())
            aggregates.append(
                Aggregate("count", None, f"o{i}")
                if rows
                else Aggregate("count", draw(columns), f"o{i}", "text")
            )
        else:
            column = draw(st.sampled_from(numbers))
            aggregates.append(Aggregate(function, column, f"o{i}", kind))
    text = st.builds(
        Condition,
        columns,
        st.sampled_from(["=", "!="]),
        st.tuples(texts),
    )
    several = st.builds(
        Condition,
        columns,
        st.just("in"),
        st.lists(texts, min_size=1, max_size=3).map(tuple),
    )
    empty = st.builds(Condition, columns, st.just("is_empty"))
    condition = text | several | empty
    junction = st.builds(
        Junction,
        st.sampled_from(["and", "or"]),
        st.lists(condition, min_size=1, max_size=3).map(tuple),
    )
    outputs = [g.name or "" for g in group_by] + [a.name or "" for a in aggregates]
    orders = st.builds(OrderColumn, st.sampled_from(outputs), st.booleans())
    aggregation = Aggregation(
        group_by=group_by,
        aggregates=tuple(aggregates),
        where=draw(st.none() | condition | junction),
        order_by=tuple(draw(st.lists(orders, max_size=2))),
        limit=draw(st.none() | st.integers(1, 4)),
    )
    table = [names, *drawn, *drawn[:5]]
    return Case(with_header(aggregation), encode(table, draw(styles)), table)
