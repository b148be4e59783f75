"""Builds the JSON of a spec from the options of the command line."""

from __future__ import annotations

import sys
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands import grammar
from csvmill.commands.conditions import condition
from csvmill.commands.option_tables import (
    FUNCTION_OPTIONS,
    INPUT_OPTIONS,
    NUMBER_OPTIONS,
    OPTION_ORDER,
)
from csvmill.commands.output_format import format_of
from csvmill.commands.plain_spec import checked_if_plain
from csvmill.commands.words import GrammarError, json_object
from shared.aggregation.json_codec import aggregation_json, aggregation_of_json
from shared.aggregation.spec import SONG_PLAYS, Arithmetic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.aggregation.kinds import Kind
    from shared.aggregation.spec import Column


def spec_from_json(spec: str, file: object, output: Path | None = None) -> dict[str, Any]:
    """Return the JSON of the value of `--spec`: JSON, a file, or `-` for standard input.

    `file` is the input of the command. Without a format, the result has that of `output`.
    """
    with _errors_name("--spec"):
        raw = json_object(_text_of(spec, file))
    if output is not None and (name := format_of(output, raw.get("output"))) is not None:
        raw["output"] = name
    with _errors_name("--spec"):
        return _checked(raw)


def _text_of(spec: str, file: object) -> str:
    if spec.lstrip().startswith("{"):
        return spec
    if spec == "-":
        if str(file) == "-":
            raise GrammarError("FILE is already standard input; give a file")
        return sys.stdin.read()
    try:
        return Path(spec).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GrammarError(
            f"{spec!r} cannot be read: {error}; give a file, - or the JSON itself"
        ) from error


def spec_from_options(given: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON of the spec that the options describe."""
    spec: dict[str, Any] = {}
    for text in given["group_by"]:
        with _errors_name("--group-by"):
            spec.setdefault("group_by", []).extend(grammar.group_columns(text))
    aggregates = _aggregates(given)
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
    declared = {name: given[name] for name in INPUT_OPTIONS if given[name] is not None}
    if given["null"]:
        declared["null"] = list(given["null"])
    if number := {name: given[name] for name in NUMBER_OPTIONS if given[name] not in (None, False)}:
        declared["number"] = number
    if declared:
        spec["input"] = declared
    return _checked(spec, from_options=True)


def _aggregates(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the aggregates in the order of the command line."""
    texts = {name: deque(given[name.replace("-", "_")]) for name in FUNCTION_OPTIONS}
    found: list[dict[str, Any]] = []
    for parameter in click.get_current_context().meta[OPTION_ORDER]:
        name = str(parameter).replace("_", "-")
        if name == "count":
            added = [] if {"function": "count"} in found else [{"function": "count"}]
        elif texts.get(name):
            with _errors_name(f"--{name}"):
                added = grammar.aggregates(FUNCTION_OPTIONS[name].name, texts[name].popleft())
        else:
            continue
        found += added
    return found


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
    if "not" in found:
        return {"not": _of_outputs(found["not"], outputs)}
    return found | {"column": _output(found["column"], outputs)}


def _checked(spec: dict[str, Any], *, from_options: bool = False) -> dict[str, Any]:
    """Return the spec as normalized JSON.

    Raises BadParameter if it is invalid. If it is `from_options`, that names the option at fault.
    """
    if from_options and (plain := checked_if_plain(spec)) is not None:
        return plain
    # Imported here, so that commands without a spec, or with a plain one, start faster.
    from csvmill.commands.option_words import in_options, option_of_path
    from shared.aggregation.json_reader import read_aggregation
    from shared.errors import InvalidInput

    try:
        return aggregation_json(read_aggregation(spec, "spec"))
    except InvalidInput as error:
        option, message = "--spec", str(error)
        if from_options:
            option = option_of_path(str(error.field).removeprefix("spec."), spec)
            message = in_options(message, spec)
            message = message.removeprefix(f"{option} is ").removeprefix(f"{option}: ")
        raise click.BadParameter(message, param_hint=f"'{option}'") from error


@contextmanager
def _errors_name(option: str) -> Iterator[None]:
    try:
        yield
    except GrammarError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from error
