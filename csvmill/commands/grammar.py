"""Parses the values of spec options into the JSON of docs/aggregation.md.

ITEM        [NAME=]COLUMN[:OPTION]..., or [NAME=]LEFT*RIGHT for the product of two columns
RATIO       [NAME=]OUTPUT/OUTPUT
CONDITION   see csvmill/commands/conditions.py
COLUMN      a name, a position as @3, or @file for the name of the file; "in quotes" if it contains
            one of , : = < > ! * " or starts with @ or -
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

from csvmill.commands.conditions import condition
from csvmill.commands.words import (
    JSON_NUMBER,
    QUOTING,
    GrammarError,
    one_of,
    split,
    unknown_option,
    word,
)
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import Truncation
from shared.aggregation.spec import Case, Normalize

if TYPE_CHECKING:
    from shared.aggregation.functions import Function

_OTHERS = ("upper", "lower", "trim", "nfc", "weekday")


@dataclass(frozen=True, slots=True)
class Item:
    """`[NAME=]COLUMN[:OPTION]...`"""

    column: str | int
    name: str | None
    options: tuple[str, ...]
    factor: str | int | None = None
    """The column by which it is multiplied."""


def items(text: str) -> list[Item]:
    """Parse items separated by commas. Raises GrammarError."""
    return [_item(piece) for piece in split(text, ",")]


def group_columns(text: str) -> list[dict[str, Any]]:
    """Parse the value of `--group-by`. Raises GrammarError."""
    return [_group_column(item) for item in items(text)]


def aggregates(function: Function, text: str) -> list[dict[str, Any]]:
    """Parse the value of a function's option. Raises GrammarError."""
    if function == "ratio":
        return [_ratio(piece) for piece in split(text, ",")]
    if FUNCTIONS[function].needs_where:
        return [_conditional(function, text)]
    return [_aggregate(function, item) for item in items(text)]


def orders(text: str) -> list[tuple[str, bool]]:
    """Parse the value of `--order-by` into output columns and whether each is descending.

    Raises GrammarError.
    """
    found = []
    for piece in split(text, ","):
        piece = piece.strip()
        descending = piece.startswith("-")
        name = word(piece.removeprefix("-"))
        if not name.text:
            raise GrammarError("the name of an output column is missing")
        found.append((name.text, descending))
    return found


def _group_column(item: Item) -> dict[str, Any]:
    if item.factor is not None:
        raise GrammarError(f"rows cannot be grouped by a product; {QUOTING}")
    written: dict[str, Any] = {"column": item.column}
    if item.name is not None:
        written["name"] = item.name
    for option in item.options:
        if option == "trim":
            written["trim"] = True
        elif option == "weekday":
            written["part"] = option
        elif option in get_args(Normalize):
            written["normalize"] = option
        elif option in get_args(Truncation):
            written["truncate"] = option
        elif option in get_args(Case):
            written["case"] = option
        else:
            raise unknown_option(option, [*get_args(Truncation), *_OTHERS])
    return written


def _aggregate(function: Function, item: Item) -> dict[str, Any]:
    written: dict[str, Any] = {"function": function, "column": item.column}
    if item.factor is not None:
        written["column"] = {"multiply": [item.column, item.factor]}
    if item.name is not None:
        written["name"] = item.name
    options = item.options
    if FUNCTIONS[function].parameter == "p":
        if not options or not JSON_NUMBER.fullmatch(options[0]):
            raise GrammarError(f"send the percentage after the column, as in {item.column}:95")
        written["p"], options = Decimal(options[0]), options[1:]
    if (kind := one_of(options, FUNCTIONS[function].kinds)) is not None:
        written["type"] = kind
    return written


def _ratio(text: str) -> dict[str, Any]:
    *names, rest = split(text, "=")
    of = [word(each).text for each in split(rest, "/")]
    if len(of) != 2 or not all(of) or len(names) > 1:
        raise GrammarError(f"{text!r} is not [NAME=]OUTPUT/OUTPUT; {QUOTING}")
    written: dict[str, Any] = {"function": "ratio", "of": of}
    return {**written, "name": word(names[0]).text} if names else written


def _conditional(function: Function, text: str) -> dict[str, Any]:
    """Parse CONDITION, or COLUMN if CONDITION."""
    written: dict[str, Any] = {"function": function, "name": f"{function}({text.strip()})"}
    if not FUNCTIONS[function].needs_column:
        return {**written, "where": condition(text)}
    column, _, rest = text.partition(" if ")
    if not rest:
        raise GrammarError(f"{text!r} is not COLUMN if CONDITION, as in 'Plays if Country=DE'")
    return {**written, "column": word(column).column, "where": condition(rest)}


def _item(text: str) -> Item:
    *names, rest = split(text, "=")
    if len(names) > 1:
        raise GrammarError(f"{text!r} has more than one =; {QUOTING}")
    column, *options = split(rest, ":")
    name = word(names[0]).text if names else None
    if name == "":
        raise GrammarError(f"{text!r} has no name before the =; use NAME=COLUMN or COLUMN")
    texts = tuple(word(option).text for option in options)
    factors = split(column, "*")
    if len(factors) == 2 and all(factor.strip() for factor in factors):
        return Item(word(factors[0]).column, name, texts, word(factors[1]).column)
    return Item(word(column).column, name, texts)
