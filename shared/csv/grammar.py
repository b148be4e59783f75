"""The grammar of a dialect: the bytes and patterns that divide text into records."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.csv.dialect import Dialect

CR, LF, CRLF = b"\r", b"\n", b"\r\n"

NAMES = {b",": "a comma", b";": "a semicolon", b"\t": "a tab", b"|": "a vertical bar"}


@dataclass(frozen=True, slots=True)
class Grammar:
    """Divides text in UTF-8 into records and fields."""

    delimiter: bytes
    quote: bytes
    """Empty if nothing is quoted."""
    newline: bytes
    """LF, which a CR may precede, or CR."""
    unquoted: re.Pattern[bytes]
    """A field that does not begin with a quote."""
    quoted: re.Pattern[bytes]
    """A field in quotes; its first group is the text between them."""
    ended: re.Pattern[bytes]
    """A field and the delimiter or line end after it. Its groups are the text between quotes or
    None, the field without quotes or None, and the delimiter or line end."""
    head: re.Pattern[bytes]
    """All fields at the start of a record that a delimiter follows."""
    of_head: re.Pattern[bytes]
    """A field of the head, with its delimiter. Its groups are the text between quotes, and the
    field without quotes."""
    unfinished: re.Pattern[bytes]
    """A last field, up to the end of the data, that may continue."""
    escaped: re.Pattern[bytes]
    """An escaped character within quotes; its first group is the character."""
    escape: bytes
    """The first byte of an escape sequence."""

    @property
    def foreign(self) -> bytes:
        """The one of CR and LF that does not end lines."""
        return LF if self.newline == CR else CR

    @property
    def delimiter_name(self) -> str:
        """The name of the delimiter in messages."""
        return NAMES.get(self.delimiter) or f"the delimiter {self.delimiter.decode()!r}"

    @property
    def escape_name(self) -> str:
        """How a quote within quotes is written, in messages."""
        return (
            "is doubled"
            if self.escape == self.quote
            else f"is written {self.escape.decode()}{self.quote.decode()}"
        )

    def unescape(self, text: bytes) -> bytes:
        """Return the value of `text`, which was between quotes."""
        if self.escape == self.quote:
            return text.replace(2 * self.quote, self.quote)
        return self.escaped.sub(rb"\1", text) if self.escape in text else text

    def without_line_end(self, line: bytes) -> bytes:
        """Return `line` without its line end, if it has one."""
        line = line.removesuffix(self.newline)
        return line.removesuffix(CR) if self.newline == LF else line


@lru_cache(maxsize=64)
def grammar_of(dialect: Dialect) -> Grammar:
    """Return the grammar of a dialect; encoding and compression do not matter."""
    delimiter, quote = dialect.delimiter.encode(), dialect.quote.encode()
    escape = dialect.escape.encode() or quote
    if len(delimiter) == 1:
        unquoted = rb"[^%s\r\n]*+" % re.escape(delimiter)
    else:
        unquoted = rb"(?:(?!%s)[^\r\n])*+" % re.escape(delimiter)
    q, e = re.escape(quote), re.escape(escape)
    opened = rb"%s[^%s]*+(?:%s%s[^%s]*+)*+" % (q, q, q, q, q)
    if escape == quote:
        quoted, escaped = rb"%s([^%s]*+(?:%s%s[^%s]*+)*+)%s" % (q, q, q, q, q, q), q + b"(%s)" % q
    else:
        # As in PostgreSQL, the escape is text unless a quote or an escape follows.
        quoted = rb"%s([^%s%s]*+(?:%s.[^%s%s]*+)*+)%s" % (q, q, e, e, q, e, q)
        opened = rb"%s[^%s%s]*+(?:%s.[^%s%s]*+)*+" % (q, q, e, e, q, e)
        escaped = e + b"([%s%s])" % (q, e)
    if not quote:
        quoted, opened, escaped, q = rb"((?!))", rb"(?!)", rb"(?!)", rb"(?!)"
    newline = CR if dialect.line_end == "cr" else LF
    ending = rb"%s|%s" % (re.escape(delimiter), CR if newline == CR else rb"\r?\n")
    field = rb"(?:%s|((?!%s)%s))" % (quoted, q, unquoted)
    divider = re.escape(delimiter)
    half = b"" if newline == CR else rb"\r?"
    return Grammar(
        delimiter=delimiter,
        quote=quote,
        newline=newline,
        unquoted=re.compile(unquoted),
        quoted=re.compile(quoted, re.DOTALL),
        ended=re.compile(rb"%s(%s)" % (field, ending), re.DOTALL),
        head=re.compile(rb"(?:%s%s)*+" % (field, divider), re.DOTALL),
        of_head=re.compile(field + divider, re.DOTALL),
        unfinished=re.compile(
            rb"(?:%s|%s%s|(?!%s)%s%s)\Z" % (opened, quoted, half, q, unquoted, half), re.DOTALL
        ),
        escaped=re.compile(escaped),
        escape=escape,
    )
