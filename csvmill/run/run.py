"""One run: upload, wait, download. Each step continues what an earlier process began."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from csvmill.client.errors import (
    BadRows,
    ClientError,
    InputChanged,
    JobUnsuccessful,
    Refused,
)
from csvmill.client.loading import load_client
from csvmill.run.asking import ask_job, delete_stored, fingerprint_of_several
from csvmill.run.direct import is_direct, refuse_hopeless, run_directly
from csvmill.run.errors import RunDiffers
from csvmill.run.fingerprint import fingerprint, fingerprint_of_pipe
from csvmill.run.request import RunResult
from csvmill.run.state import RunState
from csvmill.standalone.child import local_service
from shared.blobs.boot import boot_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from csvmill.client import AsyncClient, JobView, ResultView, TransferProgress
    from csvmill.run.fingerprint import Fingerprint
    from csvmill.run.request import RunListener, RunRequest
    from csvmill.run.state import RunFolder

SPEC_MISMATCH = "urn:csvmill:problem:spec-mismatch"
OWN = "http://127.0.0.1"
"""The start of the URL of a run's own service."""
REFUSED_AT_CREATION = frozenset((400, 413, 415, 422))
"""Statuses with which a server refuses an upload before it has stored any byte."""
BUFFER_SIZE = 1 << 20
SETTINGS = {"CSVMILL_HEAD_START_INTERVAL": "0.05", "CSVMILL_AUDIT_TTL": "0"}
"""Settings of the service of a run, which has one upload and one client."""
WITHOUT_SYNC = {"CSVMILL_STORAGE_FSYNC": "never"}
"""Settings of the service of a run that begins anew after a crash of the machine
(`RunState.boot`), so that no byte needs to be on the disk before the run continues."""


