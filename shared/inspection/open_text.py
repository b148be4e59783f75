"""Open a file: detect its dialect, and yield its text in UTF-8."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from shared.csv.compression import compression_of, decompress
from shared.csv.encoding import to_utf8
from shared.inspection.detect import dialect_of
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from shared.csv.dialect import Dialect, Input

_MAX_MAGIC_LENGTH = 16


def open_text(
    blocks: Iterable[bytes],
    declared: Input,
    max_size: int | None = None,
    on_block: Callable[[int], object] = lambda _size: None,
    *,
    names: Collection[str] = (),
    strict: bool = False,
) -> tuple[Dialect, Iterator[bytes]]:
    """Return the dialect of a file, and its text in UTF-8 for `RecordReader`.

    `blocks` are the bytes of the file, and `declared` is the declared part of its dialect.
    `max_size` is the limit of the decompressed size in bytes; None is no limit. `on_block` is
    called with the size of each decompressed block. `names` are the columns that are asked for by
    name. `strict` detects only the compression, the byte order mark and a first line such as
    `sep=;`.

    Raises MalformedInput, here or while the text is read, if the file as a whole is damaged.
    """
    start, blocks = peek(iter(blocks), _MAX_MAGIC_LENGTH)
    compression = declared.compression or compression_of(start)
    plain = _observed(decompress(blocks, compression, max_size), on_block)
    sample, blocks = peek(plain, SAMPLE_SIZE)
    whole = len(sample) < SAMPLE_SIZE
    dialect = dialect_of(sample, whole=whole, declared=declared, names=names, strict=strict)
    return replace(dialect, compression=compression), to_utf8(blocks, dialect.encoding)


def _observed(blocks: Iterator[bytes], on_block: Callable[[int], object]) -> Iterator[bytes]:
    for block in blocks:
        on_block(len(block))
        yield block


def peek(blocks: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """Return up to `size` first bytes, and an iterator over all blocks, these bytes included."""
    taken: list[bytes] = []
    missing = size
    while missing > 0 and (block := next(blocks, None)) is not None:
        taken.append(block)
        missing -= len(block)
    return b"".join(taken)[:size], chain(taken, blocks)
