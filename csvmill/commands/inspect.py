"""`csvmill inspect`: what is understood of a file, without a server."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.asking import GRAMMAR, AskingCommand, asking
from csvmill.commands.describing import several_lines
from csvmill.commands.options import input_argument, json_option
from csvmill.commands.outcomes import Exit, errors_shown, show_json

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from shared.inspection.header import Verdict
    from shared.inspection.inspect import Inspection

_AT_FIRST = 2 << 20
"""Bytes of the file that are read, unless its header goes on."""
STREAM = Path("-")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
_SHOWN_COLUMNS = 100
_SAY = "say --header or --no-header"


@click.command(
    cls=AskingCommand, epilog=GRAMMAR, short_help="What is understood of a file, by its beginning."
)
@input_argument(allow_dash=True)
@json_option
@asking
def inspect(file: Path, as_json: bool, aggregation: dict[str, Any] | None) -> None:
    """Tell how FILE is written, its columns, its first bad records, by its first MiB.

    With options that say what to compute: whether FILE has what they ask for; if not, the exit
    code is 1. FILE `-` is standard input.

    \b
    Examples:
      csvmill inspect plays.csv
      csvmill inspect plays.csv --json --group-by Song --sum Plays
    """
    # Other commands need not wait for these.
    from shared.aggregation.wire import read_aggregation
    from shared.inspection.inspect import LOOKED_AT, inspection_view
    from shared.inspection.inspect import inspect as inspected

    asked = None if aggregation is None else read_aggregation(aggregation, "spec")
    with errors_shown(as_json=as_json), _opened(file) as beginning:
        sample = b""
        # A header may go on.
        for most in (_AT_FIRST, LOOKED_AT):
            sample += beginning.read(most + 1 - len(sample))
            whole = len(sample) <= most
            found = inspected(sample[:most], whole=whole, aggregation=asked)
            if found.column_count or found.error or whole:
                break
    if as_json:
        show_json(inspection_view(found))
    else:
        click.echo(describe(found))
    if found.error or (found.fits and found.fits.error):
        raise click.exceptions.Exit(Exit.FAILED)


def describe(found: Inspection) -> str:
    """An inspection for people."""
    lines = [("written", _written(found)), ("header", _header(found.header))]
    if found.error:
        lines.append(("error", found.error))
    looked = f"{found.rows:,} in the first {found.size:,} bytes"
    lines.append(("rows", f"{found.rows:,}" if found.whole else looked))
    lines.append(("columns", f"{found.column_count:,}"))
    width = max((len(column.name) for column in found.columns[:_SHOWN_COLUMNS]), default=0)
    for column in found.columns[:_SHOWN_COLUMNS]:
        empty = f"{column.empty:,} empty; " if column.empty else ""
        samples = ", ".join(map(_cut, column.samples))
        lines.append(
            (f"@{column.position}", f"{column.name:<{width}}  {column.type:<7}  {empty}{samples}")
        )
    if found.column_count > _SHOWN_COLUMNS:
        lines.append(("", f"... and {found.column_count - _SHOWN_COLUMNS:,} more"))
    if found.rows_of_several_lines:
        lines.append(("", several_lines(found.rows_of_several_lines, found.most_lines)))
    lines += [("note", note) for note in found.notes]
    if found.problem_count:
        lines.append(("bad rows", f"{found.problem_count:,}"))
        lines += [("", str(problem)) for problem in found.problems]
    if found.fits and found.fits.error:
        lines.append(("asked", f"is not for this file: {found.fits.error}"))
    elif found.fits:
        lines.append(("asked", f"gives {', '.join(found.fits.columns)}"))
    return "\n".join(f"{name:<8} {value}".rstrip() for name, value in lines)


def _written(found: Inspection) -> str:
    dialect = found.dialect
    parts = [_NAMES.get(dialect.delimiter, f"delimiter {dialect.delimiter!r}")]
    parts.append(f"quote {dialect.quote}" if dialect.quote else "nothing quoted")
    if dialect.escape:
        parts.append(f"escape {dialect.escape}")
    parts.append(dialect.encoding + (" with a byte order mark" if found.bom else ""))
    if found.line_ends:
        parts.append("lines end in " + " and ".join(end.upper() for end in found.line_ends))
    if dialect.sep_line:
        parts.append("a line for spreadsheets")
    if dialect.compression != "none":
        parts.append(dialect.compression)
    return ", ".join(parts)


def _header(found: Verdict) -> str:
    if found.header is None:
        return found.reason.replace("set input.header to true or false", _SAY)
    return f"{'yes' if found.header else 'no'}: {found.reason}"


def _cut(text: str) -> str:
    shown = text.replace("\r", " ").replace("\n", " ")
    return shown if len(shown) <= 30 else f"{shown[:30]}..."


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STREAM else file.open("rb")
