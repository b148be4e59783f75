"""The options that say what to compute, for every command that sends a file."""

from __future__ import annotations

import functools
import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from csvmill.commands import grammar
from shared.aggregation.formats import DEFAULT_FORMAT, FORMATS, formats_help
from shared.aggregation.functions import FUNCTIONS, AggregateFunction
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.spec import SONG_PLAYS
from shared.csv.dialect import OnBadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Column

GRAMMAR = """\b
How to say what to compute:
  Without these options plays are summed by song and date, as docs/csv.md says.
  COLUMN is a name of the header, or a position as @3. Put a name in double
  quotes if it has one of , : = < > ! or begins with @ or -.
  ITEMS are separated by commas: [NAME=]COLUMN[:OPTION], where NAME is that of
  the output column, and OPTION day, week, month, year, upper, lower or trim
  with --group-by, and as what cells are read (number, integer, date, text)
  with a function.
  CONDITION is COLUMN[:TYPE] OP VALUE, where OP is one of = != < <= > >= in
  contains starts_with is_empty. VALUE is compared as a number if it is one, by
  < and > as a date if it is one, else as text; in quotes always as text.
  How FILE is written is found out, unless it is said; `csvmill inspect` shows it.

\b
  --group-by Song --sum Plays --where Country=DE --order-by -Plays --limit 10
  --group-by Month=Date:month --avg Plays --count --where 'Plays>0'
  --group-by Country --max Date:date --where 'Country in DE,AT,"Other, EU"'
  --group-by Song --count-distinct Listener --having 'Listener>=100'
"""

_FUNCTIONS: dict[str, AggregateFunction] = {
    each.name.replace("_", "-") if each.needs_column else f"{each.name}-of": each
    for each in FUNCTIONS.values()
}
_INPUT = (
    "delimiter", "quote", "escape", "encoding", "header", "line_end", "compression", "decimal",
    "thousands", "on_bad_row",
)  # fmt: skip
_ORDER = "csvmill.spec_options.order"
_SHORT = (
    "group_by", "count", *(name.replace("-", "_") for name in _FUNCTIONS),
    "where", "having", "order_by", "limit", "output_format", *_INPUT,
)  # fmt: skip
_OPTION_OF = {
    "group_by": "--group-by", "where": "--where", "having": "--having",
    "order_by": "--order-by", "limit": "--limit", "output": "--format", "input": "--delimiter",
}  # fmt: skip


class SpecCommand(click.Command):
    """A command that takes the options of `spec_options`, and lists them apart."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Besides, note in which order functions were given: so stand their output columns."""
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the command, then those that say what to compute."""
        own: list[tuple[str, str]] = []
        asked: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                (asked if parameter.name in (*_SHORT, "spec") else own).append(record)
        with formatter.section("Options"):
            formatter.write_dl(own)
        with formatter.section("What to compute"):
            formatter.write_dl(asked)


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and give the command what they say as `aggregation`: JSON, or None."""

    @functools.wraps(command)
    def asked(*args: Any, spec: str | None, **options: Any) -> Any:
        short = {name: options.pop(name) for name in _SHORT}
        given = [name for name in _SHORT if _is_given(name, short[name])]
        if spec is None:
            aggregation = _from_options(short) if given else None
        elif given:
            option = "--" + given[0].replace("_", "-").replace("output-format", "format")
            raise click.UsageError(f"{option} is not for use with --spec: say it there")
        else:
            aggregation = _from_spec(spec, options.get("file"))
        return command(*args, aggregation=aggregation, **options)

    for option in reversed(_options()):
        asked = option(asked)
    return asked


def _is_given(name: str, value: object) -> bool:
    return value not in (None, (), False) or (name == "header" and value is False)


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    text = functools.partial(click.option, multiple=True)
    functions = [
        text(f"--{name}", metavar="ITEMS", help=function.help)
        for name, function in _FUNCTIONS.items()
    ]
    return [
        text("--group-by", metavar="ITEMS", help="Columns whose rows belong together."),
        *functions[:1],
        click.option("--count", is_flag=True, help="How many rows there are."),
        *functions[1:],
        text("--where", metavar="CONDITION", help="Which rows count; several must all hold."),
        text("--having", metavar="CONDITION", help="Which rows of the result are kept."),
        text(
            "--order-by",
            metavar="COLUMNS",
            help="Output columns to sort by, or the columns that they are computed of; "
            "-COLUMN for descending.",
        ),
        click.option(
            "--limit", type=click.IntRange(min=1), metavar="ROWS", help="Rows at the most."
        ),
        click.option(
            "--format",
            "output_format",
            type=click.Choice(list(FORMATS)),
            help=f"Format of the result: {formats_help()}.  [default: {DEFAULT_FORMAT}]",
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
            help="Of FILE; without one, columns are column1, column2, ...",
        ),
        click.option("--line-end", metavar="NAME", help="Of FILE: lf (CRLF too), or cr."),
        click.option(
            "--compression", metavar="NAME", help="Of FILE: none, gzip, zstd, bzip2 or zip."
        ),
        click.option("--decimal", type=click.Choice([".", ","]), help="Of numbers in FILE."),
        click.option("--thousands", metavar="CHAR", help="Of numbers in FILE."),
        click.option(
            "--on-bad-row",
            type=click.Choice(get_args(OnBadRow)),
            help="Whether a bad record fails the job.  [default: fail]",
        ),
        click.option(
            "--spec",
            metavar="JSON",
            help="All of this as JSON: a file, - for standard input, or the JSON itself.",
        ),
    ]


