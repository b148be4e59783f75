"""One run: upload, wait, download; each step continues what an earlier process began."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from csvmill.client import (
    AsyncClient,
    ClientError,
    InputChanged,
    JobUnsuccessful,
    Refused,
    Retries,
)
from csvmill.run.fingerprint import fingerprint, fingerprint_of_whole
from csvmill.run.order import Outcome
from csvmill.run.state import RunDiffers, RunState
from csvmill.standalone.child import local_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from csvmill.client import JobView, Progress, ResultView
    from csvmill.run.fingerprint import Fingerprint
    from csvmill.run.order import Audience, Order
    from csvmill.run.state import RunFolder

PIPED_NAME = "stdin.csv"
"""What the server is told of a file that came through standard input."""
SPEC_MISMATCH = "urn:csvmill:problem:spec-mismatch"
NEVER_TAKEN = frozenset((400, 413, 415, 422))
"""With these a server refuses a file before it has taken anything of it."""
PIECE = 1 << 20


@dataclass
class Run:
    """Carries an order out, in a folder that is locked: `begin`, then `carry_out`."""

    order: Order
    folder: RunFolder
    audience: Audience
    _fresh: bool = False
    """Whether nothing of this run was there before."""
    _moved: dict[str, int] = field(default_factory=lambda: {"upload": 0, "download": 0})
    _seconds: dict[str, float] = field(default_factory=dict)
    _abandoned: RunState | None = None
    _state: RunState = field(init=False)
    _over: bool = False
    """Whether nothing is left to continue."""

    def begin(self) -> None:
        """Find out what there is to do. Blocks, as long as standard input does.

        Raises InputChanged if the input is not that of the run which was begun, RunDiffers if it
        was begun on another server, or to compute something else.
        """
        self._abandoned = self._make_room()
        self._state = self._state_for(self._take_fingerprint())

    async def carry_out(self) -> Outcome:
        """Do what is left to do. Raises ClientError or OSError; what was done is kept.

        Raises JobUnsuccessful if the job ends without a result.
        """
        abandoned = self._abandoned
        try:
            async with self._server() as server, self._client(server) as client:
                if abandoned is not None and abandoned.server == self.order.server is not None:
                    with suppress(Refused):
                        await client.cancel_upload(abandoned.key)
                return await self._go_on(client, self._state)
        finally:
            if self._over:
                await asyncio.to_thread(self.folder.remove)

    async def _go_on(self, client: AsyncClient, state: RunState) -> Outcome:
        if state.failed:
            state = await self._retried(client, state)
        if state.job_id is None:
            state = await self._upload(client, state)
        job = await self._wait(client, state)
        result = await self._download(client, job)
        self._over = True
        return Outcome(job, result, self._moved["upload"], self._moved["download"], self._seconds)

    def _make_room(self) -> RunState | None:
        """Remove what is not to be continued; the state of a run that is abandoned."""
        try:
            state = self.folder.load()
        except RunDiffers:
            if not self.order.restart:
                raise
            state = None
        if state is not None and not self.order.restart:
            return None
        self.folder.clear()
        return state

    def _client(self, server: str) -> AsyncClient:
        return AsyncClient(server, retries=Retries(attempts=None, within=self.order.retry_for))

    def _take_fingerprint(self) -> Fingerprint:
        if self.order.input is not None:
            return fingerprint(self.order.input)
        return fingerprint_of_whole(self.folder.piped, self._save_standard_input())

    def _save_standard_input(self) -> str:
        digest = hashlib.sha256()
        with self.folder.piped.open("wb") as file:
            while piece := sys.stdin.buffer.read(PIECE):
                file.write(piece)
                digest.update(piece)
        return digest.hexdigest()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[str]:
        if self.order.server is not None:
            yield self.order.server
            return
        async with local_service(
            self.folder.service, self.folder.service_log, inherit=[self.folder.lock_fd]
        ) as url:
            yield url

    def _state_for(self, file: Fingerprint) -> RunState:
        """What was begun, if it can be continued, else a run that begins."""
        state = self.folder.load()
        if state is None:
            return self._begun(file)
        if state.server != self.order.server:
            begun = f"with --server {state.server}" if state.server else "without --server"
            raise RunDiffers(
                f"the run in {self.folder.path} was begun {begun}; continue it so, "
                "or begin anew with --restart"
            )
        difference = state.input.difference(file)
        if difference is None and state.aggregation == self.order.aggregation:
            return state
        if state.failed:
            # That run came to nothing, and the file, or what is asked of it, was mended since.
            return self._begun(file)
        if difference is None:
            raise RunDiffers(
                f"the run in {self.folder.path} was begun to compute something else; "
                "ask for the same, or begin anew with --restart"
            )
        raise InputChanged(
            f"the input is not the one that this run began with: {difference}; "
            "put it back, or begin anew with --restart"
        )

    def _begun(self, file: Fingerprint) -> RunState:
        self._fresh = True
        state = RunState.begin(self.order.server, file, self.order.aggregation)
        self.folder.save(state)
        return state

    async def _saved(self, state: RunState) -> RunState:
        await asyncio.to_thread(self.folder.save, state)
        return state

    async def _retried(self, client: AsyncClient, state: RunState) -> RunState:
        """Put a job that failed back; the file is uploaded again only if it has to be."""
        try:
            await client.retry(state.job_id or "")
            self.audience.note("the job failed before; it is tried again")
        except Refused as error:
            self.audience.note(f"the job cannot be tried again: {error}")
            return await self._saved(state.again())
        return await self._saved(replace(state, failed=False))

    async def _upload(self, client: AsyncClient, state: RunState) -> RunState:
        def report(progress: Progress) -> None:
            self._moved["upload"] = progress.done - progress.held
            self.audience.uploading(progress)

        piped = self.order.input is None
        try:
            with self._timed("upload"):
                job_id = await client.upload(
                    self.order.input or self.folder.piped,
                    key=state.key,
                    name=PIPED_NAME if piped else None,
                    sha256=state.input.sha256 if piped else None,
                    aggregation=state.aggregation,
                    chunk_size=self.order.chunk_size,
                    parallel=self.order.parallel,
                    progress=report,
                )
        except Refused as error:
            nothing_begun = self._fresh and not self._moved["upload"]
            if error.problem == SPEC_MISMATCH or (nothing_begun and error.status in NEVER_TAKEN):
                # It will never be anything: mended, the same command is to begin anew.
                self._over = True
                with suppress(ClientError):
                    await client.cancel_upload(state.key)
            raise
        return await self._saved(replace(state, job_id=job_id))

    async def _wait(self, client: AsyncClient, state: RunState) -> JobView:
        job_id = state.job_id or ""
        with self._timed("job"):
            try:
                return await client.wait(job_id, changed=self.audience.working)
            except JobUnsuccessful:
                await self._note_failure(await client.job(job_id), state)
                raise
            except Refused as error:
                raise self._gone(error) from error

    async def _note_failure(self, job: JobView, state: RunState) -> None:
        """Keep what a retry can use: nothing, if the file is at fault or the job was cancelled."""
        if job.state == "FAILURE" and job.attempt >= job.max_attempts:
            await self._saved(replace(state, failed=True))
            self.audience.note("the same command again has the job tried again")
        else:
            self._over = True

    async def _download(self, client: AsyncClient, job: JobView) -> ResultView:
        def report(progress: Progress) -> None:
            self._moved["download"] = progress.done - progress.held
            self.audience.downloading(progress)

        with self._timed("download"):
            try:
                # Before the result, which appears last: if it is there, all is.
                if self.order.rejects is not None:
                    await client.download_rejects(
                        job.id, self.order.rejects, partial=self.folder.rejects,
                        parallel=self.order.parallel,
                    )  # fmt: skip
                return await client.download(
                    job.id, self.order.output, partial=self.folder.result,
                    parallel=self.order.parallel, progress=report,
                )  # fmt: skip
            except Refused as error:
                raise self._gone(error) from error

    def _gone(self, error: Refused) -> ClientError:
        if error.status in (404, 410):
            return RunDiffers(f"{error}; begin anew with --restart")
        return error

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[stage] = time.monotonic() - started
