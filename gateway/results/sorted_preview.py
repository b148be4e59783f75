"""Sorted previews: the first rows of a result in the order of one of its columns.

A thread reads the whole result and keeps these rows only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.results.preview_rows import Preview, read_result, with_nulls
from gateway.results.top_rows import top_rows
from shared.aggregation.formats import FORMATS
from shared.csv.compression import decompress
from shared.errors import MalformedInput, NotSortable, ResultLost
from shared.jobs.preview import LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from gateway.results.order import Order
    from gateway.results.preview_rows import Column
    from gateway.results.result_rows import Row
    from shared.jobs.job import Job, JobResult

REMEDY = (
    'upload the file again with "order_by" and "limit" in its aggregation, which sort a result of '
    "any size"
)


class ClientGone(ConnectionError):
    """The client has disconnected, so nobody waits for the rows."""


def check_size(result: JobResult, limit: int) -> None:
    """Raise NotSortable if the result has more than `limit` bytes."""
    if result.size > limit:
        raise _too_large(result, limit)


async def sorted_preview(
    pieces: AsyncIterator[bytes],
    job: Job,
    result: JobResult,
    *,
    order: Order,
    rows: int,
    limit: int,
    gone: Callable[[], bool],
) -> Preview:
    """Return the first `rows` rows of a result in `order`. `pieces` are its bytes.

    Ends with ClientGone when `gone` says that the client has disconnected. Raises NotSortable if
    the result has more than `limit` bytes without compression, InvalidInput if it does not have the
    column, ResultLost if it is damaged, and the errors of `pieces`.
    """
    loop = asyncio.get_running_loop()
    stopped = False

    async def following() -> bytes | None:
        if stopped or gone():
            raise ClientGone
        return await anext(pieces, None)

    def blocks() -> Iterator[bytes]:
        while (piece := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not None:
            yield piece

    work = asyncio.ensure_future(
        asyncio.to_thread(_sorted, blocks(), job, result, order=order, rows=rows, limit=limit)
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # The caller closes `pieces`, so the thread must have ended before.
        stopped = True
        await asyncio.wait([work])
        raise


def sort_rows(preview: Preview, order: Order, *, rows: int) -> Preview:
    """Return a preview of all rows of a result in `order`, cut to `rows`."""
    found = _first(preview.rows, preview.columns, order, rows)
    return Preview(preview.columns, found, truncated=len(found) < len(preview.rows))


def _first(
    found: Iterable[Row], columns: Sequence[Column], order: Order, rows: int
) -> tuple[Row, ...]:
    at = order.position_in(columns)
    column = columns[at]
    first = top_rows(
        found,
        at,
        numeric=column.numeric,
        nullable=column.nullable,
        descending=order.descending,
        count=rows,
        limit=LIMIT,
    )
    return tuple(with_nulls(row, columns) for row in first)


def _sorted(
    blocks: Iterable[bytes], job: Job, result: JobResult, *, order: Order, rows: int, limit: int
) -> Preview:
    compression = FORMATS[job.aggregation.output].compression
    try:
        text = _bounded(decompress(blocks, compression), result, limit)
        columns, found = read_result(job.aggregation, text, ended=True)
        first = _first(found, columns, order, rows)
    except MalformedInput as error:
        raise ResultLost(f"The result of job {job.id} is damaged: {error}") from error
    return Preview(columns, first, truncated=len(first) < result.rows_out)


def _bounded(blocks: Iterable[bytes], result: JobResult, limit: int) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        size += len(block)
        if size > limit:
            raise _too_large(result, limit)
        yield block


def _too_large(result: JobResult, limit: int) -> NotSortable:
    return NotSortable(
        f"The result has {result.rows_out} rows, and more than {limit} bytes without compression, "
        f"which is the most that a preview sorts; {REMEDY}"
    )
