"""What may stand around a number: a currency, a percent sign, parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from shared.aggregation.currencies import CURRENCIES

Decoration = Literal["currency", "percent", "parentheses"]

_NO_BREAK = ("\u00a0".encode(), "\u202f".encode())
_STOPS = rb"0-9+\-().,'_ "
_LONGEST = 16
"""More bytes than any unit has."""
_before = re.compile(rb"[^%s]*" % _STOPS).match
_after = re.compile(rb"[^%s]*\Z" % _STOPS).search


@dataclass(frozen=True, slots=True)
class Undecorated:
    """The number in a cell without its decorations, with its sign."""

    number: bytes
    found: frozenset[Decoration]
    unit: bytes = b""
    """The currency or percent sign; empty if there is none."""


def undecorated(cell: bytes) -> Undecorated | None:
    """Remove all decorations of a cell. Return None if it has two signs.

    At most one unit, a currency or a percent sign, is before or after the number, or its
    parentheses, with or without a blank between them. A sign is before the unit or after it.
    """
    sign, rest = _sign_of(cell)
    unit, name, rest = _unit_of(rest)
    enclosed = len(rest) >= 2 and rest.startswith(b"(") and rest.endswith(b")")
    if enclosed:
        if sign:
            return None
        sign, rest = b"-", rest[1:-1]
        if unit is None:
            unit, name, rest = _unit_of(rest)
    elif not sign:
        sign, rest = _sign_of(rest)
    if rest[:1] in (b"+", b"-"):
        return None
    found: set[Decoration] = {unit} if unit else set()
    if enclosed:
        found.add("parentheses")
    return Undecorated(sign + rest, frozenset(found), name)


def _sign_of(text: bytes) -> tuple[bytes, bytes]:
    size = 1 if text[:1] in (b"+", b"-") else 0
    return text[:size], text[size:]


def _unit_of(text: bytes) -> tuple[Decoration | None, bytes, bytes]:
    """Return the kind of the unit at either end of `text`, the unit, and the rest."""
    name = _name(_before(text[:_LONGEST]))
    rest = text[len(name) :]
    blank = next((each for each in _NO_BREAK if name.endswith(each)), b"")
    name = name.removesuffix(blank)
    if name in CURRENCIES:
        return "currency", name, rest if blank else rest.removeprefix(b" ")
    name = _name(_after(text[-_LONGEST:]))
    rest = text[: len(text) - len(name)]
    blank = next((each for each in _NO_BREAK if name.startswith(each)), b"")
    name = name.removeprefix(blank)
    if name in CURRENCIES or name == b"%":
        kind: Decoration = "percent" if name == b"%" else "currency"
        return kind, name, rest if blank else rest.removesuffix(b" ")
    return None, b"", text


def _name(match: re.Match[bytes] | None) -> bytes:
    return b"" if match is None else match[0]
