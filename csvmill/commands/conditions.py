"""Parses conditions on records, as people write them, into the JSON of docs/aggregation.md.

CONDITION   COMPARISON, not CONDITION, CONDITION and CONDITION, CONDITION or CONDITION,
            (CONDITION), or JSON; `and` is stronger than `or`
COMPARISON  COLUMN[:TYPE] OP VALUE, with = != < <= > >= contains starts_with like
            COLUMN[:TYPE] in (VALUE, ...), or in VALUE,...
            COLUMN[:TYPE] between VALUE and VALUE
            COLUMN is_empty
COLUMN      as in csvmill/commands/grammar.py
VALUE       text up to the next `and`, `or` or closing parenthesis, which may be "in quotes"
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from csvmill.commands.words import (
    JSON_NUMBER,
    QUOTED,
    GrammarError,
    json_object,
    one_of,
    split,
    word,
)
from shared.aggregation.cells import read_number
from shared.aggregation.dates import read_moment
from shared.aggregation.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from csvmill.commands.words import Word

    KindOf = Callable[[str | int], Kind | None]

_OPERATOR = re.compile(
    r"\s*(!=|<=|>=|=|<|>)"
    r"|\s+((?:not |NOT )?\s*(?:in|contains|starts_with|like|between|IN|LIKE|BETWEEN))(?=[\s(\"])"
    r"|\s+(is_empty)(?=\s*(?:$|\)|\s(?:and|or)\s))",
)
_KEYWORD = re.compile(r"(and|or)(?![^\s(])", re.IGNORECASE)
_NOT = re.compile(r"(?:not|NOT)(?=[\s(])\s*")
_ORDERING = ("<", "<=", ">", ">=")
_OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_WRONG_START = re.compile(r"[=<>!]|'.*'$")
"""A value that is probably a mistake, as in `Land==DE` or `Land='DE'`."""
_MAX_DEPTH = 14
"""As in specs."""
_EXAMPLES = (
    "examples: 'Country=DE', 'Plays>=10', 'Country in (DE, AT)', 'Song contains love', "
    "'Song starts_with A', 'Song is_empty', 'Plays between 1 and 9', 'A=1 or (B=2 and not C=3)'"
)


def condition(text: str, kind_of: KindOf = lambda _column: None) -> dict[str, Any]:
    """Parse a condition. Raises GrammarError, which shows where it is not understood.

    `kind_of` returns the kind of a column if it is known; values are then read as that kind.
    Otherwise the kind is guessed from the values.
    """
    if text.lstrip().startswith("{"):
        return json_object(text)
    return _Parser(text, kind_of).parse()


class _Parser:
    """Reads one condition from left to right."""

    def __init__(self, text: str, kind_of: KindOf) -> None:
        self._text = text
        self._kind_of = kind_of
        self._at = 0
        self._depth = 0

    def parse(self) -> dict[str, Any]:
        found = self._either()
        if self._at < len(self._text):
            raise self._error("this parenthesis was not opened; put a value with it in quotes")
        return found

    def _either(self) -> dict[str, Any]:
        parts = [self._all()]
        while self._takes_keyword("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else {"or": parts}

    def _all(self) -> dict[str, Any]:
        parts = [self._part()]
        while self._takes_keyword("and"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else {"and": parts}

    def _part(self) -> dict[str, Any]:
        self._skip_blanks()
        start = self._at
        if match := _NOT.match(self._text, self._at):
            self._at = match.end()
            return self._opposite(self._nested(self._part))
        if not self._text.startswith("(", self._at):
            return self._comparison()
        self._at += 1
        found = self._nested(self._either)
        self._close(start)
        return found

    def _close(self, start: int) -> None:
        """Read the end of the parenthesis that was opened at `start`. Raises GrammarError."""
        if not self._text.startswith(")", self._at):
            self._at = start
            raise self._error("this parenthesis is not closed")
        self._at += 1
        self._skip_blanks()
        if self._at < len(self._text) and not self._ends_here():
            raise self._error("'and', 'or' or the end is expected here")

    def _nested(self, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(f"conditions are nested more than {_MAX_DEPTH} deep")
        found = read()
        self._depth -= 1
        return found

    def _comparison(self) -> dict[str, Any]:
        start = self._at
        quoted = QUOTED.match(self._text, start)
        match = _OPERATOR.search(self._text, quoted.end() if quoted else start)
        if match is None:
            shown = self._text[start:].strip()
            raise self._error(
                f"{shown!r} has no operator; {_EXAMPLES}; a value that contains 'and' or 'or' is "
                'put in double quotes, as in Song="Now or Never"'
            )
        operator = " ".join(next(filter(None, match.groups())).lower().split())
        negated = operator.startswith("not ")
        operator = operator.removeprefix("not ")
        name, *types = split(self._text[start : match.start()], ":")
        try:
            column = word(name).column
            kind = one_of([word(each).text for each in types], get_args(Kind))
            self._at = match.end()
            found = self._compared(column, operator, kind or self._kind_of(column))
        except GrammarError as error:
            raise self._located(error, start) from error
        return self._opposite(found) if negated else found

    def _compared(self, column: str | int, operator: str, kind: str | None) -> dict[str, Any]:
        written = {"column": column, "op": operator}
        if operator == "is_empty":
            self._skip_blanks()
            return written
        if operator == "in":
            return written | _values("in", self._list(), kind)
        if operator == "like":
            return {"column": column} | _like(self._value(), kind)
        if operator == "between":
            low = self._value()
            if not self._takes_keyword("and"):
                raise self._error("between needs two values, as in 'Plays between 1 and 9'")
            values = _values("<=", [low, self._value()], kind)
            ends = zip((">=", "<="), values.pop("value"), strict=True)
            return {
                "and": [{"column": column, "op": op, "value": end} | values for op, end in ends]
            }
        found = _values(operator, [self._value()], kind)
        return written | found | {"value": found["value"][0]}

    def _value(self) -> Word:
        return word(self._run(), plain=True)

    def _list(self) -> list[Word]:
        self._skip_blanks()
        start = self._at
        inside = self._text.startswith("(", start)
        self._at += inside
        run = self._run(closing=inside, listed=True)
        if inside:
            self._close(start)
        elif match := re.search(r"[=<>]", re.sub(r'"[^"]*"', lambda m: " " * len(m[0]), run)):
            self._at = start + match.start()
            raise self._error("a list of values has no operator; put a name or value in quotes")
        return [word(each) for each in split(run, ",")]

    def _run(self, *, closing: bool = False, listed: bool = False) -> str:
        """Return the text up to the next keyword, or parenthesis that is not opened in it.

        With `closing`, only that parenthesis ends it.
        """
        text, start, opened, may_quote = self._text, self._at, 0, True
        while self._at < len(text):
            if may_quote and (quoted := QUOTED.match(text, self._at)):
                self._at, may_quote = quoted.end(), False
                continue
            if text[self._at] == ")" and not opened:
                break
            if not closing and self._ends_here() and not opened:
                break
            opened += {"(": 1, ")": -1}.get(text[self._at], 0)
            may_quote = (may_quote and text[self._at].isspace()) or (
                listed and text[self._at] == ","
            )
            self._at += 1
        return text[start : self._at]

    def _ends_here(self) -> bool:
        """Whether a keyword or a closing parenthesis is at this place."""
        text, at = self._text, self._at
        if text[at] == ")":
            return True
        return (at == 0 or text[at - 1].isspace() or text[at - 1] in ')"') and bool(
            _KEYWORD.match(text, at)
        )

    def _takes_keyword(self, keyword: str) -> bool:
        self._skip_blanks()
        match = _KEYWORD.match(self._text, self._at)
        if match is None or match[0].lower() != keyword:
            return False
        self._at = match.end()
        return True

    def _skip_blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _opposite(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return the condition that holds where this one does not (De Morgan).

        An empty cell is neither number nor date, and then neither holds, as in SQL.
        """
        if "not" in found:
            negated: dict[str, Any] = found["not"]
            return negated
        for form, other in (("and", "or"), ("or", "and")):
            if form in found:
                return {other: [self._opposite(part) for part in found[form]]}
        operator = found["op"]
        if operator in _OPPOSITE:
            return found | {"op": _OPPOSITE[operator]}
        if operator == "in":
            parts = [found | {"op": "!=", "value": value} for value in found["value"]]
            return parts[0] if len(parts) == 1 else {"and": parts}
        return {"not": found}

    def _error(self, message: str) -> GrammarError:
        return self._located(GrammarError(message), self._at)

    def _located(self, error: GrammarError, at: int) -> GrammarError:
        """Return the error with the condition, and a caret below the place."""
        if "\n" in str(error) or "\n" in self._text:
            return error
        return GrammarError(f"{error}\n  {self._text}\n  {' ' * at}^")


