"""Options that describe the spec, for every command that reads a CSV file."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from csvmill.commands.option_tables import (
    FUNCTION_OPTIONS,
    GIVEN_SPEC,
    INPUT_OPTIONS,
    NUMBER_OPTIONS,
    OPTION_ORDER,
    GivenSpec,
)
from csvmill.commands.output_format import format_of
from csvmill.commands.spec_building import spec_from_json, spec_from_options
from shared.aggregation.formats import DEFAULT_FORMAT, FORMATS, formats_help
from shared.csv.dialect import Columns, OnBadRow, OnRagged

if TYPE_CHECKING:
    from collections.abc import Callable


GRAMMAR = """\b
How to describe the spec:
  Without these options, plays are summed by song and date (docs/aggregation.md).
  COLUMN is a name from the header, or a position such as @3. Put a name in
  double quotes if it contains one of , : = < > ! * or starts with @ or -.
  ITEMS are separated by commas: [NAME=]COLUMN[:OPTION]. NAME names the output
  column. With --group-by, OPTION is hour, day, week, month, quarter, year,
  weekday, upper, lower, trim or nfc; with a function, it is the type of the
  cells: number, integer, date or text. A function of numbers also takes the
  product A*B of two columns. Other values: COLUMN:P of --percentile,
  [NAME=]OUTPUT/OUTPUT of --ratio, CONDITION of --count-if, "COLUMN if CONDITION"
  of --sum-if.
  CONDITION is COLUMN[:TYPE] OP VALUE. OP is one of = != < <= > >= contains
  starts_with like; or COLUMN in (VALUE, ...), COLUMN between VALUE and VALUE,
  COLUMN is_empty. Conditions are combined by and, or, not and parentheses; put a
  value that contains these in double quotes. VALUE is compared as a number if it is one, with < and
  > also as a date, and otherwise as text; in quotes it is always text.
  The dialect of FILE is detected unless you declare it; `csvmill inspect`
  shows it.

\b
  --group-by Song --sum Plays --where Country=DE --order-by -Plays --limit 10
  --group-by Month=Date:month --avg Plays --count --where 'Plays>0'
  --group-by Country --max Date:date --where 'Country in DE,AT,"Other, EU"'
  --group-by Song --count-distinct Listener --having 'Listener>=100'
  --group-by Shop --sum Price*Quantity --percentile Price:95 --stddev Price
  --count --count-if Status=failed --ratio 'failed="count_if(Status=failed)"/count'
