"""Refuses more bytes of an upload whose job is known to fail, if its client wants that."""

from __future__ import annotations

import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from shared.errors import BadRowsFound, DatabaseUnavailable
from shared.uploads.metadata import aggregation_of, fails_early

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gateway.uploads.upload import Upload
    from shared.blobs.socket_part import Piece
    from shared.ports import HeadStarts

INTERVAL = 2.0
"""Seconds between two checks of a request."""


class EarlyFailure:
    """The check of one request that writes to an upload."""

    def __init__(self, head_starts: HeadStarts) -> None:
        self._head_starts = head_starts
        self._upload: Upload | None = None

    async def admit(self, upload: Upload) -> None:
        """Raise BadRowsFound if bad rows were found that fail the job."""
        self._upload = upload if _applies_to(upload) else None
        await self._check()

    async def pieces(self, data: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """Yield `data` and close it. Raises BadRowsFound soon after bad rows are found."""
        checked = time.monotonic()
        async with aclosing(data):
            async for piece in data:
                yield piece
                if self._upload is not None and time.monotonic() > checked + INTERVAL:
                    await self._check()
                    checked = time.monotonic()

    async def _check(self) -> None:
        if self._upload is None:
            return
        try:
            head_start = await self._head_starts.of_upload(self._upload.id)
        except DatabaseUnavailable:
            return  # the job will tell
        progress = None if head_start is None else head_start.progress
        if progress is not None and progress.rows_rejected:
            bad = f"{progress.rows_rejected} bad row{'s' if progress.rows_rejected > 1 else ''}"
            raise BadRowsFound(
                f"the file has {bad} so far, so its job would fail: {progress.first_problem}; "
                "cancel the upload and correct the file, or send it with "
                '"input": {"on_bad_row": "skip"} in its spec'
            )


def _applies_to(upload: Upload) -> bool:
    metadata = upload.blob.metadata
    return (
        fails_early(metadata)
        and not upload.blob.complete
        and aggregation_of(metadata).input.on_bad_row == "fail"
    )