def _from_spec(spec: str, file: object) -> dict[str, Any]:
    with _naming("--spec"):
        if spec.lstrip().startswith("{"):
            return _checked(grammar.json_object(spec))
        if spec == "-":
            if str(file) == "-":
                raise grammar.GrammarError("standard input is FILE already; name a file")
            return _checked(grammar.json_object(sys.stdin.read()))
        try:
            text = Path(spec).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise grammar.GrammarError(
                f"{spec!r} cannot be read: {error}; give a file, - or the JSON itself"
            ) from error
        return _checked(grammar.json_object(text))


def _from_options(given: dict[str, Any]) -> dict[str, Any]:
    """The JSON that the short options say."""
    asked: dict[str, Any] = {}
    for text in given["group_by"]:
        with _naming("--group-by"):
            asked.setdefault("group_by", []).extend(grammar.group_columns(text))
    aggregates, sources = _aggregates(given)
    if aggregates:
        asked["aggregates"] = aggregates
    if not asked:
        asked = aggregation_json(SONG_PLAYS)
    outputs = _outputs(asked)
    for key in ("where", "having"):
        found = []
        for text in given[key]:
            with _naming(f"--{key}"):
                if key == "where":
                    found.append(grammar.condition(text))
                else:
                    found.append(_having(text, outputs))
        if found:
            asked[key] = found[0] if len(found) == 1 else {"and": found}
    for text in given["order_by"]:
        with _naming("--order-by"):
            asked.setdefault("order_by", []).extend(
                {"column": _output(name, outputs), "descending": descending}
                for name, descending in grammar.orders(text)
            )
    if given["limit"] is not None:
        asked["limit"] = given["limit"]
    if given["output_format"] is not None:
        asked["output"] = given["output_format"]
    declared = {name: given[name] for name in _INPUT if given[name] is not None}
    if declared:
        asked["input"] = declared
    return _checked(asked, sources)


def _aggregates(given: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """What the functions say, in the order of the command line, and the option of each."""
    waiting = {name: deque(given[name.replace("-", "_")]) for name in _FUNCTIONS}
    found: list[dict[str, Any]] = []
    sources: dict[int, str] = {}
    for parameter in click.get_current_context().meta[_ORDER]:
        name = str(parameter).replace("_", "-")
        if name == "count":
            said = [] if {"function": "count"} in found else [{"function": "count"}]
        elif waiting.get(name):
            with _naming(f"--{name}"):
                said = grammar.aggregates(_FUNCTIONS[name].name, waiting[name].popleft())
        else:
            continue
        sources |= {len(found) + i: f"--{name}" for i in range(len(said))}
        found += said
    return found, sources


def _outputs(asked: dict[str, Any]) -> list[tuple[str, Column | None, Kind]]:
    """Of each output column whose name is known: its name, its column, and what it holds."""
    outputs: list[tuple[str, Column | None, Kind]] = []
    for group in asked.get("group_by", ()):
        name = group.get("name", group["column"])
        if isinstance(name, str):
            outputs.append((name, group["column"], "text"))
    for each in asked.get("aggregates", ()):
        function, column = each["function"], each.get("column")
        name = each.get("name", function if column is None else f"{function}({column})")
        kind: Kind = FUNCTIONS[function].output_kind(each.get("type"))
        outputs.append((name, column, "number" if kind == "integer" else kind))
    return outputs


def _output(column: Column, outputs: Sequence[tuple[str, Column | None, Kind]]) -> str:
    """The output column that is meant by its name, or by the column that it is computed of."""
    if any(name == column for name, _, _ in outputs):
        return str(column)
    computed = [name for name, source, _ in outputs if source == column]
    return computed[0] if len(computed) == 1 else str(column)


def _having(text: str, outputs: Sequence[tuple[str, Column | None, Kind]]) -> dict[str, Any]:
    def kind_of(column: Column) -> Kind | None:
        meant = _output(column, outputs)
        return next((kind for name, _, kind in outputs if name == meant), None)

    found = grammar.condition(text, kind_of)
    if not text.lstrip().startswith("{"):
        found["column"] = _output(found["column"], outputs)
    return found


def _checked(asked: dict[str, Any], sources: Mapping[int, str] | None = None) -> dict[str, Any]:
    """The same as plain JSON, if it means something; else what is wrong, and with which option."""
    # Only who says what to compute pays for the import.
    from shared.aggregation.json_reader import read_aggregation
    from shared.errors import InvalidInput

    try:
        return aggregation_json(read_aggregation(asked, "spec"))
    except InvalidInput as error:
        option, message = "--spec", str(error)
        if sources is not None:
            path = str(error.field).removeprefix("spec.")
            option = _option_of(path, sources)
            message = message.removeprefix("spec.")
        raise click.BadParameter(message, param_hint=f"'{option}'") from error


def _option_of(path: str, sources: Mapping[int, str]) -> str:
    """The option that said what is at a path of the JSON."""
    for index, option in sources.items():
        if path.startswith(f"aggregates[{index}]"):
            return option
    if path.startswith("input."):
        return "--" + path.removeprefix("input.").partition(".")[0].replace("_", "-")
    return _OPTION_OF.get(path.partition(".")[0].partition("[")[0], "--group-by")


@contextmanager
def _naming(option: str) -> Iterator[None]:
    try:
        yield
    except grammar.GrammarError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from error
