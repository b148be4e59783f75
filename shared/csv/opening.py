"""Opens a file: what it is written like, and its text in UTF-8."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from shared.csv.compression import compression_of, decompressed
from shared.csv.dialect import Dialect
from shared.csv.encoding import announced, in_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.csv.dialect import Input

SAMPLE = 1 << 20
"""Bytes, decompressed, of which it is found out what a client does not say."""
_LONGEST_MAGIC = 16
_SEP_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\"?sep=([\t !#-&(-~])\"?\r?\n")
"""The line by which spreadsheets are told the delimiter; no header is meant by it."""
_LONGEST_SEP_LINE = 16


def opened(
    blocks: Iterable[bytes],
    declared: Input,
    most: int | None = None,
    held: Callable[[int], object] = lambda _size: None,
) -> tuple[Dialect, Iterator[bytes]]:
    """The dialect of the file that `blocks` make up, and its text in UTF-8, for `RecordReader`.

    `most` bounds the bytes that a compressed file may hold; `held` is told their number, block by
    block. Raises MalformedInput, while the text
    is read too, for what no record can be told from.
    """
    beginning, blocks = peek(iter(blocks), _LONGEST_MAGIC)
    compression = declared.compression or compression_of(beginning)
    plain = _told(decompressed(blocks, compression, most), held)
    sample, blocks = peek(plain, SAMPLE)
    dialect = replace(understood(sample, declared), compression=compression)
    beginning, text = peek(in_utf8(blocks, dialect.encoding), _LONGEST_SEP_LINE)
    said = _SEP_LINE.match(beginning)
    if said and declared.delimiter in (None, said[1].decode()):
        dialect = replace(dialect, delimiter=said[1].decode(), sep_line=True)
    return dialect, text


def understood(sample: bytes, declared: Input) -> Dialect:
    """What a file that begins with `sample` is written like, where it is not declared."""
    default = Dialect()
    return Dialect(
        delimiter=declared.delimiter or default.delimiter,
        quote=default.quote if declared.quote is None else declared.quote,
        escape=default.escape if declared.escape is None else declared.escape,
        header=default.header if declared.header is None else declared.header,
        line_end=declared.line_end or default.line_end,
        encoding=declared.encoding or announced(sample) or default.encoding,
        decimal=declared.decimal,
        thousands=declared.thousands,
    )


def _told(blocks: Iterator[bytes], held: Callable[[int], object]) -> Iterator[bytes]:
    for block in blocks:
        held(len(block))
        yield block


def peek(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, `size` of them at the most, and all blocks, these among them."""
    held: list[bytes] = []
    missing = size
    while missing > 0 and (block := next(blocks, None)) is not None:
        held.append(block)
        missing -= len(block)
    return b"".join(held)[:size], chain(held, blocks)
