r"""Regular expressions: a subset of RE2's, compiled to programs that take linear time.

`compile_pattern` reads a pattern strictly and returns the program that the kernel runs
(`kernel/src/text/pattern.hpp`). What other libraries read in different ways is refused: a brace
that is no repetition, a repetition of what can be empty, POSIX classes, flags, named groups.

    pattern     alternatives separated by |
    atom        a character, ., [class], (group), (?:group)
    repetition  * + ? {m} {m,} {m,n}, with ? after it for as few as possible
    anchors     ^ $ (of the text), \b \B (of ASCII words)
    escapes     \d \D \w \W \s \S (ASCII), \t \n \r \f \v, \ before a sign
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

MAX_PATTERN = 1000
"""The most characters of a pattern."""
MAX_REPEAT = 1000
MAX_INSTRUCTIONS = 500
"""The most steps of a program: repetitions are written out. Each may cost some
nanoseconds for each character of a cell."""
MAX_NESTED = 50
"""The most groups within each other."""

Ranges = tuple[tuple[int, int], ...]
"""Code points, sorted: the first and the last one of each range."""
Anchor = Literal["begin", "end", "word", "no_word"]


class PatternError(ValueError):
    """A pattern is not one, or is not supported. The message names the place."""


@dataclass(frozen=True, slots=True)
class Characters:
    """Takes one character of these."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Split:
    """Continues at two places; the first one is preferred."""

    first: int
    second: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Continues elsewhere."""

    to: int


@dataclass(frozen=True, slots=True)
class Save:
    """Remembers the place in the text: the begin or the end of what is taken."""

    end: bool


@dataclass(frozen=True, slots=True)
class Assert:
    """Continues only at such a place in the text."""

    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Accept:
    """The text matches."""


Instruction = Characters | Split | Jump | Save | Assert | Accept
"""Counted from 0; all but Split and Jump go on with the next one."""

_LAST = 0x10FFFF
_CLASSES: dict[str, Ranges] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 10), (12, 13), (32, 32)),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_ANCHORS: dict[str, Anchor] = {"^": "begin", "$": "end"}
_WORDS: dict[str, Anchor] = {"b": "word", "B": "no_word"}
_REPETITION = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")


@dataclass(frozen=True, slots=True)
class _Node:
    """A part of a pattern."""

    kind: Literal["one", "sequence", "any", "repeat", "group", "anchor"]
    parts: tuple[_Node, ...] = ()
    ranges: Ranges = ()
    anchor: Anchor = "begin"
    least: int = 0
    most: int | None = None
    greedy: bool = True
    taken: bool = False
    """Whether it is the first group that captures."""

    @property
    def may_be_empty(self) -> bool:
        if self.kind == "one":
            return False
        if self.kind == "any":
            return any(part.may_be_empty for part in self.parts)
        if self.kind == "repeat":
            return self.least == 0 or self.parts[0].may_be_empty
        return all(part.may_be_empty for part in self.parts)


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> tuple[Instruction, ...]:
    """Return the program of a pattern. Raises PatternError."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"send {MAX_PATTERN} characters or fewer")
    reader = _Reader(pattern)
    node = reader.alternatives(0)
    if reader.at < len(pattern):
        raise reader.error("an unmatched )")
    if not reader.groups:
        node = _Node("group", (node,), taken=True)
    program: list[Instruction] = []
    _emit(node, program)
    program.append(Accept())
    return tuple(program)


