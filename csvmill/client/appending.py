"""Upload a file in one request, and continue it where a broken connection left it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from csvmill.client.errors import (
    BadRows,
    BodyTooLarge,
    ConnectionLost,
    InputChanged,
    NotVerified,
    Refused,
    ServerUnavailable,
)
from csvmill.client.file_body import FileBody
from csvmill.client.paths import upload_path
from csvmill.client.progress import Meter
from csvmill.client.transport import TOO_LARGE
from csvmill.client.uploading import BAD_ROWS, DIGEST_MISMATCH
from shared.api.upload import UploadView

if TYPE_CHECKING:
    from csvmill.client.progress import ReportProgress
    from csvmill.client.source import Source
    from csvmill.client.transport import Transport

IANA = "https://iana.org/assignments/http-problem-types#"
CHANGED_MEANWHILE = frozenset(
    {
        f"{IANA}mismatching-upload-offset",
        f"{IANA}completed-upload",
        f"{IANA}inconsistent-upload-length",
        "urn:csvmill:problem:taken-over",
        "urn:csvmill:problem:upload-gone",
    }
)
"""Problems of an append to an upload to which another request has appended meanwhile: an earlier
one of this client whose connection broke, or one of another client with the same key."""
UNGROWN = 8
"""Connections that break, without a byte that the server has kept, after which the file is sent in
chunks: a proxy that limits bodies may close the connection before its answer can be read."""
VERSION = {"Upload-Draft-Interop-Version": "8"}


class Appending:
    """Appends the rest of `source` to an upload.

    The server keeps what arrives. So a broken connection costs what had not been recorded yet, and
    retries are counted anew whenever the upload has grown.
    """

    def __init__(self, transport: Transport, source: Source, progress: ReportProgress) -> None:
        self._transport = transport
        self._source = source
        self._progress = progress
        self._meter: Meter
        self._done = 0
        self._lost = 0
        """Connections that broke while the file was sent, since the upload has grown."""

    async def complete(self, upload: UploadView) -> UploadView:
        """Send until the upload is complete; return it as it is then.

        Raises as `Uploading.complete`, and BadRows; BodyTooLarge if a proxy refuses the file as one
        body, or if `UNGROWN` connections broke and the upload has not grown.
        """
        if upload.size != self._source.size:
            raise InputChanged(
                f"the file has {self._source.size} bytes, but its upload {upload.size}"
            )
        self._done = _prefix(upload)
        self._meter = Meter(self._progress, total=self._source.size, held=self._done)
        while not upload.complete:
            upload = await self._append(upload)
        return upload

    async def _append(self, upload: UploadView) -> UploadView:
        """Append the rest; return the upload when it is complete, or has grown before a failure."""
        before = _prefix(upload)
        async for attempt in self._transport.retries:
            with attempt:
                if attempt.num > UNGROWN and self._lost >= UNGROWN:
                    raise BodyTooLarge(413, TOO_LARGE)
                if attempt.num > 1:
                    upload = await self._state(upload.id)
                    if upload.complete or _prefix(upload) > before:
                        self._lost = 0
                        return upload
                upload = await self._send(upload)
        return upload

    async def _state(self, upload_id: str) -> UploadView:
        """Return the upload after the server has ended a request that may still append to it."""
        path = upload_path(upload_id)
        # Refused if the upload became a job: then no request appends to it.
        with suppress(Refused):
            async with self._transport.request("HEAD", path, headers=VERSION) as response:
                await response.read()
        async with self._transport.request("GET", path) as response:
            upload = UploadView.of(json.loads(await response.text()))
        self._set_done(_prefix(upload))
        return upload

    async def _send(self, upload: UploadView) -> UploadView:
        offset = _prefix(upload)
        self._set_done(offset)
        body = FileBody(
            self._source, offset, self._source.size,
            on_sent=self._add, timeout=self._transport.timeout,
        )  # fmt: skip
        headers = {
            "Content-Type": "application/partial-upload",
            "Upload-Offset": str(offset),
            "Upload-Complete": "?1",
            **VERSION,
        }
        try:
            async with self._transport.request(
                "PATCH", upload_path(upload.id), body=body, headers=headers
            ) as response:
                return UploadView.of(json.loads(await response.text()))
        except ConnectionLost:
            self._lost += 1
            raise
        except Refused as error:
            if error.problem in CHANGED_MEANWHILE:
                raise ServerUnavailable(str(error)) from error
            if error.problem == DIGEST_MISMATCH:
                raise NotVerified(str(error)) from error
            if error.problem == BAD_ROWS:
                raise BadRows(str(error)) from error
            raise

    def _add(self, size: int) -> None:
        self._done += size
        self._meter.add(size)

    def _set_done(self, done: int) -> None:
        if done != self._done:
            self._add(done - self._done)


def _prefix(upload: UploadView) -> int:
    """Return how many bytes have been received without a gap."""
    return upload.missing[0][0] if upload.missing else upload.received_bytes
