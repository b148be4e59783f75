"""A run of several files, or of uploads that are there: files are stored, and one job is asked."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import astuple
from typing import TYPE_CHECKING

from csvmill.client.errors import ClientError
from csvmill.client.progress import TransferProgress
from csvmill.run.fingerprint import Fingerprint, fingerprint
from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.spec import SONG_PLAYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from csvmill.client import AsyncClient, JobView
    from csvmill.run.request import RunRequest
    from csvmill.run.state import RunState


def fingerprint_of_several(files: Sequence[Path], uploads: Sequence[str]) -> Fingerprint:
    """Return the fingerprint of several files in their order, and of uploads. Blocks.

    Raises as `fingerprint`.
    """
    found = [(file.name, *astuple(fingerprint(file))) for file in files]
    digest = hashlib.sha256(json.dumps([found, list(uploads)]).encode()).hexdigest()
    size = sum(each[1] for each in found)
    return Fingerprint(size, max((each[2] for each in found), default=None), digest)


class _Meter:
    """Adds up the progress of files that are sent one after the other."""

    def __init__(self, total: int, report: Callable[[TransferProgress], None]) -> None:
        self._total = total
        self._report = report
        self._before = self._latest = TransferProgress(0, total, 0)

    def of_file(self, progress: TransferProgress) -> None:
        """Report the progress of the current file as that of all."""
        self._latest = TransferProgress(
            self._before.done + progress.done, self._total, self._before.held + progress.held
        )
        self._report(self._latest)

    def next_file(self) -> None:
        """Begin the next file."""
        self._before = self._latest


async def ask_job(
    client: AsyncClient,
    request: RunRequest,
    files: Sequence[Path],
    state: RunState,
    report: Callable[[TransferProgress], None],
) -> JobView:
    """Store the files of a run, and ask for its job; continue what an earlier process began.

    `files` are those that are sent, in order. Raises as `AsyncClient.store`
    and `AsyncClient.ask`.
    """
    meter = _Meter(state.input.size, report)
    uploads = []
    for number, path in enumerate(files):
        upload = await client.store(
            path, key=key_of(state, number), name=request.name_of(path),
            chunk_size=request.chunk_size, parallel=request.parallel, progress=meter.of_file,
        )  # fmt: skip
        meter.next_file()
        uploads.append(upload.id)
    spec = request.spec_name or request.aggregation or aggregation_json(SONG_PLAYS)
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True, default=str).encode()).hexdigest()
    key = "-".join(filter(None, (state.key, digest[:16], request.engine)))
    return await client.ask(
        [*uploads, *request.uploads], spec, cache=request.cache, key=key, engine=request.engine
    )


async def delete_stored(client: AsyncClient, state: RunState) -> None:
    """Delete the files that a run has stored, as far as the server can be reached."""
    for number in range(state.files):
        with suppress(ClientError):
            await client.cancel_upload(key_of(state, number))


def key_of(state: RunState, number: int) -> str:
    """Return the Idempotency-Key of a stored file of a run."""
    return f"{state.key}-{number}"
