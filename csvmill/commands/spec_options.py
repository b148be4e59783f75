"""Options that describe the spec, for every command that reads a CSV file."""

from __future__ import annotations

import functools
import re
import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from csvmill.commands import grammar
from csvmill.commands.conditions import condition
from csvmill.commands.words import GrammarError, json_object
from shared.aggregation.formats import DEFAULT_FORMAT, FORMATS, formats_help
from shared.aggregation.functions import FUNCTIONS, AggregateFunction
from shared.aggregation.json_codec import aggregation_json, aggregation_of_json
from shared.aggregation.spec import SONG_PLAYS, Arithmetic
from shared.csv.dialect import OnBadRow, OnRagged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Column

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

_FUNCTIONS: dict[str, AggregateFunction] = {
    "count-of" if each.name == "count" else each.name.replace("_", "-"): each
    for each in FUNCTIONS.values()
}
_INPUT = (
    "delimiter", "quote", "escape", "encoding", "header", "line_end", "compression", "decimal",
    "thousands", "date", "on_bad_row", "on_ragged", "skip_lines", "header_line",
    "header_starts_with", "comment", "skip_footer",
)  # fmt: skip
_NUMBER = ("currency", "percent", "parentheses")
_OPTION_ORDER = "csvmill.spec_options.order"
_NAMES = (
    "group_by", "count", *(name.replace("-", "_") for name in _FUNCTIONS),
    "where", "having", "order_by", "limit", "output_format", "escape_formulas", "strict",
    *_INPUT, "null", *_NUMBER,
)  # fmt: skip
_OPTION_OF = {
    "group_by": "--group-by", "where": "--where", "having": "--having",
    "order_by": "--order-by", "limit": "--limit", "output": "--format", "input": "--delimiter",
    "on_warning": "--strict", "output_options": "--escape-formulas",
}  # fmt: skip


class SpecCommand(click.Command):
    """A command with `spec_options`, which its help lists in a section of their own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Also record the order of the options, which is that of the output columns."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_OPTION_ORDER] = [parameter.name for parameter in order]
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
        given = [name for name in _NAMES if _is_given(name, values[name])]
        if spec is None:
            aggregation = _from_options(values) if given else None
        elif given:
            option = "--" + given[0].replace("_", "-").replace("output-format", "format")
            raise click.UsageError(f"{option} cannot be combined with --spec; put it in the JSON")
        else:
            aggregation = _from_spec(spec, options.get("file"))
        return command(*args, aggregation=aggregation, **options)

    for option in reversed(_options()):
        with_spec = option(with_spec)
    return with_spec


def _is_given(name: str, value: object) -> bool:
    return value not in (None, (), False) or (name == "header" and value is False)


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    text = functools.partial(click.option, multiple=True)
    functions = [
        text(f"--{name}", metavar="ITEMS", help=function.help)
        for name, function in _FUNCTIONS.items()
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
            "--compression", metavar="NAME", help="Of FILE: none, gzip, zstd, bzip2 or zip."
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
        click.option("--comment", metavar="TEXT", help="How lines begin that are passed over."),
        click.option(
            "--skip-footer",
            metavar="LINES",
            callback=_lines_or_text,
            help="Lines below the table in FILE, or the text with which the first one begins.",
        ),
        click.option(
            "--spec",
            metavar="JSON",
            help="The whole spec as JSON: a file, - for standard input, or the JSON itself.",
        ),
    ]


def _lines_or_text(_context: object, _option: object, given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isascii() and given.isdigit() else given


def _from_spec(spec: str, file: object) -> dict[str, Any]:
    with _errors_name("--spec"):
        if spec.lstrip().startswith("{"):
            return _checked(json_object(spec))
        if spec == "-":
            if str(file) == "-":
                raise GrammarError("FILE is already standard input; give a file")
            return _checked(json_object(sys.stdin.read()))
        try:
            text = Path(spec).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise GrammarError(
                f"{spec!r} cannot be read: {error}; give a file, - or the JSON itself"
            ) from error
        return _checked(json_object(text))


def _from_options(given: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of the spec that the options describe."""
    spec: dict[str, Any] = {}
    for text in given["group_by"]:
        with _errors_name("--group-by"):
            spec.setdefault("group_by", []).extend(grammar.group_columns(text))
    aggregates, sources = _aggregates(given)
    if aggregates:
        spec["aggregates"] = aggregates
    if not spec:
        spec = aggregation_json(SONG_PLAYS)
    outputs = _outputs(spec)
    for key in ("where", "having"):
        found = []
        for text in given[key]:
            with _errors_name(f"--{key}"):
                if key == "where":
                    found.append(condition(text))
                else:
                    found.append(_having(text, outputs))
        if found:
            spec[key] = found[0] if len(found) == 1 else {"and": found}
    for text in given["order_by"]:
        with _errors_name("--order-by"):
            spec.setdefault("order_by", []).extend(
                {"column": _output(name, outputs), "descending": descending}
                for name, descending in grammar.orders(text)
            )
    if given["limit"] is not None:
        spec["limit"] = given["limit"]
    if given["output_format"] is not None:
        spec["output"] = given["output_format"]
    if given["escape_formulas"]:
        spec["output_options"] = {"escape_formulas": True}
    if given["strict"]:
        spec["on_warning"] = "fail"
    declared = {name: given[name] for name in _INPUT if given[name] is not None}
    if given["null"]:
        declared["null"] = list(given["null"])
    if number := {name: given[name] for name in _NUMBER if given[name] not in (None, False)}:
        declared["number"] = number
    if declared:
        spec["input"] = declared
    return _checked(spec, sources)


