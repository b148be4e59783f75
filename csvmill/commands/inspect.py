"""`csvmill inspect`: dialect, columns and problems of a file, without a server."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.exit_codes import Exit, report_errors, show_json
from csvmill.commands.job_text import describe_warning, multiline_rows
from csvmill.commands.option_words import given_as_json, input_options, spoken
from csvmill.commands.options import STREAM, input_argument, json_option
from csvmill.commands.problem_text import describe_problems
from csvmill.commands.spec_options import GRAMMAR, SpecCommand, spec_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from shared.inspection.header import HeaderDecision
    from shared.inspection.inspect import Inspection

_FIRST_READ = 2 << 20
"""Bytes of the file that are read, unless its header is longer."""
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
_MAX_COLUMNS = 100


@click.command(
    cls=SpecCommand, epilog=GRAMMAR, short_help="Show the dialect, columns and problems of a file."
)
@input_argument(allow_dash=True)
@json_option
@spec_options
def inspect(file: Path, as_json: bool, aggregation: dict[str, Any] | None) -> None:
    """Show the dialect of FILE, its columns and its first problems, from its first MiB.

    With a spec, also check that FILE fits it; if not, the exit code is 1. FILE `-` is standard
    input.

    \b
    Examples:
      csvmill inspect plays.csv
      csvmill inspect plays.csv --json --group-by Song --sum Plays
    """
    # Imported here, so that other commands start faster.
    from shared.inspection.inspection_view import inspection_view

    with report_errors(as_json=as_json), _open(file) as source:
        found = inspected(source, aggregation)
    if as_json:
        show_json(inspection_view(found).as_json())
    else:
        click.echo(describe(found))
    if found.error or (found.fits and found.fits.error):
        raise click.exceptions.Exit(Exit.FAILED)


def inspected(source: BinaryIO, aggregation: dict[str, Any] | None) -> Inspection:
    """Inspect a file that is read from its start, for a spec (its JSON) or without one."""
    from shared.aggregation.json_reader import read_aggregation
    from shared.inspection.inspect import INSPECTION_LIMIT
    from shared.inspection.inspect import inspect as inspect_sample

    spec = None if aggregation is None else read_aggregation(aggregation, "spec")
    sample = b""
    # A long header may need more.
    for limit in (_FIRST_READ, INSPECTION_LIMIT):
        sample += source.read(limit + 1 - len(sample))
        whole = len(sample) <= limit
        found = inspect_sample(sample[:limit], whole=whole, aggregation=spec)
        if found.column_count or found.error or whole:
            break
    return found


def describe(found: Inspection) -> str:
    """Return an inspection as text for people."""
    lines = [("dialect", _dialect(found)), ("header", _header(found.header))]
    if found.error:
        lines.append(("error", spoken(found.error)))
    sampled = f"{found.rows:,} in the first {found.size:,} bytes"
    lines.append(("rows", f"{found.rows:,}" if found.whole else sampled))
    lines.append(("columns", f"{found.column_count:,}"))
    width = max((len(column.name) for column in found.columns[:_MAX_COLUMNS]), default=0)
    for column in found.columns[:_MAX_COLUMNS]:
        empty = f"{column.empty:,} empty; " if column.empty else ""
        samples = "  ".join(map(_shorten, column.samples))
        lines.append(
            (f"@{column.position}", f"{column.name:<{width}}  {column.type:<7}  {empty}{samples}")
        )
    if found.column_count > _MAX_COLUMNS:
        lines.append(("", f"... and {found.column_count - _MAX_COLUMNS:,} more"))
    if found.rows_of_several_lines:
        lines.append(("", multiline_rows(found.rows_of_several_lines, found.most_lines)))
    lines += [("warning", spoken(describe_warning(each))) for each in found.warnings]
    lines += [("note", spoken(note)) for note in found.notes]
    if (proposed := found.proposed) is not None:
        lines.append(("proposal", proposal_text(proposed)))
        lines += [("", spoken(reason)) for reason in found.lines.reasons]
    if found.problem_count:
        lines.append(("bad rows", f"{found.problem_count:,}"))
        lines += [("", spoken(text)) for text in describe_problems(found.problems)]
    if found.fits and found.fits.error:
        lines.append(("spec", f"does not fit this file: {spoken(found.fits.error)}"))
    elif found.fits:
        lines.append(("spec", f"gives {', '.join(found.fits.columns)}"))
    return "\n".join(f"{name:<8} {value}".rstrip() for name, value in lines)


def proposal_text(proposed: Mapping[str, Any]) -> str:
    """Return what an inspection proposes: options, or JSON if the spec was given as that."""
    if given_as_json():
        return json.dumps(proposed, ensure_ascii=False)
    return input_options(proposed["input"])


def _dialect(found: Inspection) -> str:
    dialect = found.dialect
    parts = [_DELIMITERS.get(dialect.delimiter, f"delimiter {dialect.delimiter!r}")]
    parts.append(f"quote {dialect.quote}" if dialect.quote else "no quotes")
    if dialect.escape:
        parts.append(f"escape {dialect.escape}")
    parts.append(dialect.encoding + (" with a byte order mark" if found.bom else ""))
    if found.line_ends:
        parts.append("lines end in " + " and ".join(end.upper() for end in found.line_ends))
    if dialect.sep_line:
        parts.append("a sep= line")
    if dialect.compression != "none":
        parts.append(dialect.compression)
    return ", ".join(parts)


def _header(found: HeaderDecision) -> str:
    if found.header is None:
        return spoken(found.reason)
    return f"{'yes' if found.header else 'no'}: {found.reason}"


def _shorten(text: str) -> str:
    shown = text.replace("\r", " ").replace("\n", " ")
    return shown if len(shown) <= 30 else f"{shown[:30]}..."


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == STREAM else file.open("rb")