@dataclass
class Run:
    """One run in a locked folder: call `begin`, then `execute`."""

    request: RunRequest
    folder: RunFolder
    listener: RunListener
    _is_new: bool = False
    """Whether this process began the run."""
    _transferred: dict[str, int] = field(default_factory=lambda: {"upload": 0, "download": 0})
    """Bytes that this process moved."""
    _seconds: dict[str, float] = field(default_factory=dict)
    _token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    """The key of the run's own service, which no other program knows."""
    _abandoned: RunState | None = None
    _state: RunState = field(init=False)
    _boot: str | None = field(default_factory=boot_id)
    _is_done: bool = False
    """Whether the result is there, so that nothing of the run's own service is needed any more."""
    _is_over: bool = False
    """Whether nothing is left to continue, so that the folder can be removed."""

    def begin(self) -> None:
        """Load or create the state of the run. Blocks until standard input, if used, has ended.

        Raises InputChanged if the input is not that of the saved run, and RunDiffers if the saved
        run used another server or another spec.
        """
        self._abandoned = self._clear_folder()
        self._state = self._load_or_create(self._take_fingerprint())

    async def execute(self) -> RunResult:
        """Do the remaining steps. What is done stays done if one of them fails.

        Raises JobUnsuccessful if the job ends without a result, and other ClientErrors or OSError.
        """
        abandoned = self._abandoned
        try:
            if is_direct(self.request, self._state, self.folder):
                done = await self._aggregate_directly()
                if done is not None:
                    return done
            elif self._is_new and not self.request.is_asked:
                await self._look_at_first_rows()
            async with self._server() as server, self._client(server) as client:
                if (
                    abandoned is not None
                    and abandoned.server == self.request.shown_server is not None
                ):
                    with suppress(Refused):
                        await client.cancel_upload(abandoned.key)
                    await delete_stored(client, abandoned)
                return await self._continue(client, self._state)
        finally:
            if self._is_over:
                await asyncio.to_thread(self.folder.remove)

    async def _aggregate_directly(self) -> RunResult | None:
        try:
            done = await run_directly(
                self.request, self._file, self.request.name_of(self._file), self.folder
            )
        except JobUnsuccessful:
            self._is_over = True
            raise
        self._is_over = done is not None
        return done

    async def _look_at_first_rows(self) -> None:
        try:
            await refuse_hopeless(
                self.request, self._file, self.request.name_of(self._file), self.folder,
                size=self._state.input.size,
            )  # fmt: skip
        except BadRows:
            self._is_over = True
            raise

    @property
    def _file(self) -> Path:
        """The file that is sent, or the first one."""
        return self.request.input or self.folder.piped

    async def _continue(self, client: AsyncClient, state: RunState) -> RunResult:
        if state.failed:
            state = await self._retry_job(client, state)
        if state.job_id is None:
            send = self._ask if self.request.is_asked else self._upload
            state = await send(client, state)
        job = await self._wait(client, state)
        result = await self._download(client, job)
        self._is_done = self._is_over = True
        uploaded, downloaded = self._transferred["upload"], self._transferred["download"]
        return RunResult(job, result, uploaded, downloaded, self._seconds)

    def _clear_folder(self) -> RunState | None:
        """Remove the rest of a run that will not be continued; return its state if readable."""
        try:
            state = self.folder.load()
        except RunDiffers:
            if not self.request.restart:
                raise
            state = None
        if state is not None and not self.request.restart:
            return None
        self.folder.clear()
        return state

    def _client(self, server: str) -> AsyncClient:
        load_client(server)
        from csvmill.client import AsyncClient, Retries

        return AsyncClient(
            server,
            api_key=self._token if self.request.server is None else self.request.api_key,
            retries=Retries(attempts=None, within=self.request.retry_for),
        )

    def _take_fingerprint(self) -> Fingerprint:
        if self.request.input is not None and not self.request.more and not self.request.uploads:
            return fingerprint(self.request.input)
        if not self.request.is_piped:
            return fingerprint_of_several(self._files, self.request.uploads)
        return fingerprint_of_pipe(self.folder.piped, self._save_standard_input())

    @property
    def _files(self) -> tuple[Path, ...]:
        """The files that are sent."""
        if self.request.input is None and not self.request.is_piped:
            return ()
        return (self._file, *self.request.more)

    def _save_standard_input(self) -> str:
        digest = hashlib.sha256()
        with self.folder.piped.open("wb") as file:
            while data := sys.stdin.buffer.read(BUFFER_SIZE):
                file.write(data)
                digest.update(data)
        return digest.hexdigest()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[str]:
        if self.request.server is not None:
            yield self.request.server
            return
        if sys.platform == "win32":
            raise ClientError("the service of a run does not run on Windows; use --server URL")
        async with local_service(
            self.folder.service,
            self.folder.service_log,
            inherit=[self.folder.lock_fd],
            settings={**SETTINGS, **(WITHOUT_SYNC if self._boot is not None else {})},
            token=self._token,
            meanwhile=lambda: load_client(OWN),  # takes a third as long as the service
            is_needless=lambda: self._is_done,
        ) as url:
            yield url

    def _load_or_create(self, file: Fingerprint) -> RunState:
        """Return the saved state if it can be continued, else a new one."""
        state = self.folder.load()
        if state is None:
            return self._create(file)
        if state.boot not in (None, self._boot):
            self.listener.note("the machine was restarted; the run starts over")
            self.folder.clear_service()
            return self._create(file)
        if state.server != self.request.shown_server:
            used = f"with --server {state.server}" if state.server else "without --server"
            raise RunDiffers(
                f"the run in {self.folder.path} was started {used}; continue it the same way, "
                "or start over with --restart"
            )
        difference = state.input.difference(file)
        if difference is None and state.aggregation == self.request.spec:
            return self._continued(state)
        if difference is None and state.job_id is None and state.files:
            # No job was created with the earlier spec, and what is stored does not depend on it.
            state = replace(state, aggregation=self.request.spec)
            self.folder.save(state)
            return self._continued(state)
        if state.failed:
            # The file or the spec was corrected after the failure.
            return self._create(file)
        if difference is None:
            raise RunDiffers(
                f"the run in {self.folder.path} was started with another spec; "
                "use the same spec, or start over with --restart"
            )
        raise InputChanged(
            f"the input has changed since this run started: {difference}; "
            "restore it, or start over with --restart"
        )

    def _create(self, file: Fingerprint) -> RunState:
        self._is_new = True
        boot = self._boot if self.request.server is None else None
        files = len(self._files) if self.request.is_asked else 0
        state = RunState.begin(
            self.request.shown_server, file, self.request.spec, files=files, boot=boot
        )
        self.folder.save(state)
        return state

    def _continued(self, state: RunState) -> RunState:
        """Return a saved state; note first if the service will not sync what it keeps."""
        if state.server is None and state.boot is None and self._boot is not None:
            state = replace(state, boot=self._boot)
            self.folder.save(state)
        return state

    async def _saved(self, state: RunState) -> RunState:
        await asyncio.to_thread(self.folder.save, state)
        return state

    async def _retry_job(self, client: AsyncClient, state: RunState) -> RunState:
        """Retry a failed job; if the server refuses, the file has to be uploaded again."""
        try:
            await client.retry(state.job_id or "")
            self.listener.note("the job failed before; retrying it")
        except Refused as error:
            self.listener.note(f"the job cannot be retried: {error}")
            return await self._saved(state.restarted())
        return await self._saved(replace(state, failed=False))

    def _report_upload(self, progress: TransferProgress) -> None:
        self._transferred["upload"] = progress.done - progress.held
        self.listener.uploading(progress)

    async def _ask(self, client: AsyncClient, state: RunState) -> RunState:
        try:
            with self._timed("upload"):
                job = await ask_job(client, self.request, self._files, state, self._report_upload)
        except Refused:
            # What was stored stays: the same command with another spec continues with it.
            self._is_over = not self._files
            raise
        return await self._saved(replace(state, job_id=job.id))

    async def _upload(self, client: AsyncClient, state: RunState) -> RunState:
        piped = self.request.is_piped
        try:
            with self._timed("upload"):
                job_id = await client.upload(
                    self._file,
                    key=state.key,
                    name=self.request.name_of(self._file),
                    sha256=state.input.sha256 if piped else None,
                    aggregation=state.aggregation,
                    chunk_size=self.request.chunk_size,
                    parallel=self.request.parallel,
                    progress=self._report_upload,
                    fail_early=True,
                    engine=self.request.engine,
                )
        except BadRows:
            self._is_over = True
            with suppress(ClientError):
                await client.cancel_upload(state.key)
            raise
        except Refused as error:
            nothing_sent = self._is_new and not self._transferred["upload"]
            if error.problem == SPEC_MISMATCH or (
                nothing_sent and error.status in REFUSED_AT_CREATION
            ):
                # This upload can never succeed. The same command, corrected, must start over.
                self._is_over = True
                with suppress(ClientError):
                    await client.cancel_upload(state.key)
            raise
        return await self._saved(replace(state, job_id=job_id))

    async def _wait(self, client: AsyncClient, state: RunState) -> JobView:
        job_id = state.job_id or ""
        with self._timed("job"):
            try:
                return await client.wait(job_id, changed=self.listener.working)
            except JobUnsuccessful:
                await self._save_failure(await client.job(job_id), state)
                raise
            except Refused as error:
                raise self._explain(error) from error

    async def _save_failure(self, job: JobView, state: RunState) -> None:
        """Keep the run for a retry, unless the file is at fault or the job was cancelled."""
        if job.state == "FAILURE" and job.attempt >= job.max_attempts:
            await self._saved(replace(state, failed=True))
            self.listener.note("run the same command again to retry the job")
        else:
            self._is_over = True

    async def _download(self, client: AsyncClient, job: JobView) -> ResultView:
        def report(progress: TransferProgress) -> None:
            self._transferred["download"] = progress.done - progress.held
            self.listener.downloading(progress)

        with self._timed("download"):
            try:
                # Rejects first: once the result is there, everything is.
                if self.request.rejects is not None:
                    await client.download_rejects(
                        job.id, self.request.rejects, partial=self.folder.rejects,
                        parallel=self.request.parallel,
                    )  # fmt: skip
                return await client.download(
                    job.id, self.request.output, partial=self.folder.result,
                    parallel=self.request.parallel, progress=report,
                )  # fmt: skip
            except Refused as error:
                raise self._explain(error) from error

    def _explain(self, error: Refused) -> ClientError:
        """Say how to proceed if the server no longer has the job or its result."""
        if error.status in (404, 410):
            return RunDiffers(f"{error}; start over with --restart")
        return error

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[stage] = time.monotonic() - started