def _aggregates(given: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Return the aggregates in the order of the command line, and the option of each."""
    texts = {name: deque(given[name.replace("-", "_")]) for name in _FUNCTIONS}
    found: list[dict[str, Any]] = []
    sources: dict[int, str] = {}
    for parameter in click.get_current_context().meta[_OPTION_ORDER]:
        name = str(parameter).replace("_", "-")
        if name == "count":
            added = [] if {"function": "count"} in found else [{"function": "count"}]
        elif texts.get(name):
            with _errors_name(f"--{name}"):
                added = grammar.aggregates(_FUNCTIONS[name].name, texts[name].popleft())
        else:
            continue
        sources |= {len(found) + i: f"--{name}" for i in range(len(added))}
        found += added
    return found, sources


def _outputs(spec: dict[str, Any]) -> list[tuple[str, Column | None, Kind]]:
    """Return name, input column and kind of each output column whose name is known."""
    outputs: list[tuple[str, Column | None, Kind]] = []
    for group in spec.get("group_by", ()):
        name = group.get("name", group["column"])
        if isinstance(name, str):
            outputs.append((name, group["column"], "text"))
    for each in spec.get("aggregates", ()):
        (aggregate,) = aggregation_of_json({"aggregates": [each]}).aggregates
        name = aggregate.name or aggregate.default_name(str)
        source = None if isinstance(aggregate.column, Arithmetic) else aggregate.column
        kind = aggregate.output_kind
        outputs.append((name, source, "number" if kind == "integer" else kind))
    return outputs


def _output(column: Column, outputs: Sequence[tuple[str, Column | None, Kind]]) -> str:
    """Return the name of an output column, given its name or its input column."""
    if any(name == column for name, _, _ in outputs):
        return str(column)
    computed = [name for name, source, _ in outputs if source == column]
    return computed[0] if len(computed) == 1 else str(column)


def _having(text: str, outputs: Sequence[tuple[str, Column | None, Kind]]) -> dict[str, Any]:
    def kind_of(column: Column) -> Kind | None:
        output = _output(column, outputs)
        return next((kind for name, _, kind in outputs if name == output), None)

    found = condition(text, kind_of)
    return found if text.lstrip().startswith("{") else _of_outputs(found, outputs)


def _of_outputs(
    found: dict[str, Any], outputs: Sequence[tuple[str, Column | None, Kind]]
) -> dict[str, Any]:
    """Return a condition that names output columns instead of their input columns."""
    for form in ("and", "or"):
        if form in found:
            return {form: [_of_outputs(part, outputs) for part in found[form]]}
    return found | {"column": _output(found["column"], outputs)}


def _checked(spec: dict[str, Any], sources: Mapping[int, str] | None = None) -> dict[str, Any]:
    """Return the spec as normalized JSON.

    Raises BadParameter, which names the option at fault, if it is invalid.
    """
    # Imported here, so that commands without a spec start faster.
    from shared.aggregation.json_reader import read_aggregation
    from shared.errors import InvalidInput

    try:
        return aggregation_json(read_aggregation(spec, "spec"))
    except InvalidInput as error:
        option, message = "--spec", str(error)
        if sources is not None:
            path = str(error.field).removeprefix("spec.")
            option = _option_of(path, sources)
            message = message.removeprefix("spec.")
        raise click.BadParameter(message, param_hint=f"'{option}'") from error


def _option_of(path: str, sources: Mapping[int, str]) -> str:
    """Return the option that set the value at a path of the JSON."""
    for index, option in sources.items():
        if path.startswith(f"aggregates[{index}]"):
            return option
    if path.startswith("input."):
        name = path.removeprefix("input.").removeprefix("number.")
        return "--" + re.split(r"[.\[]", name)[0].replace("_", "-")
    return _OPTION_OF.get(path.partition(".")[0].partition("[")[0], "--group-by")


@contextmanager
def _errors_name(option: str) -> Iterator[None]:
    try:
        yield
    except GrammarError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from error
