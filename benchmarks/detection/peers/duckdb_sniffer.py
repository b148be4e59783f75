"""DuckDB: `sniff_csv` finds the dialect, `read_csv` reads all cells as text with it.

A cell that DuckDB reads as NULL is an empty text here.
"""

from pathlib import Path

import duckdb

from benchmarks.detection.reading import Reading, read_all


def read(path: Path, header: bool | None) -> Reading:
    """Read a file. Raises duckdb.Error if DuckDB refuses it."""
    given = "" if header is None else f", header = {str(header).lower()}"
    sniffed = f"FROM sniff_csv(?{given}) SELECT HasHeader, [c.name FOR c IN Columns]"
    found = duckdb.execute(sniffed, [str(path)]).fetchone()
    assert found is not None
    has_header, names = found
    kinds = "{" + ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names) + "}"
    options = f"columns = {kinds}, header = {str(has_header).lower()}, auto_detect = true"
    rows = duckdb.execute(f"FROM read_csv(?, {options})", [str(path)]).fetchall()
    return Reading(
        list(names) if has_header else None,
        [["" if cell is None else cell for cell in row] for row in rows],
    )


def _text(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


if __name__ == "__main__":
    read_all(read)
