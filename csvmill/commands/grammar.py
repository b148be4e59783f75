"""The short words in which the command line says what to compute -> the JSON of docs/csv.md.

ITEM        [NAME=]COLUMN[:OPTION]...
CONDITION   COLUMN[:TYPE] OP VALUE, or JSON
COLUMN      a name, or a position as @3; "in quotes" if it has one of , : = < > ! " or begins
            with @ or -
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

from shared.aggregation.cells import read_date, read_number
from shared.aggregation.functions import FUNCTIONS
from shared.aggregation.kinds import Kind, Truncation
from shared.aggregation.spec import Case

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.aggregation.functions import Function

QUOTING = 'put a name that has such a character in double quotes, as in "a:b"'

_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"')
_OPERATOR = re.compile(r"\s*(!=|<=|>=|=|<|>)|\s+(in|contains|starts_with)(?=\s)|\s+(is_empty)\s*$")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_POSITION = re.compile(r"@([1-9][0-9]{0,6})")
_ORDERING = ("<", "<=", ">", ">=")
_WRONG_START = re.compile(r"[=<>!]|'.*'$")
"""How a value begins that hardly anybody means: as in `Land==DE` or `Land='DE'`."""


class GrammarError(ValueError):
    """What was said is not understood; the message says what, and how to say it."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text, and whether it stood in quotes."""

    text: str
    quoted: bool = False

    @property
    def column(self) -> str | int:
        """The column that it means. Raises GrammarError."""
        if not self.quoted:
            if match := _POSITION.fullmatch(self.text):
                return int(match[1])
            if self.text.startswith("@"):
                raise GrammarError(f"{self.text!r} is no position; say @1, @2, ...; {QUOTING}")
            if not self.text:
                raise GrammarError("a column's name is missing")
        return self.text


@dataclass(frozen=True, slots=True)
class Item:
    """`[NAME=]COLUMN[:OPTION]...`"""

    column: str | int
    name: str | None
    options: tuple[str, ...]


def items(text: str) -> list[Item]:
    """The items of a list, separated by commas. Raises GrammarError."""
    return [_item(piece) for piece in _split(text, ",")]


def group_columns(text: str) -> list[dict[str, Any]]:
    """What `--group-by` says. Raises GrammarError."""
    return [_group_column(item) for item in items(text)]


def aggregates(function: Function, text: str) -> list[dict[str, Any]]:
    """What an option for a function says. Raises GrammarError."""
    return [_aggregate(function, item) for item in items(text)]


def orders(text: str) -> list[tuple[str, bool]]:
    """What `--order-by` says: output columns, and whether they descend. Raises GrammarError."""
    found = []
    for piece in _split(text, ","):
        piece = piece.strip()
        descending = piece.startswith("-")
        word = _word(piece.removeprefix("-"))
        if not word.text:
            raise GrammarError("an output column's name is missing")
        found.append((word.text, descending))
    return found


def condition(
    text: str, kind_of: Callable[[str | int], Kind | None] = lambda _column: None
) -> dict[str, Any]:
    """What `--where` or `--having` says. Raises GrammarError.

    `kind_of` tells what a column holds, where that is known: values are read as that, and
    otherwise as what they look like.
    """
    if text.lstrip().startswith("{"):
        return json_object(text)
    quoted = _QUOTED.match(text)
    at = quoted.end() if quoted else 0
    found = _OPERATOR.search(text, at)
    if found is None:
        raise GrammarError(
            f"{text!r} has no operator; say it as in 'Country=DE', 'Plays>=10', "
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
    """A JSON object, its numbers exact. Raises GrammarError."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"this is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise GrammarError('this is no JSON object, such as {"group_by": ["Song"]}')
    return value


def _compared(operator: str, values: Sequence[Word], kind: str | None) -> dict[str, Any]:
    texts = [value.text for value in values]
    guessed = kind or _looks_like(operator, values)
    compared: dict[str, Any] = {"value": texts if operator == "in" else texts[0]}
    if guessed != "text" or kind:
        compared["type"] = guessed
    return compared


def _looks_like(operator: str, values: Sequence[Word]) -> str:
    """What is compared: numbers, if all values are written as in JSON, dates in order, or text."""
    if any(value.quoted for value in values) or operator in ("contains", "starts_with"):
        return "text"
    texts = [value.text for value in values]
    if all(
        _JSON_NUMBER.fullmatch(text) and read_number(text.encode()) is not None for text in texts
    ):
        return "number"
    if operator in _ORDERING:
        if all(read_date(text.encode()) for text in texts):
            return "date"
        raise GrammarError(
            f"{texts[0]!r} is neither a number, such as 9.5, nor a date, such as 2026-01-31; "
            "to compare text, put it in quotes"
        )
    if wrong := next((text for text in texts if _WRONG_START.match(text)), None):
        raise GrammarError(f"the value would be {wrong}; if it is, put it in double quotes")
    return "text"


def _group_column(item: Item) -> dict[str, Any]:
    written: dict[str, Any] = {"column": item.column}
    if item.name is not None:
        written["name"] = item.name
    for option in item.options:
        if option == "trim":
            written["trim"] = True
        elif option in get_args(Truncation):
            written["truncate"] = option
        elif option in get_args(Case):
            written["case"] = option
        else:
            raise _no_option(option, [*get_args(Truncation), *get_args(Case), "trim"])
    return written


def _aggregate(function: Function, item: Item) -> dict[str, Any]:
    written: dict[str, Any] = {"function": function, "column": item.column}
    if item.name is not None:
        written["name"] = item.name
    if (kind := _one_of(item.options, FUNCTIONS[function].kinds)) is not None:
        written["type"] = kind
    return written


def _item(text: str) -> Item:
    *names, rest = _split(text, "=")
    if len(names) > 1:
        raise GrammarError(f"{text!r} has more than one =; {QUOTING}")
    column, *options = _split(rest, ":")
    name = _word(names[0]).text if names else None
    if name == "":
        raise GrammarError(f"{text!r} has no name before the =; say NAME=COLUMN, or the column")
    return Item(_word(column).column, name, tuple(_word(option).text for option in options))


def _one_of(options: Sequence[str], known: Sequence[str]) -> str | None:
    if not options:
        return None
    if len(options) > 1 or options[0] not in known:
        raise _no_option(":".join(options), known)
    return options[0]


def _no_option(option: str, known: Sequence[str]) -> GrammarError:
    return GrammarError(f"{option!r} is none of {', '.join(known)}; {QUOTING}")


def _split(text: str, separator: str) -> list[str]:
    """The pieces between separators that stand outside of quotes, their quotes kept."""
    pieces, at, begun, fresh = [], 0, 0, True
    while at < len(text):
        if fresh and (quoted := _QUOTED.match(text, at)):
            at, fresh = quoted.end(), False
            continue
        if text[at] == separator:
            pieces.append(text[begun:at])
            begun = at + 1
        # A quote opens a name at its beginning only: elsewhere it is a character like any other.
        fresh = text[at] in ",:=" or (fresh and text[at] in "- ")
        at += 1
    return [*pieces, text[begun:]]


def _word(text: str, *, plain: bool = False) -> Word:
    """A word, without its quotes; `plain` takes quotes that do not enclose it for text."""
    quoted = _QUOTED.fullmatch(text.rstrip())
    if quoted:
        return Word(quoted[1].replace('""', '"'), quoted=True)
    if text.lstrip().startswith('"') and not plain:
        raise GrammarError(f"{text.strip()!r} has a quote that is not closed, or text after it")
    return Word(text.strip())
