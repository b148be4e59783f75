"""The SQL of the fast plan. Nothing from outside gets into it: columns are numbered, not named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processor.engines.plan import Header
    from shared.aggregation.resolve import Query

_QUOTES = """strlen({c}) - strlen(replace({c}, '"', ''))"""

_AWKWARD = {
    "needed_quotes": f"2 + {_QUOTES}",
    "quotes": _QUOTES,
    "quotes_before_blanks": """
        strlen({c}) - strlen(replace({c}, '" ', '"'))
        + regexp_matches({c}, '^ [^,\\r\\n]*[,\\r\\n]')::BIGINT
    """,
    "ambiguous": """regexp_full_match({c}, '[^",\\r\\n]+"[^,\\r\\n]*')::BIGINT""",
}
# Most fields have none of these characters, and are done with after this one test.
_IS_AWKWARD = """regexp_matches({c}, '[",\\r\\n]')"""
_QUOTED = """'"' || replace({c}, '"', '""') || '"'"""

ENTRIES = {
    "text": "strlen({c})",
    **{entry: f"CASE WHEN {_IS_AWKWARD} THEN {sql} ELSE 0 END" for entry, sql in _AWKWARD.items()},
}
"""What a field `{c}` adds to each entry of the ledger (see `processor.engines.ledger`)."""


def grouping(
    query: Query,
    header: Header,
    path: str,
    *,
    with_header: bool,
    csv_buffer: int | None,
) -> str:
    """Parse the file at `path`, check each number, and group, into the table `groups`.

    DuckDB's cast from text to an integer takes '1.5', '1e3', ' 5 ' and '0x10' for integers, so
    a number must come out of it as it went in, or else be digits after an optional sign.
    """
    columns = [f"c{i}" for i in range(header.columns)]
    types = ", ".join(f"'{c}': 'VARCHAR'" for c in columns)
    names = ", ".join(f"'{c}'" for c in columns)
    buffer = f", buffer_size={csv_buffer:d}" if csv_buffer else ""
    sum_of = summed(query)
    number = columns[sum_of]
    entries = _entries(_beside_keys(query, header))
    # A number has no quotes within it, and so adds to one entry only.
    if sum_of not in query.group_by:
        entries["text"] = f"strlen({number}) + {entries['text']}"
    # Most files have no other columns, and nothing to sum in most entries.
    sums = [
        f"{'0' if entry == '0' else f'sum({entry})'} AS {name}" for name, entry in entries.items()
    ]
    return f"""
        CREATE TEMP TABLE groups AS
        SELECT {_keys(query)}, sum(number) AS total, count(*) AS rows, {", ".join(sums)}
        FROM (
            SELECT *, {number}::BIGINT AS number
            FROM read_csv(
                '{path}', auto_detect=false, header={with_header}, columns={{{types}}},
                force_not_null=[{names}], delim=',', quote='"', escape='"', comment='',
                strict_mode=true, null_padding=false, ignore_errors=false,
                compression='none', encoding='utf-8'{buffer}
            )
        )
        WHERE CASE
            WHEN number::VARCHAR = {number} THEN true
            WHEN regexp_full_match({number}, '[+-]?[0-9]+') THEN true
            ELSE error('not an integer')
        END
        GROUP BY ALL
    """  # noqa: S608


def accounting(query: Query) -> str:
    """The number of groups and of rows, and each entry of the ledger, in order."""
    # Fields of the same group are alike: they are accounted for once, and multiplied.
    sums = [
        f"coalesce(sum({name} + rows * ({entry})), 0)"
        for name, entry in _entries(dict.fromkeys(query.group_by)).items()
    ]
    return f"SELECT count(*), coalesce(sum(rows), 0), {', '.join(sums)} FROM groups"  # noqa: S608


def writing(query: Query, path: str) -> str:
    """Write the rows, sorted, to the pipe at `path`.

    DuckDB would quote more fields than need it, so lines are made here, and written as they are
    because no quote character is set.
    """
    fields = [
        f"CASE WHEN {_IS_AWKWARD} THEN {_QUOTED} ELSE {{c}} END".format(c=f"c{i}")
        for i in query.group_by
    ]
    return f"""
        COPY (
            SELECT {" || ',' || ".join([*fields, "total"])}
            FROM (SELECT * FROM groups ORDER BY {_keys(query)})
        ) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', USE_TMP_FILE false)
    """  # noqa: S608


def summed(query: Query) -> int:
    """The column that is summed."""
    (column,) = query.columns
    assert column is not None  # noqa: S101
    return column


def _keys(query: Query) -> str:
    return ", ".join(f"c{i}" for i in dict.fromkeys(query.group_by))


def _beside_keys(query: Query, header: Header) -> list[int]:
    keyed = {*query.group_by, summed(query)}
    return [i for i in range(header.columns) if i not in keyed]


def _entries(columns: Iterable[int]) -> dict[str, str]:
    """What the fields of these columns in a row add to each entry together."""
    names = [f"c{i}" for i in columns]
    return {
        entry: " + ".join(f"({sql.format(c=name)})" for name in names) or "0"
        for entry, sql in ENTRIES.items()
    }
