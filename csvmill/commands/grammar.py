"""Parses the values of spec options into the JSON of docs/aggregation.md.

ITEM        [NAME=]COLUMN[:OPTION]..., or [NAME=]LEFT*RIGHT for the product of two columns
RATIO       [NAME=]OUTPUT/OUTPUT
CONDITION   COLUMN[:TYPE] OP VALUE, or JSON
COLUMN      a name, or a position as @3; "in quotes" if it contains one of , : = < > ! * " or
            starts with @ or -
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

from shared.aggregation.cells import read_number
from shared.aggregation.dates import read_moment
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import Kind, Truncation
from shared.aggregation.spec import Case, Normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.functions import Function

QUOTING = 'put a name that contains such a character in double quotes, as in "a:b"'

_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"')
_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>)|\s+(in|contains|starts_with)(?=\s)|\s+(is_empty)\s*$")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_POSITION = re.compile(r"@([1-9][0-9]{0,6})")
_OTHERS = ("upper", "lower", "trim", "nfc", "weekday")
_ORDERING = ("<", "<=", ">", ">=")
_WRONG_START = re.compile(r"[=<>!]|'.*'$")
"""A value that is probably a mistake, as in `Land==DE` or `Land='DE'`."""


class GrammarError(ValueError):
    """An option has invalid syntax. The message shows the correct syntax."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text, and whether it was quoted."""

    text: str
    quoted: bool = False

    @property
    def column(self) -> str | int:
        """The name or the position of a column. Raises GrammarError."""
        if not self.quoted:
            if match := _POSITION.fullmatch(self.text):
                return int(match[1])
            if self.text.startswith("@"):
                raise GrammarError(f"{self.text!r} is not a position; use @1, @2, ...; {QUOTING}")
            if not self.text:
                raise GrammarError("a column name is missing")
        return self.text


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
    return [_item(piece) for piece in _split(text, ",")]


def group_columns(text: str) -> list[dict[str, Any]]:
    """Parse the value of `--group-by`. Raises GrammarError."""
    return [_group_column(item) for item in items(text)]


def aggregates(function: Function, text: str) -> list[dict[str, Any]]:
    """Parse the value of a function's option. Raises GrammarError."""
    if function == "ratio":
        return [_ratio(piece) for piece in _split(text, ",")]
    if FUNCTIONS[function].needs_where:
        return [_conditional(function, text)]
    return [_aggregate(function, item) for item in items(text)]


def orders(text: str) -> list[tuple[str, bool]]:
    """Parse the value of `--order-by` into output columns and whether each is descending.

    Raises GrammarError.
    """
    found = []
    for piece in _split(text, ","):
        piece = piece.strip()
        descending = piece.startswith("-")
        word = _word(piece.removeprefix("-"))
        if not word.text:
            raise GrammarError("the name of an output column is missing")
        found.append((word.text, descending))
    return found


def condition(
    text: str, kind_of: Callable[[str | int], Kind | None] = lambda _column: None
) -> dict[str, Any]:
    """Parse the value of `--where` or `--having`. Raises GrammarError.

    `kind_of` returns the kind of a column if it is known; values are then read as that kind.
    Otherwise the kind is guessed from the values.
    """
    if text.lstrip().startswith("{"):
        return json_object(text)
    quoted = _QUOTED.match(text)
    at = quoted.end() if quoted else 0
    found = _OPERATOR.search(text, at)
    if found is None:
        raise GrammarError(
            f"{text!r} has no operator; examples: 'Country=DE', 'Plays>=10', "
            "'Country in DE,AT', 'Song contains love', 'Song starts_with A', 'Song is_empty'"
        )
    left, operator = text[: found.start()], next(filter(None, found.groups()))
    name, *types = _split(left, ":")
    column = _word(name).column
    written: dict[str, Any] = {"column": column, "op": operator}
    kind = _one_of([_word(each).text for each in types], get_args(Kind)) or kind_of(column)
    if operator == "is_empty":
        return written
    values = [_word(each) for each in _split(text[found.end() :], ",")]
    if operator != "in":
        values = [_word(text[found.end() :], plain=True)]
    return {**written, **_compared(operator, values, kind)}