def _like(value: Word, kind: str | None) -> dict[str, Any]:
    """Return operator and value of a pattern of SQL, if they can say the same."""
    if not value.quoted and _WRONG_START.match(value.text):
        raise _mistaken(value.text)
    inner = value.text.strip("%")
    if not inner or "%" in inner or "_" in inner:
        raise GrammarError("like takes text% or %text%, without _ and other %")
    ends = (value.text.startswith("%"), value.text.endswith("%"))
    operators = {(False, False): "=", (False, True): "starts_with", (True, True): "contains"}
    if ends not in operators or kind not in (None, "text"):
        raise GrammarError("like takes text% or %text% of a column of text")
    return {"op": operators[ends], "value": inner}


def _values(operator: str, values: Sequence[Word], kind: str | None) -> dict[str, Any]:
    """Return the texts as `value`, a list, and their type."""
    texts = [value.text for value in values]
    guessed = kind or _guess_kind(operator, values)
    if kind == "text" and operator in _ORDERING and _guess_kind(operator, values) != "text":
        raise GrammarError(
            f"{texts[0]!r} would be compared as text, because the column is text in the result; if "
            "you mean that, put it in quotes"
        )
    compared: dict[str, Any] = {"value": texts}
    if guessed != "text" or kind:
        compared["type"] = guessed
    return compared


def _guess_kind(operator: str, values: Sequence[Word]) -> str:
    """Guess a kind: number if all values are JSON numbers, date for an ordering, else text."""
    if any(value.quoted for value in values) or operator in ("contains", "starts_with"):
        return "text"
    texts = [value.text for value in values]
    if all(
        JSON_NUMBER.fullmatch(text) and read_number(text.encode()) is not None for text in texts
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
        raise _mistaken(wrong)
    return "text"


def _mistaken(value: str) -> GrammarError:
    return GrammarError(f"the value would be {value}; if you mean that, put it in double quotes")
