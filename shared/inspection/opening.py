"""Opens a file: what it is written like, and its text in UTF-8."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from shared.csv.compression import compression_of, decompressed
from shared.csv.encoding import in_utf8
from shared.inspection.detect import understood
from shared.inspection.sample import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shared.csv.dialect import Dialect, Input

_LONGEST_MAGIC = 16


def opened(
    blocks: Iterable[bytes],
    declared: Input,
    most: int | None = None,
    held: Callable[[int], object] = lambda _size: None,
    *,
    strict: bool = False,
) -> tuple[Dialect, Iterator[bytes]]:
    """The dialect of the file that `blocks` make up, and its text in UTF-8, for `RecordReader`.

    `most` bounds the bytes that a compressed file may hold; `held` is told their number, block by
    block. With `strict`, nothing is found out of it but its compression, byte order mark, and a
    first line such as `sep=;`. Raises MalformedInput, while the text is read too, for what no
    record can be told from.
    """
    beginning, blocks = peek(iter(blocks), _LONGEST_MAGIC)
    compression = declared.compression or compression_of(beginning)
    plain = _told(decompressed(blocks, compression, most), held)
    sample, blocks = peek(plain, SAMPLE)
    whole = len(sample) < SAMPLE
    dialect = understood(sample, whole=whole, given=declared, strict=strict)
    return replace(dialect, compression=compression), in_utf8(blocks, dialect.encoding)


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
