"""The SQL of the fast plan. Nothing from outside gets into it: columns are numbered, not named,
and values are bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.kinds import NUMERIC
from shared.aggregation.resolve import Combination

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processor.engines.plan import Header
    from shared.aggregation.resolve import Query, Restriction

_QUOTES = """strlen({c}) - strlen(replace({c}, '"', ''))"""
_AWKWARD = {
    "quotes": _QUOTES,
    "quotes_before_blanks": """
        strlen({c}) - strlen(replace({c}, '" ', '"'))
        + regexp_matches({c}, '^ [^{d}\\r\\n]*[{d}\\r\\n]')::BIGINT
    """,
    "returns": r"strlen({c}) - strlen(replace({c}, E'\r', ''))",
    "crlfs": r"(strlen({c}) - strlen(replace({c}, E'\r\n', ''))) // 2",
}
# Most fields have none of these characters, and are done with after this one test.
_IS_AWKWARD = """regexp_matches({c}, '["{d}\\r\\n]')"""
_QUOTED = """'"' || replace({c}, '"', '""') || '"'"""

ENTRIES = {
    "text": "strlen({c})",
    **{entry: f"CASE WHEN {_IS_AWKWARD} THEN {sql} ELSE 0 END" for entry, sql in _AWKWARD.items()},
}
"""What a field `{c}` adds to each entry of the ledger (see `processor.engines.ledger`), if `{d}` is
the delimiter, in a character class of a regular expression."""


_NO_BLANK_LINE = "CASE WHEN c0 <> '' THEN true ELSE error('an empty line, or an empty cell') END"
"""True for every row of a file of one column, or an error: DuckDB takes an empty line for a row
there, and its size tells it from no other."""


def grouping(
    query: Query,
    header: Header,
    path: str,
    *,
    with_header: bool,
    csv_buffer: int | None,
) -> tuple[str, list[str]]:
    """Parse the file at `path`, check each number, and group, into the table `groups`.

    Returns the statement and its parameters: what `where` compares with is bound. Rows that it
    leaves out are a group of their own, so that the ledger has them too.

    DuckDB's cast from text to an integer takes '1.5', '1e3', ' 5 ' and '0x10' for integers, so
    a number must come out of it as it went in, or else be digits after an optional sign.
    """
    dialect = header.dialect
    skipped = with_header and dialect.sep_line
    columns = [f"c{i}" for i in range(header.columns)]
    types = ", ".join(f"'{c}': 'VARCHAR'" for c in columns)
    names = ", ".join(f"'{c}'" for c in columns)
    buffer = f", buffer_size={csv_buffer:d}" if csv_buffer else ""
    parameters: list[str] = []
    kept = "" if query.where is None else _condition(query.where, parameters)
    numbers = _numbers(query)
    read = "".join(f", {_read_number(i, strict, kept)} AS n{i}" for i, strict in numbers.items())
    checks = [_check(i, strict, kept) for i, strict in numbers.items()]
    if header.columns == 1:
        checks.append(_NO_BLANK_LINE)
    groups = ", ".join(_key(i, kept) for i in dict.fromkeys(query.group_by))
    # Most files have no other columns, and nothing to sum in most entries.
    sums = [
        f"{'0' if entry == '0' else f'sum({entry})'} AS {name}"
        for name, entry in _entries_of_a_row(query, header, kept).items()
    ]
    source = f"""
        read_csv(
            '{path}', auto_detect=false, columns={{{types}}}, force_not_null=[{names}],
            header={with_header and dialect.header}, skip={skipped:d}, delim='{dialect.delimiter}',
            quote='{dialect.quote}', escape='{dialect.quote}', comment='',
            strict_mode=true, null_padding=false, ignore_errors=false,
            compression='none', encoding='utf-8'{buffer}
        )
    """
    if kept:
        source = f"(SELECT *, {kept} AS kept FROM {source})"  # noqa: S608
    return (
        f"""
        CREATE TEMP TABLE groups AS
        SELECT {"kept, " if kept else ""}{groups}, {", ".join(_aggregates(query))},
            count(*) AS rows, {", ".join(sums)}
        FROM (SELECT *{read} FROM {source})
        {f"WHERE {' AND '.join(checks)}" if checks else ""}
        GROUP BY ALL
        """,  # noqa: S608
        parameters,
    )


def accounting(query: Query, header: Header) -> str:
    """The number of groups, of rows that count, of all rows, and each entry of the ledger."""
    counts = "WHERE kept" if query.where is not None else "WHERE true"
    # Fields of the same group are alike: they are accounted for once, and multiplied. The rows
    # that are left out have empty keys here, and were accounted for one by one.
    sums = [
        f"coalesce(sum({name} + rows * ({entry})), 0)"
        for name, entry in _entries(dict.fromkeys(query.group_by), "k", header).items()
    ]
    return f"""
        SELECT count(*) FILTER ({counts}), coalesce(sum(rows) FILTER ({counts}), 0),
            coalesce(sum(rows), 0), {", ".join(sums)}
        FROM groups
    """  # noqa: S608


def cells(query: Query) -> str:
    """Select the rows, sorted: each cell as text, `c0`, `c1`, ..., NULL where there is no value."""
    texts = [f"k{i}" for i in query.group_by]
    texts += [f"a{i}::VARCHAR" for i in range(len(query.columns))]
    named = ", ".join(f"{text} AS c{i}" for i, text in enumerate(texts))
    return f"SELECT {named} FROM ({_kept(query)})"  # noqa: S608


def writing(query: Query, path: str) -> str:
    """Write the rows, sorted, to the pipe at `path`.

    DuckDB would quote more fields than need it, so lines are made here, and written as they are
    because no quote character is set.
    """
    fields = [
        f"CASE WHEN {_IS_AWKWARD} THEN {_QUOTED} ELSE {{c}} END".format(c=f"k{i}", d=",")
        for i in query.group_by
    ]
    # An aggregate without a value is NULL, which is written as nothing.
    fields += [f"coalesce(a{i}::VARCHAR, '')" for i in range(len(query.columns))]
    return f"""
        COPY (
            SELECT {" || ',' || ".join(fields)} FROM ({_kept(query)})
        ) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', USE_TMP_FILE false)
    """  # noqa: S608


def _kept(query: Query) -> str:
    """Select the groups that are rows of the result, in order."""
    limit = query.aggregation.limit
    return f"""
        SELECT * FROM groups {"WHERE kept" if query.where is not None else ""}
        ORDER BY {", ".join(_order(query))} {"" if limit is None else f"LIMIT {limit:d}"}
    """  # noqa: S608


def _numbers(query: Query) -> dict[int, bool]:
    """The columns that are read as numbers; whether an empty cell in them is an error."""
    strict: dict[int, bool] = {}
    for column, aggregate in zip(query.columns, query.aggregation.aggregates, strict=True):
        if column is not None and aggregate.kind in NUMERIC:
            strict[column] = strict.get(column, False) or aggregate.strict
    return strict


def _read_number(column: int, strict: bool, kept: str) -> str:
    conditions = [*(["kept"] if kept else []), *([] if strict else [f"c{column} <> ''"])]
    number = f"c{column}::BIGINT"
    return f"CASE WHEN {' AND '.join(conditions)} THEN {number} END" if conditions else number


def _check(column: int, strict: bool, kept: str) -> str:
    """True for every row, or an error."""
    empty = "" if strict else f"WHEN c{column} = '' THEN true"
    return f"""
        CASE
            WHEN n{column}::VARCHAR = c{column} THEN true
            {"WHEN NOT kept THEN true" if kept else ""} {empty}
            WHEN regexp_full_match(c{column}, '[+-]?[0-9]+') THEN true
            ELSE error('not an integer')
        END
    """


def _key(column: int, kept: str) -> str:
    key = f"CASE WHEN kept THEN c{column} ELSE '' END" if kept else f"c{column}"
    return f"{key} AS k{column}"


def _aggregates(query: Query) -> Iterator[str]:
    for i, column in enumerate(query.columns):
        function = query.aggregation.aggregates[i].function
        if function != "count":
            yield f"{function}(n{column}) AS a{i}"
        else:
            counted = "*" if column is None else f"nullif(c{column}, '')"
            yield f"count({counted}) AS a{i}"


def _order(query: Query) -> Iterator[str]:
    """What has no value comes before all numbers."""
    groups = len(query.group_by)
    for order in query.order_by:
        is_key = order.column < groups
        name = f"k{query.group_by[order.column]}" if is_key else f"a{order.column - groups}"
        yield f"{name} DESC NULLS LAST" if order.descending else f"{name} ASC NULLS FIRST"
    yield from (f"k{i}" for i in dict.fromkeys(query.group_by))


def _condition(where: Restriction, parameters: list[str]) -> str:
    """`where` as SQL, its values appended to `parameters`. Columns are never NULL."""
    if isinstance(where, Combination):
        parts = [_condition(part, parameters) for part in where.parts]
        return f"({f' {where.operator.upper()} '.join(parts)})"
    column = f"c{where.column}"
    if where.operator == "is_empty":
        return f"{column} = ''"
    begin = len(parameters) + 1
    parameters += where.values
    values = [f"${i}::VARCHAR" for i in range(begin, len(parameters) + 1)]
    if where.operator == "in":
        return f"{column} IN ({', '.join(values)})"
    return f"{column} {_OPERATORS[where.operator]} {values[0]}"


_OPERATORS = {"=": "=", "!=": "<>"}


def _entries_of_a_row(query: Query, header: Header, kept: str) -> dict[str, str]:
    """What a row adds to each entry besides its keys, which its group accounts for."""
    keys, numbers = set(query.group_by), set(_numbers(query)) - set(query.group_by)
    beside = [i for i in range(header.columns) if i not in keys | numbers]
    entries = _entries(beside, "c", header)
    # A number has no quotes within it, and so adds to one entry only.
    for number in sorted(numbers):
        entries["text"] = f"strlen(c{number}) + {entries['text']}"
    if not kept:
        return entries
    whole = _entries(range(header.columns), "c", header)
    return {name: f"CASE WHEN kept THEN {entries[name]} ELSE {whole[name]} END" for name in entries}


def _entries(columns: Iterable[int], prefix: str, header: Header) -> dict[str, str]:
    """What the fields of these columns in a row add to each entry together."""
    names = [f"{prefix}{i}" for i in columns]
    delimiter = header.dialect.delimiter
    in_class = "\\" + delimiter if delimiter == "^" else delimiter
    # Where nothing is quoted, a field is its text.
    entries = {
        entry: sql if entry == "text" or header.dialect.quote else "0"
        for entry, sql in ENTRIES.items()
    }
    return {
        entry: " + ".join(f"({sql.format(c=name, d=in_class)})" for name in names if sql != "0")
        or "0"
        for entry, sql in entries.items()
    }
