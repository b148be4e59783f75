"""The pieces of a source: they are read, checked, and sent to a child process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.blobs.content import FilePart
from shared.errors import AttemptFailed, CsvmillError, JobFailed
from shared.inspection.sample import SAMPLE_SIZE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from processor.engines.child import Child
    from processor.engines.port import Piece, Source
    from processor.engines.usage import Usage


async def send_pieces(
    child: Child, taken: Sequence[bytes], rest: AsyncIterator[Piece]
) -> AsyncIterator[int]:
    """Write all pieces to the standard input of a child, and close it. Yields their sizes.

    The system sends parts of files by itself. Returns early if the child has ended. Raises
    AttemptFailed.
    """
    stdin = child.stdin
    assert stdin is not None  # noqa: S101
    try:
        async for piece in _chained(taken, rest):
            if isinstance(piece, FilePart):
                try:
                    await stdin.send(piece)
                except CsvmillError as error:
                    raise AttemptFailed(f"the source could not be read: {error}") from error
            else:
                await stdin.write(piece)
            yield len(piece)
        stdin.close()
    except ConnectionError:
        return


async def _chained(taken: Sequence[bytes], rest: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    for first in taken:
        yield first
    async for piece in rest:
        yield piece


async def checked_pieces(source: Source, pieces: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
    """Yield the pieces of a source. Raises AttemptFailed if it fails or has another size."""
    taken = 0
    with errors_of_source():
        async for piece in pieces:
            taken += len(piece)
            yield piece
    if taken != source.size:
        raise AttemptFailed(f"the source ended after {taken} of {source.size} bytes")


async def first_pieces(pieces: AsyncIterator[Piece], usage: Usage) -> list[bytes]:
    """Return the first pieces, of together `SAMPLE_SIZE` bytes or more, or all."""
    taken: list[bytes] = []
    size = 0
    while size < SAMPLE_SIZE:
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            break
        with errors_of_source():
            taken.append(await piece.read() if isinstance(piece, FilePart) else piece)
        size += len(piece)
        usage.advance(0)
    return taken


def first_bytes(path: Path) -> bytes:
    """Return the first `SAMPLE_SIZE` bytes of a file, or all."""
    with path.open("rb") as file:
        return file.read(SAMPLE_SIZE)


@contextmanager
def errors_of_source() -> Iterator[None]:
    """Raise AttemptFailed for an error while a source is read, unless it is that of a job."""
    try:
        yield
    except JobFailed:
        raise
    except (CsvmillError, OSError) as error:
        raise AttemptFailed(f"the source could not be read: {error}") from error
