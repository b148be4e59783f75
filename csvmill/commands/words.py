"""Reads the words of spec options: names and values, in quotes or not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shared.aggregation.spec import FILE_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

QUOTING = 'put a name that contains such a character in double quotes, as in "a:b"'

QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"')
JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_POSITION = re.compile(r"@([1-9][0-9]{0,6})")


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
            if self.text.startswith("@") and self.text != FILE_COLUMN:
                raise GrammarError(
                    f"{self.text!r} is not a position; use @1, @2, ..., or {FILE_COLUMN} for the "
                    f"name of the file; {QUOTING}"
                )
            if not self.text:
                raise GrammarError("a column name is missing")
        return self.text


def json_object(text: str) -> dict[str, Any]:
    """Parse a JSON object with exact numbers. Raises GrammarError."""
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"invalid JSON: {error}") from error
    if not isinstance(value, dict):
        raise GrammarError('not a JSON object, such as {"group_by": ["Song"]}')
    return value


def one_of(options: Sequence[str], known: Sequence[str]) -> str | None:
    """Return the only option, None if there is none. Raises GrammarError unless it is known."""
    if not options:
        return None
    if len(options) > 1 or options[0] not in known:
        raise unknown_option(":".join(options), known)
    return options[0]


def unknown_option(option: str, known: Sequence[str]) -> GrammarError:
    """Return the error about an option that is not one of the known ones."""
    return GrammarError(f"{option!r} is not one of {', '.join(known)}; {QUOTING}")


def split(text: str, separator: str) -> list[str]:
    """Split at separators outside quotes. The pieces keep their quotes."""
    pieces, at, start, may_quote = [], 0, 0, True
    while at < len(text):
        if may_quote and (quoted := QUOTED.match(text, at)):
            at, may_quote = quoted.end(), False
            continue
        if text[at] == separator:
            pieces.append(text[start:at])
            start = at + 1
        # A quote opens a name only at its start; elsewhere it is an ordinary character.
        may_quote = text[at] in ",:=*/" or (may_quote and text[at] in "- ")
        at += 1
    return [*pieces, text[start:]]


def word(text: str, *, plain: bool = False) -> Word:
    """Return a word without its quotes. With `plain`, other quotes are ordinary characters."""
    quoted = QUOTED.fullmatch(text.rstrip())
    if quoted:
        return Word(quoted[1].replace('""', '"'), quoted=True)
    if text.lstrip().startswith('"') and not plain:
        raise GrammarError(f"{text.strip()!r} has an unclosed quote, or text after the closing one")
    return Word(text.strip())