class _Reader:
    """Parses a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups = 0

    def error(self, what: str) -> PatternError:
        return PatternError(f"at character {self.at + 1}: {what}")

    def peek(self) -> str:
        """Return the next character; empty at the end."""
        return self.pattern[self.at : self.at + 1]

    def take(self, text: str) -> bool:
        """Pass over a text if it comes next."""
        found = self.pattern.startswith(text, self.at)
        self.at += len(text) * found
        return found

    def alternatives(self, nested: int) -> _Node:
        if nested > MAX_NESTED:
            raise self.error(f"more than {MAX_NESTED} groups within each other")
        found = [self._sequence(nested)]
        while self.take("|"):
            found.append(self._sequence(nested))
        return found[0] if len(found) == 1 else _Node("any", tuple(found))

    def _sequence(self, nested: int) -> _Node:
        parts: list[_Node] = []
        while self.peek() not in ("", "|", ")"):
            parts.append(self._repeated(nested))
        return parts[0] if len(parts) == 1 else _Node("sequence", tuple(parts))

    def _repeated(self, nested: int) -> _Node:
        begin = self.at
        atom = self._atom(nested)
        found = self._repetition()
        if found is None:
            return atom
        least, most = found
        if atom.may_be_empty and (least, most) != (0, 1):
            self.at = begin
            raise self.error("what can match nothing cannot be repeated")
        greedy = not self.take("?")
        if self.peek() in ("*", "+", "?", "{"):
            raise self.error("a repetition of a repetition; put the first one into (?:...)")
        return _Node("repeat", (atom,), least=least, most=most, greedy=greedy)

    def _repetition(self) -> tuple[int, int | None] | None:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self.take(sign):
                return least, most
        if self.peek() != "{":
            return None
        match = _REPETITION.match(self.pattern, self.at)
        if match is None:
            raise self.error(r"a { that is not a repetition such as {2,3}; write \{ for a brace")
        least = int(match[1])
        most = None if match[2] and not match[3] else int(match[3] or match[1])
        if max(least, most or 0) > MAX_REPEAT or (most is not None and most < least):
            raise self.error(f"send numbers up to {MAX_REPEAT}, the smaller one first")
        self.at = match.end()
        return least, most

    def _atom(self, nested: int) -> _Node:
        if self.peek() in ("*", "+", "?", "{"):
            raise self.error(f"nothing before {self.peek()}; write \\{self.peek()} for the sign")
        if self.take("("):
            return self._group(nested)
        if self.take("["):
            return _Node("one", ranges=self._class())
        if self.take("."):
            return _Node("one", ranges=_complement(((10, 10),)))
        if (anchor := _ANCHORS.get(self.peek())) is not None:
            self.at += 1
            return _Node("anchor", anchor=anchor)
        if self.take("\\"):
            if (anchor := _WORDS.get(self.peek())) is not None:
                self.at += 1
                return _Node("anchor", anchor=anchor)
            return _Node("one", ranges=self._escaped())
        code = ord(self.peek())
        self.at += 1
        return _Node("one", ranges=((code, code),))

    def _group(self, nested: int) -> _Node:
        begin = self.at - 1
        captures = not self.take("?:")
        if captures and self.peek() == "?":
            raise self.error("only (...) and (?:...) are supported")
        self.groups += captures
        taken = captures and self.groups == 1
        inner = self.alternatives(nested + 1)
        if not self.take(")"):
            self.at = begin
            raise self.error("a ( without )")
        return _Node("group", (inner,), taken=taken)

    def _escaped(self) -> Ranges:
        """Read what follows a backslash."""
        sign = self.peek()
        self.at += 1
        if sign.lower() in _CLASSES:
            ranges = _CLASSES[sign.lower()]
            return ranges if sign.islower() else _complement(ranges)
        if sign in _CONTROLS:
            return ((_CONTROLS[sign], _CONTROLS[sign]),)
        if not sign or sign.isalnum() or not sign.isascii():
            self.at -= 2
            raise self.error(f"\\{sign} is not supported")
        return ((ord(sign), ord(sign)),)

    def _class(self) -> Ranges:
        """Read a class after its [."""
        begin = self.at - 1
        negated = self.take("^")
        ranges: list[tuple[int, int]] = []
        while not self.take("]"):
            if not self.peek():
                self.at = begin
                raise self.error("a [ without ]")
            if self.peek() == "[":
                raise self.error(r"a [ within [...]; write \[ for the sign")
            ranges += self._class_item()
        if not ranges:
            self.at = begin
            raise self.error(r"an empty class; write \] for the sign")
        merged = _merged(ranges)
        found = _complement(merged) if negated else merged
        if not found:
            self.at = begin
            raise self.error("a class without any character")
        return found

    def _class_item(self) -> Ranges:
        """Read a character, a range, or an escaped class."""
        first = self._class_character()
        single = len(first) == 1 and first[0][0] == first[0][1]
        following = self.pattern[self.at + 1 : self.at + 2]
        if self.peek() != "-" or following in ("]", ""):
            return first
        self.at += 1
        last = self._class_character()
        if not single or len(last) != 1 or last[0][0] != last[0][1]:
            raise self.error("a range needs a character on both sides")
        if last[0][0] < first[0][0]:
            raise self.error("a range that ends before it begins")
        return ((first[0][0], last[0][0]),)

    def _class_character(self) -> Ranges:
        if self.take("\\"):
            return self._escaped()
        code = ord(self.peek())
        self.at += 1
        return ((code, code),)


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    """Return sorted ranges that do not touch."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _complement(ranges: Ranges) -> Ranges:
    found: list[tuple[int, int]] = []
    next_code = 0
    for first, last in ranges:
        if first > next_code:
            found.append((next_code, first - 1))
        next_code = last + 1
    if next_code <= _LAST:
        found.append((next_code, _LAST))
    return tuple(found)


def _emit(node: _Node, program: list[Instruction]) -> None:
    """Append the program of a part."""
    if len(program) > MAX_INSTRUCTIONS:
        raise PatternError("the pattern is too large: repeat less")
    if node.kind == "one":
        program.append(Characters(node.ranges))
    elif node.kind == "anchor":
        program.append(Assert(node.anchor))
    elif node.kind == "any":
        _emit_any(node.parts, program)
    elif node.kind == "repeat":
        _emit_repeat(node, program)
    else:
        if node.taken:
            program.append(Save(end=False))
        for part in node.parts:
            _emit(part, program)
        if node.taken:
            program.append(Save(end=True))


def _emit_any(parts: tuple[_Node, ...], program: list[Instruction]) -> None:
    jumps: list[int] = []
    for part in parts[:-1]:
        split = len(program)
        program.append(Accept())  # replaced below
        _emit(part, program)
        jumps.append(len(program))
        program.append(Accept())
        program[split] = Split(split + 1, len(program))
    _emit(parts[-1], program)
    for jump in jumps:
        program[jump] = Jump(len(program))


def _emit_repeat(node: _Node, program: list[Instruction]) -> None:
    (part,) = node.parts

    def split(here: int, out: int) -> Split:
        return Split(here + 1, out) if node.greedy else Split(out, here + 1)

    for _ in range(node.least):
        _emit(part, program)
    if node.most is None:
        loop = len(program)
        program.append(Accept())
        _emit(part, program)
        program.append(Jump(loop))
        program[loop] = split(loop, len(program))
        return
    splits: list[int] = []
    for _ in range(node.most - node.least):
        splits.append(len(program))
        program.append(Accept())
        _emit(part, program)
    for place in splits:
        program[place] = split(place, len(program))
