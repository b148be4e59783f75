"""Find the lines of a sample that begin in quoted text, before its dialect is known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.csv.dialect import Dialect

_DELIMITERS = ",;\t|"


def quoted_lines(lines: Sequence[bytes], newline: bytes, dialect: Dialect) -> set[int]:
    """Return the indexes of the lines that begin in quoted text.

    Quoted is a field between quotes, which follow a delimiter or line end, and precede one. Any
    delimiter counts that may be detected, and the quote of `dialect`. Quotes in a comment have no
    meaning.
    """
    if not dialect.quote:
        return set()
    quote = re.escape(dialect.quote.encode())
    separators = re.escape((_DELIMITERS + dialect.delimiter).encode())
    field = re.compile(
        rb"(?:(?<=[%s])|(?<![^\r\n]))%s(?:[^%s]|%s%s)*+%s(?=[%s\r\n]|\Z)"
        % (separators, quote, quote, quote, quote, quote, separators)
    )
    comment = dialect.comment.encode()
    text = newline.join(lines)
    found = set[int]()
    number, at = 0, 0
    match = field.search(text)
    while match is not None and number < len(lines):
        end = at + len(lines[number])
        if not (comment and lines[number].startswith(comment)):
            place = at
            while match is not None and match.start() < end:
                if match.start() < place:
                    match = field.search(text, place)
                    continue
                place = match.end()
                while place > end:
                    number += 1
                    found.add(number)
                    end += len(newline) + len(lines[number])
                match = field.search(text, place)
        elif match.start() < end:
            match = field.search(text, end)
        at = end + len(newline)
        number += 1
    return found
