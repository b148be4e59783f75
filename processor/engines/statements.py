"""The SQL statements of the fast plan.

They contain no text of the client or the file: columns have numbers instead of names, and values
are bound as parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.aggregation.kinds import NUMERIC
from shared.aggregation.resolve import Combination

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from processor.engines.plan import Header
    from shared.aggregation.resolve import Query, Restriction

_QUOTES = """strlen({c}) - strlen(replace({c}, '"', ''))"""
_SPECIAL = {
    "quotes": _QUOTES,
    "quotes_before_blanks": """
        strlen({c}) - strlen(replace({c}, '" ', '"'))
        + regexp_matches({c}, '^ [^{d}\\r\\n]*[{d}\\r\\n]')::BIGINT
    """,
    "returns": r"strlen({c}) - strlen(replace({c}, E'\r', ''))",
    "crlfs": r"(strlen({c}) - strlen(replace({c}, E'\r\n', ''))) // 2",
}
# Most fields have none of these characters, so that this is their only test.
_HAS_SPECIAL = """regexp_matches({c}, '["{d}\\r\\n]')"""
_QUOTED = """'"' || replace({c}, '"', '""') || '"'"""

ENTRIES = {
    "text": "strlen({c})",
    **{entry: f"CASE WHEN {_HAS_SPECIAL} THEN {sql} ELSE 0 END" for entry, sql in _SPECIAL.items()},
}
"""The SQL of the amount that a field `{c}` adds to each entry of the ledger (see
`processor.engines.ledger`). `{d}` is the delimiter, escaped for a character class."""

_NO_EMPTY_LINE = "CASE WHEN c0 <> '' THEN true ELSE error('an empty line, or an empty cell') END"
"""True, or an error for an empty line in a file of one column: DuckDB reads it as a row, and the
ledger cannot detect that."""


def grouping(
    query: Query,
    header: Header,
    path: str,
    *,
    with_header: bool,
    csv_buffer: int | None,
) -> tuple[str, list[str]]:
    """Return the statement that reads the file at `path` into the table `groups`, and parameters.

    The statement parses the file, checks each number and groups the rows. The parameters are the
    values of `where`. Rows that `where` excludes form groups of their own, as the ledger needs
    them.

    DuckDB casts texts such as '1.5', '1e3', ' 5 ' and '0x10' to integers. So a number is accepted
    only if casting it back to text gives the same text, or if it is digits after an optional sign.
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
    checks = [_check_number(i, strict, kept) for i, strict in numbers.items()]
    if header.columns == 1:
        checks.append(_NO_EMPTY_LINE)
    groups = ", ".join(_key(i, kept) for i in dict.fromkeys(query.group_by))
    # In most files, most entries are 0, which need no sum.
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
    """Return the statement that counts groups, included rows and all rows, and sums the ledger."""
    counts = "WHERE kept" if query.where is not None else "WHERE true"
    # The keys of all rows of a group are equal, so they are measured once per group. Excluded rows
    # have empty keys here; `grouping` measured all their fields.
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
    """Return the statement that selects the result in order: texts `c0`, `c1`, ... or NULL."""
    texts = [f"k{i}" for i in query.group_by]
    texts += [f"a{i}::VARCHAR" for i in range(len(query.columns))]
    named = ", ".join(f"{text} AS c{i}" for i, text in enumerate(texts))
    return f"SELECT {named} FROM ({_kept(query)})"  # noqa: S608


def writing(query: Query, path: str) -> str:
    """Return the statement that writes the result in order to the pipe at `path`, as CSV.

    DuckDB would quote more fields than necessary. So the statement builds each line itself, and
    sets no quote character, so that DuckDB writes the line unchanged.
    """
    fields = [
        f"CASE WHEN {_HAS_SPECIAL} THEN {_QUOTED} ELSE {{c}} END".format(c=f"k{i}", d=",")
        for i in query.group_by
    ]
    # An aggregate without a value is NULL, and written as an empty field.
    fields += [f"coalesce(a{i}::VARCHAR, '')" for i in range(len(query.columns))]
    return f"""
        COPY (
            SELECT {" || ',' || ".join(fields)} FROM ({_kept(query)})
        ) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', USE_TMP_FILE false)
    """  # noqa: S608


def _kept(query: Query) -> str:
    """Return the SQL that selects the groups of the result in order."""
    limit = query.aggregation.limit
    return f"""
        SELECT * FROM groups {"WHERE kept" if query.where is not None else ""}
        ORDER BY {", ".join(_order(query))} {"" if limit is None else f"LIMIT {limit:d}"}
    """  # noqa: S608


def _numbers(query: Query) -> dict[int, bool]:
    """Return the columns read as numbers, and whether an empty cell in them is an error."""
    strict: dict[int, bool] = {}
    for column, aggregate in zip(query.columns, query.aggregation.aggregates, strict=True):
        if column is not None and aggregate.kind in NUMERIC:
            strict[column] = strict.get(column, False) or aggregate.strict
    return strict


def _read_number(column: int, strict: bool, kept: str) -> str:
    conditions = [*(["kept"] if kept else []), *([] if strict else [f"c{column} <> ''"])]
    number = f"c{column}::BIGINT"
    return f"CASE WHEN {' AND '.join(conditions)} THEN {number} END" if conditions else number


def _check_number(column: int, strict: bool, kept: str) -> str:
    """Return SQL that is true for a valid number, and an error otherwise."""
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
    """Yield the sort expressions. A missing value sorts before all numbers."""
    groups = len(query.group_by)
    for order in query.order_by:
        is_key = order.column < groups
        name = f"k{query.group_by[order.column]}" if is_key else f"a{order.column - groups}"
        yield f"{name} DESC NULLS LAST" if order.descending else f"{name} ASC NULLS FIRST"
    yield from (f"k{i}" for i in dict.fromkeys(query.group_by))


def _condition(where: Restriction, parameters: list[str]) -> str:
    """Return `where` as SQL, and append its values to `parameters`. Columns are never NULL."""
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
    """Return the SQL of what a row adds to each ledger entry. Keys are measured once per group."""
    keys, numbers = set(query.group_by), set(_numbers(query)) - set(query.group_by)
    others = [i for i in range(header.columns) if i not in keys | numbers]
    entries = _entries(others, "c", header)
    # A number contains no special character, so it adds only to `text`.
    for number in sorted(numbers):
        entries["text"] = f"strlen(c{number}) + {entries['text']}"
    if not kept:
        return entries
    every = _entries(range(header.columns), "c", header)
    return {name: f"CASE WHEN kept THEN {entries[name]} ELSE {every[name]} END" for name in entries}


def _entries(columns: Iterable[int], prefix: str, header: Header) -> dict[str, str]:
    """Return the SQL of what these columns of a row add to each ledger entry."""
    names = [f"{prefix}{i}" for i in columns]
    delimiter = header.dialect.delimiter
    in_class = "\\" + delimiter if delimiter == "^" else delimiter
    # Without quotes in the dialect, only the text of a field counts.
    entries = {
        entry: sql if entry == "text" or header.dialect.quote else "0"
        for entry, sql in ENTRIES.items()
    }
    return {
        entry: " + ".join(f"({sql.format(c=name, d=in_class)})" for name in names if sql != "0")
        or "0"
        for entry, sql in entries.items()
    }