def json_object(text: str) -> dict[str, Any]:
    """Parse a JSON object with exact numbers. Raises GrammarError."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"invalid JSON: {error}") from error
    if not isinstance(value, dict):
        raise GrammarError('not a JSON object, such as {"group_by": ["Song"]}')
    return value


def _compared(operator: str, values: Sequence[Word], kind: str | None) -> dict[str, Any]:
    texts = [value.text for value in values]
    guessed = kind or _guess_kind(operator, values)
    if kind == "text" and operator in _ORDERING and _guess_kind(operator, values) != "text":
        raise GrammarError(
            f"{texts[0]!r} would be compared as text, because the column is text in the result; if "
            "you mean that, put it in quotes"
        )
    compared: dict[str, Any] = {"value": texts if operator == "in" else texts[0]}
    if guessed != "text" or kind:
        compared["type"] = guessed
    return compared


def _guess_kind(operator: str, values: Sequence[Word]) -> str:
    """Guess a kind: number if all values are JSON numbers, date for an ordering, else text."""
    if any(value.quoted for value in values) or operator in ("contains", "starts_with"):
        return "text"
    texts = [value.text for value in values]
    if all(
        _JSON_NUMBER.fullmatch(text) and read_number(text.encode()) is not None for text in texts
    ):
        return "number"
    if operator in _ORDERING:
        if all(read_moment(text.encode()) for text in texts):
            return "date"
        raise GrammarError(
            f"{texts[0]!r} is neither a number, such as 9.5, nor a date, such as 2026-01-31; "
            "to compare text, put it in quotes"
        )
    if wrong := next((text for text in texts if _WRONG_START.match(text)), None):
        raise GrammarError(f"the value would be {wrong}; if you mean that, put it in double quotes")
    return "text"


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
            raise _unknown_option(option, [*get_args(Truncation), *_OTHERS])
    return written


def _aggregate(function: Function, item: Item) -> dict[str, Any]:
    written: dict[str, Any] = {"function": function, "column": item.column}
    if item.factor is not None:
        written["column"] = {"multiply": [item.column, item.factor]}
    if item.name is not None:
        written["name"] = item.name
    options = item.options
    if FUNCTIONS[function].parameter == "p":
        if not options or not _JSON_NUMBER.fullmatch(options[0]):
            raise GrammarError(f"send the percentage after the column, as in {item.column}:95")
        written["p"], options = Decimal(options[0]), options[1:]
    if (kind := _one_of(options, FUNCTIONS[function].kinds)) is not None:
        written["type"] = kind
    return written


def _ratio(text: str) -> dict[str, Any]:
    *names, rest = _split(text, "=")
    of = [_word(each).text for each in _split(rest, "/")]
    if len(of) != 2 or not all(of) or len(names) > 1:
        raise GrammarError(f"{text!r} is not [NAME=]OUTPUT/OUTPUT; {QUOTING}")
    written: dict[str, Any] = {"function": "ratio", "of": of}
    return {**written, "name": _word(names[0]).text} if names else written


def _conditional(function: Function, text: str) -> dict[str, Any]:
    """Parse CONDITION, or COLUMN if CONDITION."""
    written: dict[str, Any] = {"function": function, "name": f"{function}({text.strip()})"}
    if not FUNCTIONS[function].needs_column:
        return {**written, "where": condition(text)}
    column, _, rest = text.partition(" if ")
    if not rest:
        raise GrammarError(f"{text!r} is not COLUMN if CONDITION, as in 'Plays if Country=DE'")
    return {**written, "column": _word(column).column, "where": condition(rest)}


def _item(text: str) -> Item:
    *names, rest = _split(text, "=")
    if len(names) > 1:
        raise GrammarError(f"{text!r} has more than one =; {QUOTING}")
    column, *options = _split(rest, ":")
    name = _word(names[0]).text if names else None
    if name == "":
        raise GrammarError(f"{text!r} has no name before the =; use NAME=COLUMN or COLUMN")
    texts = tuple(_word(option).text for option in options)
    factors = _split(column, "*")
    if len(factors) == 2 and all(factor.strip() for factor in factors):
        return Item(_word(factors[0]).column, name, texts, _word(factors[1]).column)
    return Item(_word(column).column, name, texts)


def _one_of(options: Sequence[str], known: Sequence[str]) -> str | None:
    if not options:
        return None
    if len(options) > 1 or options[0] not in known:
        raise _unknown_option(":".join(options), known)
    return options[0]


def _unknown_option(option: str, known: Sequence[str]) -> GrammarError:
    return GrammarError(f"{option!r} is not one of {', '.join(known)}; {QUOTING}")


def _split(text: str, separator: str) -> list[str]:
    """Split at separators outside quotes. The pieces keep their quotes."""
    pieces, at, start, may_quote = [], 0, 0, True
    while at < len(text):
        if may_quote and (quoted := _QUOTED.match(text, at)):
            at, may_quote = quoted.end(), False
            continue
        if text[at] == separator:
            pieces.append(text[start:at])
            start = at + 1
        # A quote opens a name only at its start; elsewhere it is an ordinary character.
        may_quote = text[at] in ",:=*/" or (may_quote and text[at] in "- ")
        at += 1
    return [*pieces, text[start:]]


def _word(text: str, *, plain: bool = False) -> Word:
    """Return a word without its quotes. With `plain`, other quotes are ordinary characters."""
    quoted = _QUOTED.fullmatch(text.rstrip())
    if quoted:
        return Word(quoted[1].replace('""', '"'), quoted=True)
    if text.lstrip().startswith('"') and not plain:
        raise GrammarError(f"{text.strip()!r} has an unclosed quote, or text after the closing one")
    return Word(text.strip())
