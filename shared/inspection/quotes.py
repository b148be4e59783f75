"""Count the quotes of a sample, and tell which quotes to try."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.csv.dialect import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.csv.dialect import Dialect, Input


@dataclass(frozen=True, slots=True)
class Quoting:
    """The quotes of a sample."""

    double: int
    """The number of fields in double quotes."""
    single: int
    """The number of fields in single quotes."""
    opened: int
    """The number of fields that begin with a double quote."""

    @classmethod
    def of(cls, text: bytes) -> Quoting:
        """Count the quotes of a text."""
        double, single, opened = (
            len(pattern.findall(text)) if quote in text else 0
            for pattern, quote in ((_DOUBLE, b'"'), (_SINGLE, b"'"), (_OPENED, b'"'))
        )
        return cls(double, single, opened)

    def ways(self, text: bytes, dialect: Dialect, declared: Input) -> Iterator[tuple[str, str]]:
        """Yield pairs of quote and escape, in the order in which to try them."""
        quotes = self._quotes(text, dialect) if declared.quote is None else (declared.quote,)
        for quote in quotes:
            yield quote, declared.escape or ""
            # The text has a backslash before a quote.
            if declared.escape is None and quote and b"\\" + quote.encode() in text:
                yield quote, "\\"

    def _quotes(self, text: bytes, dialect: Dialect) -> Sequence[str]:
        """Return the quotes to try."""
        if self.single > self.double:
            # In RFC 4180, single quotes are text, so they count as quotes only if most lines have
            # them.
            lines = text.count(b"\r" if dialect.line_end == "cr" else b"\n")
            first = dialect.delimiter != STRICT.delimiter and 2 * self.single > lines
            return ("'", '"') if first else ('"', "'")
        # In other files, a quote without a closing quote is an error, and not text.
        if dialect.delimiter == "\t" and 2 * self.double < self.opened:
            return '"', ""
        return ('"',)


_DOUBLE = re.compile(rb'(?:^|[,;\t|\r])"(?:[^"\r\n]|"")*+"(?=[,;\t|\r\n]|\Z)', re.MULTILINE)
_SINGLE = re.compile(
    rb"(?:^|[,;\t|\r])'(?:(?:[^'\r\n]|'')*+|(?:[^'\\\r\n]|\\[^\r\n])*+)'(?=[,;\t|\r\n]|\Z)",
    re.MULTILINE,
)
"""A field in quotes."""
_OPENED = re.compile(rb'(?:^|[,;\t|\r])"', re.MULTILINE)
"""A field that begins with a quote."""
