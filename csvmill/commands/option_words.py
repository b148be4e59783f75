"""Messages of csvmill in the words of the command line: `--decimal ,`, not `input.decimal`.

The services name what is wrong by its path in the JSON of a spec. `in_options` puts the option in
its place that sets it, with its value as a shell takes it.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Any

import click

from csvmill.commands.option_tables import (
    GIVEN_SPEC,
    INPUT_OPTIONS,
    NUMBER_OPTIONS,
    GivenSpec,
)
from csvmill.commands.spec_text import describe_condition
from shared.aggregation.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS = {
    "group_by": "--group-by", "where": "--where", "having": "--having",
    "order_by": "--order-by", "limit": "--limit", "output": "--format",
    "on_warning": "--strict", "output_options": "--escape-formulas",
}  # fmt: skip
"""The option of each key of a spec, except for `input` and `aggregates`."""
OF_INPUT = {
    **{name: "--" + name.replace("_", "-") for name in (*INPUT_OPTIONS, "null")},
    **{f"number.{name}": f"--{name}" for name in NUMBER_OPTIONS},
}
"""The option of each key of `input`."""
PHRASES = {
    '"input": {"on_bad_row": "skip"} in its spec': "--on-bad-row skip",
    "say how they are written in input": "say how they are written, as by --decimal and --date",
    "with input.skip_footer or where": "with --skip-footer or --where",
    "out with where": "out with --where",
    "set trim, case or normalize for this column in group_by": (
        "add :trim, :lower, :upper or :nfc to this column in --group-by"
    ),
    "add this column to group_by with trim, case or normalize": (
        "add this column to --group-by with :trim, :lower, :upper or :nfc"
    ),
    "on_warning is 'fail'": "--strict is given",
    "input.header is set": "--header or --no-header is given",
    "set input.header to true or false": "use --header or --no-header",
}
"""What no rule translates."""

_VALUE = (
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|true|false|none|skip|utf-[\w-]+|[a-z]+-?[0-9][\w-]*"""
)
_SET = re.compile(
    rf"(?P<verb>(?:set|add) )?input\.(?P<path>number\.\w+|\w+)(?:\[\d+\])?"
    rf"(?: to (?P<first>{_VALUE})(?P<others>(?:,? or (?:to )?(?:{_VALUE}))*))?"
)
_ADD = re.compile(rf"add (?P<value>{_VALUE}) to input\.(?P<path>\w+)")
_ALTERNATIVE = re.compile(rf",? or (?:to )?({_VALUE})")
_AGGREGATE = re.compile(r"\baggregates\[(?P<index>\d+)\](?:\.\w+(?:\[\d+\])*)*(?P<is> is )?")
_SECTION = re.compile(
    rf"\b(?P<key>{'|'.join(SECTIONS)})(?:\[\d+\])*(?:\.\w+(?:\[\d+\])*)*(?P<is> is )"
)
_CONDITION = re.compile(r"\{'column'[^{}]*\}")
_NAMED_DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "pipe", " ": "space"}
_FLAGS = ("currency", "percent")


def in_options(message: str, spec: Mapping[str, Any] | None = None) -> str:
    """Return a message with options in the place of paths in a spec.

    `spec` is the JSON of the spec, as far as it is known: it tells the function of an aggregate.
    """
    message = message.replace("spec.", "")
    for phrase, words in PHRASES.items():
        message = message.replace(phrase, words)
    message = _ADD.sub(lambda found: f"add {_given(found['path'], found['value'])}", message)
    message = _SET.sub(_setting, message)
    message = _AGGREGATE.sub(
        lambda found: _named(option_of_aggregate(spec, int(found["index"])), found), message
    )
    message = _SECTION.sub(lambda found: _named(SECTIONS[found["key"]], found), message)
    return _CONDITION.sub(lambda found: describe_condition(ast.literal_eval(found[0])), message)


def spoken(message: str, spec: Mapping[str, Any] | None = None) -> str:
    """Return a message in the words in which the running command was given its spec.

    Those are options, unless it was given as JSON. `spec` is that of the job, if it has another.
    """
    given = _given_spec()
    return message if given.as_json else in_options(message, spec or given.spec)


def given_as_json() -> bool:
    """Return whether the running command was given its spec as JSON."""
    return _given_spec().as_json


def _given_spec() -> GivenSpec:
    context = click.get_current_context(silent=True)
    none = GivenSpec(None, as_json=False)
    found: GivenSpec = context.meta.get(GIVEN_SPEC, none) if context else none
    return found


def option_of_path(path: str, spec: Mapping[str, Any] | None) -> str:
    """Return the option that sets the value at a path of a spec; `--spec` if none does."""
    if found := _AGGREGATE.match(path):
        return option_of_aggregate(spec, int(found["index"]))
    key, _, rest = path.partition(".")
    if key == "input":
        name = re.split(r"[.\[]", rest.removeprefix("number."))[0]
        return OF_INPUT.get(name) or OF_INPUT.get(f"number.{name}", "--spec")
    return SECTIONS.get(key.partition("[")[0], "--group-by")


def option_of_aggregate(spec: Mapping[str, Any] | None, index: int) -> str:
    """Return the option that computes the aggregate at `index`; its place if that is unknown."""
    aggregates = (spec or {}).get("aggregates", ())
    if index >= len(aggregates):
        return f"output column {index + 1}"
    aggregate = aggregates[index]
    function = aggregate.get("function") if hasattr(aggregate, "get") else None
    if function not in FUNCTIONS:
        return f"output column {index + 1}"
    if function == "count" and "column" in aggregate:
        return "--count-of"
    return "--" + str(function).replace("_", "-")


def option_with(path: str, value: object) -> str:
    """Return the option for the key `path` of `input` with a value, as a shell takes it."""
    option = OF_INPUT[path]
    name = path.removeprefix("number.")
    if value is True and (name in _FLAGS or name == "header"):
        return option
    if value is False and name == "header":
        return "--no-header"
    text = str(value)
    if name == "delimiter":
        text = _NAMED_DELIMITERS.get(text, text)
    return f"{option} {shlex.quote(text)}"


def input_options(declared: Mapping[str, Any]) -> str:
    """Return the options that declare the `input` of a spec."""
    options: list[str] = []
    for name, value in declared.items():
        if name == "number":
            options += [
                option_with(f"number.{each}", given) for each, given in value.items() if given
            ]
        elif name == "null":
            options += [option_with(name, text) for text in value]
        elif value is not None:
            options.append(option_with(name, value))
    return " ".join(options)


def _setting(found: re.Match[str]) -> str:
    path, first = found["path"], found["first"]
    if path not in OF_INPUT:
        return found[0]
    if first is None:
        return f"{found['verb'] or ''}{OF_INPUT[path]}"
    values = [first, *_ALTERNATIVE.findall(found["others"])]
    verb = "use " if found["verb"] else ""
    return verb + " or ".join(_given(path, value) for value in values)


def _given(path: str, value: str) -> str:
    """Return an option with a value that a message quotes."""
    words: object = value
    if value[0] in "'\"":
        words = ast.literal_eval(value)
    elif value in ("true", "false"):
        words = value == "true"
    return option_with(path, words)


def _named(option: str, found: re.Match[str]) -> str:
    """Return the option in place of a path, which may be followed by its value."""
    return f"{option}: " if found["is"] else option