"""

_NAMES = (
    "group_by", "count", *(name.replace("-", "_") for name in FUNCTION_OPTIONS),
    "where", "having", "order_by", "limit", "output_format", "escape_formulas", "strict",
    *INPUT_OPTIONS, "null", *NUMBER_OPTIONS,
)  # fmt: skip


class SpecCommand(click.Command):
    """A command with `spec_options`, which its help lists in a section of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Also record the order of the options, which is that of the output columns."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[OPTION_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the command, then those of the spec."""
        own: list[tuple[str, str]] = []
        spec: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                (spec if parameter.name in (*_NAMES, "spec") else own).append(record)
        with formatter.section("Options"):
            formatter.write_dl(own)
        with formatter.section("Spec"):
            formatter.write_dl(spec)


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass the command their spec as `aggregation`: JSON, or None."""

    @functools.wraps(command)
    def with_spec(*args: Any, spec: str | None, **options: Any) -> Any:
        values = {name: options.pop(name) for name in _NAMES}
        output = _result_file(options.get("output"))
        given = [name for name in _NAMES if _is_given(name, values[name])]
        if spec is None:
            if output is not None:
                values["output_format"] = format_of(output, values["output_format"])
            is_default = not given and values["output_format"] in (None, DEFAULT_FORMAT)
            aggregation = None if is_default else spec_from_options(values)
        elif given:
            option = "--" + given[0].replace("_", "-").replace("output-format", "format")
            raise click.UsageError(f"{option} cannot be combined with --spec; put it in the JSON")
        else:
            aggregation = spec_from_json(spec, _read_by(options), output)
        click.get_current_context().meta[GIVEN_SPEC] = GivenSpec(aggregation, spec is not None)
        return command(*args, aggregation=aggregation, **options)

    for option in reversed(_options()):
        with_spec = option(with_spec)
    return with_spec


def _read_by(options: dict[str, Any]) -> object:
    """Return the file that a command reads, or the first one of several."""
    files = options.get("files")
    return files[0] if files else options.get("file")


def _result_file(output: object) -> Path | None:
    """Return the file that the result is written to; None for standard output."""
    if not isinstance(output, Path) or str(output) == "-":
        return None
    return output


def _is_given(name: str, value: object) -> bool:
    return value not in (None, (), False) or (name == "header" and value is False)


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    text = functools.partial(click.option, multiple=True)
    functions = [
        text(f"--{name}", metavar="ITEMS", help=function.help)
        for name, function in FUNCTION_OPTIONS.items()
    ]
    return [
        text("--group-by", metavar="ITEMS", help="Columns to group rows by."),
        *functions[:1],
        click.option("--count", is_flag=True, help="The number of rows."),
        *functions[1:],
        text(
            "--where",
            metavar="CONDITION",
            help="Rows to include; several must all hold.",
        ),
        text("--having", metavar="CONDITION", help="Rows of the result to keep."),
        text(
            "--order-by",
            metavar="COLUMNS",
            help="Output columns to sort by, or their input columns; -COLUMN sorts descending.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            metavar="ROWS",
            help="Maximum number of rows.",
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(list(FORMATS)),
            help=f"Format of the result: {formats_help()}.  [default: {DEFAULT_FORMAT}]",
        ),
        click.option(
            "--escape-formulas",
            is_flag=True,
            help="In CSV, put an apostrophe before text that begins like a formula.",
        ),
        click.option(
            "--strict", is_flag=True, help="Fail the job if there is a warning about FILE."
        ),
        click.option(
            "--delimiter", metavar="CHAR", help="Of FILE: a character, or tab, semicolon, pipe."
        ),
        click.option("--quote", metavar="CHAR", help="Of FILE: \", ', or none."),
        click.option("--escape", metavar="CHAR", help="Of FILE: backslash, or none (doubled)."),
        click.option("--encoding", metavar="NAME", help="Of FILE: utf-8, windows-1252, ..."),
        click.option(
            "--header/--no-header",
            default=None,
            help="Whether FILE has a header; without one, columns are column1, column2, ...",
        ),
        click.option("--line-end", metavar="NAME", help="Of FILE: lf (CRLF too), or cr."),
        click.option(
            "--compression", metavar="NAME", help="Of FILE: none, gzip, zstd, bzip2, zip or xlsx."
        ),
        click.option(
            "--sheet",
            metavar="SHEET",
            callback=_number_or_text,
            help="The sheet of a workbook, by its name, or its number from 1.",
        ),
        click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark in FILE."),
        click.option("--thousands", metavar="CHAR", help="Thousands separator in FILE."),
        text("--null", metavar="TEXT", help="A text in FILE that counts as an empty cell."),
        click.option(
            "--currency", is_flag=True, help="Numbers in FILE may have a currency, as in 5 EUR."
        ),
        click.option("--percent", is_flag=True, help="Numbers in FILE may have a percent sign."),
        click.option(
            "--parentheses",
            type=click.Choice(["text", "negative"]),
            help="What (5) means in FILE: text, or -5.  [default: text]",
        ),
        click.option(
            "--date",
            metavar="FORMAT",
            help="How dates in FILE are written: a pattern such as %d/%m/%Y, or iso, iso_zoned, "
            "epoch, epoch_ms.  [default: iso]",
        ),
        click.option(
            "--on-bad-row",
            type=click.Choice(get_args(OnBadRow)),
            help="Whether a malformed record fails the job.  [default: fail]",
        ),
        click.option(
            "--on-ragged",
            type=click.Choice(get_args(OnRagged)),
            help="What becomes of records with too few or too many cells.  [default: fail]",
        ),
        click.option(
            "--columns",
            type=click.Choice(get_args(Columns)),
            help="Whether several files must have the same columns, or a column that one lacks is "
            "empty there.  [default: same]",
        ),
        click.option(
            "--skip-lines",
            type=click.IntRange(min=0),
            metavar="LINES",
            help="Lines above the table in FILE.",
        ),
        click.option(
            "--header-line",
            type=click.IntRange(min=1),
            metavar="LINE",
            help="The line of the header in FILE, from 1.",
        ),
        click.option("--header-starts-with", metavar="TEXT", help="How the header's line begins."),
        click.option("--comment", metavar="TEXT", help="Skip lines that begin with this text."),
        click.option(
            "--skip-footer",
            metavar="LINES",
            callback=_number_or_text,
            help="Lines below the table in FILE, or the text with which the first one begins.",
        ),
        click.option(
            "--spec",
            metavar="JSON",
            help="The whole spec as JSON: a file, - for standard input, or the JSON itself.",
        ),
    ]


def _number_or_text(_context: object, _option: object, given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isascii() and given.isdigit() else given
