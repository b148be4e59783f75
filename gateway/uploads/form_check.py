"""Form checks: refuses a form that is sent as the bytes of a file.

A client that sends a form without its Content-Type sends the framing of the form as records. The
first bytes of a file tell, so it is refused with them, and before it can become a job.
"""

from __future__ import annotations

import logging
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from gateway.inspections.start import read_start
from gateway.uploads.cancel import cancel_upload
from shared.blobs.socket_part import bytes_of
from shared.errors import BlobNotFound, CsvmillError, UnsupportedMedia, UploadNotFound
from shared.inspection.other_formats import SEND_FILE_ALONE, is_form

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from uuid import UUID

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.blobs.socket_part import Piece
    from shared.ports import Blobs

FORM_START = 256
"""Bytes from the start of a file that tell whether it is a form: a boundary has at most 70."""
_DASHES = b"--"

logger = logging.getLogger(__name__)


def refuse_form(start: bytes) -> None:
    """Raise UnsupportedMedia if a file that begins so is a form."""
    if is_form(start):
        raise UnsupportedMedia(
            "the body begins with the boundary of a form, which would be read as records; "
            f"{SEND_FILE_ALONE}"
        )


class FormCheck:
    """The check of one request that writes to an upload.

    Call `admit` before the first byte is read, pass the bytes through `pieces`, and call `check`
    when they are stored.
    """

    def __init__(self, blobs: Blobs, offset: int) -> None:
        self._blobs = blobs
        self._offset = offset
        # What precedes the bytes of the request; None if it is not known, or says nothing.
        self._start: bytes | None = b"" if offset == 0 else None
        self._decided = offset >= FORM_START

    async def admit(self, upload: Upload) -> None:
        """Read what precedes the bytes of the request, if these may show what the file is."""
        if upload.is_part:
            # The first bytes of a part are not those of a file: `refuse_assembled` looks at them.
            self._decided = True
        elif not self._decided and 0 < self._offset <= upload.blob.prefix:
            self._start = (await read_start(self._blobs, upload.blob, FORM_START))[: self._offset]

    async def pieces(self, data: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """Yield `data` and close it. Raises UnsupportedMedia before a byte of a form is yielded.

        Only bytes that may begin a form are held, at most `FORM_START`, until they tell.
        """
        async with aclosing(data):
            held = b""
            async for piece in data:
                if self._decided or self._start is None:
                    yield piece
                    continue
                content = bytes_of(piece)
                held += content
                start = (self._start + held)[:FORM_START]
                refuse_form(start)
                self._decided = len(start) == FORM_START or not _may_be_form(start)
                if self._decided:
                    yield held
                if not content:
                    yield piece  # it tells that the peer has disconnected
            if held and not self._decided:
                yield held

    async def check(self, context: UploadContext, upload: Upload) -> None:
        """Raise UnsupportedMedia, and remove the upload, if its stored bytes begin a form.

        Reads them only if the bytes of the request did not tell: those before them were missing,
        or they were few.
        """
        if self._decided:
            return
        async with removed_if_form(context, upload.id):
            try:
                refuse_form(await read_start(self._blobs, upload.blob, FORM_START))
            except BlobNotFound as error:
                raise UploadNotFound(f"upload {upload.id} was removed in the meantime") from error


async def refuse_assembled(blobs: Blobs, parts: list[Upload]) -> None:
    """Raise UnsupportedMedia if a file made of these parts, in this order, is a form."""
    start = b""
    for part in parts:
        start += await read_start(blobs, part.blob, FORM_START - len(start))
        if len(start) >= FORM_START or not _may_be_form(start):
            break
    refuse_form(start)


@asynccontextmanager
async def removed_if_form(context: UploadContext, upload_id: UUID) -> AsyncIterator[None]:
    """Remove an upload if its bytes are refused because they are a form."""
    try:
        yield
    except UnsupportedMedia:
        try:
            with suppress(UploadNotFound):
                await cancel_upload(context, str(upload_id))
        except CsvmillError as error:
            logger.warning("upload %s, a form, is left to the sweeper: %s", upload_id, error)
        raise


def _may_be_form(start: bytes) -> bool:
    return start.startswith(_DASHES[: len(start)])
