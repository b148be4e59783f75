"""The client for programs that use asyncio. `Client` is the same with blocking methods."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from uuid import uuid4

from csvmill.client.datasets import DatasetMethods
from csvmill.client.defaults import CHUNK_SIZE, JSON, PAGE_SIZE, PARALLEL
from csvmill.client.downloading import download, fetch_view, rejects_file, result_file
from csvmill.client.errors import JobUnsuccessful
from csvmill.client.following import follow, wait_until_ended
from csvmill.client.health import HealthMethods
from csvmill.client.job_list import list_query, listed_jobs
from csvmill.client.links import create_link
from csvmill.client.paths import (
    inspect_path,
    job_path,
    result_path,
    retry_path,
    upload_path,
)
from csvmill.client.problem_types import JOB_NOT_FAILED, JOB_NOT_FOUND, UPLOAD_NOT_FOUND
from csvmill.client.progress import ignore
from csvmill.client.retrying import Retries
from csvmill.client.saved_specs import SavedSpecMethods
from csvmill.client.sending import job_of, send
from csvmill.client.source import Source
from csvmill.client.spec import spec_json
from csvmill.client.streaming import Streaming
from csvmill.client.transport import Transport
from csvmill.client.uploading import declare_upload
from shared.api.job import JobView
from shared.api.upload import UploadView
from shared.jobs.job_state import JobState

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Collection
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from csvmill.client.admin import Admin
    from csvmill.client.job_event import JobEvent
    from csvmill.client.progress import ReportJob, ReportProgress
    from csvmill.client.result_view import ResultView
    from csvmill.client.spec import Spec


KEEP_FINISHED = {"finished": "keep"}
"""Query of a cancellation: a job that has already ended keeps its data."""


class AsyncClient(HealthMethods, DatasetMethods, SavedSpecMethods):
    """A client of one server. Use it as an async context manager.

    Requests that fail temporarily (connection lost, 5xx, 429) are repeated as `retries` allows;
    after that, ServerUnavailable is raised. Any other error status raises Refused at once.
    `timeout` is the number of seconds without progress after which a request has failed.
    """

    def __init__(
        self,
        server: str,
        *,
        api_key: str | None = None,
        retries: Retries | None = None,
        timeout: float = 60.0,
    ) -> None:
        """`server` is the URL of a gateway or of the standalone service.

        `api_key` authenticates every request, if the server demands that (docs/access.md).
        """
        self._transport = Transport(server, retries or Retries(), timeout, api_key)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._transport.close()

    @property
    def admin(self) -> Admin:
        """Administers API keys and reads the audit trail."""
        # Imported here: a run of the command line needs none of its views.
        from csvmill.client.admin import Admin

        return Admin(self._transport)

    async def upload(
        self,
        path: Path,
        *,
        key: str | None = None,
        name: str | None = None,
        sha256: str | None = None,
        aggregation: Spec | str | None = None,
        chunk_size: int | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
        shuffle: random.Random | None = None,
        fail_early: bool = False,
        engine: str | None = None,
    ) -> str:
        """Upload a file, and return the id of its job.

        A call with the `key` (Idempotency-Key, for example a UUID) of an earlier call, in this
        process or another, continues that upload and sends only missing bytes.

        To a server on this machine (a loopback address) the file goes in one request. Other
        servers, and any server if `chunk_size` or `shuffle` is given, get it in chunks of
        `chunk_size` (default: 8 MiB), `parallel` at a time, each with its SHA-256; memory use is
        `chunk_size` times `parallel` bytes. `name` replaces the file's own name. The server
        verifies `sha256` (hexadecimal) before it creates the job.
        `aggregation` is the spec, as the JSON of docs/aggregation.md or as an `Aggregation`, or the
        name of one that the server has saved; by default, plays are summed by song and date.
        `shuffle` sends the chunks in random order. With `fail_early` the server refuses the rest of
        a large file once it finds rows that fail the job; BadRows is raised then. `engine` is where
        the job is computed: `local` on no cluster, `spark` on that of the processors if there is
        one; by default their settings decide.

        Raises InputChanged if the file changes meanwhile or `key` belongs to another file or spec,
        NotVerified if the file does not have the `sha256`, OSError if it cannot be read, Refused if
        the spec is invalid, does not fit the file or is not saved.
        """
        with await asyncio.to_thread(Source, path) as source:
            upload = await self.create_upload(
                name or path.name, source.size,
                sha256=sha256, aggregation=aggregation, key=key, fail_early=fail_early,
                engine=engine,
            )  # fmt: skip
            upload = await send(
                self._transport, source, upload,
                chunk_size=chunk_size, parallel=parallel, progress=progress, shuffle=shuffle,
            )  # fmt: skip
            return await job_of(self._transport, upload)

    async def upload_stream(
        self,
        stream: BinaryIO,
        name: str,
        *,
        sha256: str | None = None,
        aggregation: Spec | str | None = None,
        chunk_size: int = CHUNK_SIZE,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> str:
        """Upload a stream of unknown size, and return the id of its job.

        `stream` must be buffered, such as `sys.stdin.buffer`. It is read in threads, at most
        `chunk_size` times `parallel` bytes ahead. Lost connections are retried, but another call
        cannot continue the upload. `sha256` and `aggregation` are as with `upload`.

        Raises NotVerified if it does not have the `sha256`, OSError if it cannot be read.
        """
        upload = await self.create_upload(name, None, sha256=sha256, aggregation=aggregation)
        return await Streaming(
            self._transport, stream, chunk_size=chunk_size, parallel=parallel, progress=progress
        ).complete(upload.id)

    async def create_upload(
        self,
        name: str,
        size: int | None,
        *,
        sha256: str | None = None,
        aggregation: Spec | str | None = None,
        key: str | None = None,
        fail_early: bool = False,
        engine: str | None = None,
    ) -> UploadView:
        """Create an upload of `size` bytes, or return the existing upload with this `key`.

        With None, the size is declared later, as `upload_stream` does. `fail_early` and
        `engine` are as with `upload`.

        Raises InputChanged if `key` belongs to an upload of another name, size, digest or spec,
        Refused if the spec is invalid or not saved.
        """
        return await declare_upload(
            self._transport, name, size,
            sha256=sha256, aggregation=aggregation, key=key or str(uuid4()),
            fail_early=fail_early, engine=engine,
        )  # fmt: skip

    async def upload_status(self, upload_id: str) -> UploadView:
        """Return the state of an upload, given its id, its key or its dzuuid."""
        return UploadView.of(await self._transport.json("GET", upload_path(upload_id)))

    async def inspect_upload(
        self, upload_id: str, *, aggregation: Spec | None = None
    ) -> dict[str, Any]:
        """Inspect the first MiB of an upload; return the JSON of docs/api.md.

        `aggregation` is checked against it; by default the declared one. Raises Refused (409)
        before the header has been received.
        """
        body = {} if aggregation is None else {"aggregation": spec_json(aggregation)}
        view: dict[str, Any] = await self._transport.json(
            "POST",
            inspect_path(upload_id),
            body=json.dumps(body).encode(),
            headers=JSON,
        )
        return view

    async def cancel_upload(self, upload_id: str) -> None:
        """Delete an upload, given its id, its key or its dzuuid, and cancel its job if any.

        Raises Refused: 404 if it does not exist, 409 if its job has ended.
        """
        await self._transport.json(
            "DELETE", upload_path(upload_id), query=KEEP_FINISHED, done_if=[UPLOAD_NOT_FOUND]
        )

    async def job(self, job_id: str, *, wait: float = 0.0) -> JobView:
        """Return a job with its attempts: now, or when it has ended or after `wait` seconds.

        `wait` is up to 60 seconds, and less than the `timeout` of the client. An older server
        does not wait. Raises Refused (400) for any other number.
        """
        query = {"wait": f"{wait:.3f}"} if wait else None
        return JobView.of(await self._transport.json("GET", job_path(job_id), query=query))

    async def jobs(
        self,
        *,
        state: str | Collection[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        filename: str | None = None,
        search: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[JobView]:
        """Yield jobs, newest first, fetched `page_size` (1 to 500) at a time.

        By default all jobs; or only those in one of the states, created at `created_after` or
        later and before `created_before`, of a file with exactly this name, or whose name contains
        `search` in upper or lower case. Each job is yielded once, as it was when its page was
        fetched.

        When iteration starts, raises Refused (400) for an unknown state, an invalid `page_size`,
        `search` beside `filename`, or `search` at an older server,
        and ValueError for a time without a time zone.
        """
        query = list_query(
            state=state, created_after=created_after, created_before=created_before,
            filename=filename, search=search, page_size=page_size,
        )  # fmt: skip
        async for job in listed_jobs(self._transport, query):
            yield job

    async def cancel(self, job_id: str) -> JobView | None:
        """Cancel an unfinished job and delete its input. Repeating the call is harmless.

        Returns None if the id is that of an upload in flight, which is deleted.
        Raises Refused (409) if the job has succeeded or failed.
        """
        answer = await self._transport.json(
            "DELETE", job_path(job_id), query=KEEP_FINISHED, done_if=[JOB_NOT_FOUND]
        )
        return JobView.of(answer) if answer else None

    async def delete(self, job_id: str) -> None:
        """Delete a job's input, result and rejects, now; cancel it if it has not ended.

        The id may also be that of an upload. Repeating the call is harmless. Raises Refused (404)
        if there is neither.
        """
        await self._transport.json("DELETE", job_path(job_id), done_if=[JOB_NOT_FOUND])

    async def delete_result(self, job_id: str) -> None:
        """Delete a job's result, rejects and preview, now; the job and its input are kept.

        Repeating the call is harmless. Raises Refused (404) if there is no such job, and Refused
        (409) if it has no result.
        """
        await self._transport.json("DELETE", result_path(job_id))

    async def retry(self, job_id: str) -> JobView:
        """Retry a failed job: it can use all its attempts again.

        Raises Refused (409) if it has not failed, or its input has expired.
        """
        answer = await self._transport.json("POST", retry_path(job_id), done_if=[JOB_NOT_FAILED])
        return JobView.of(answer) if answer else await self.job(job_id)

    def events(self, job_id: str) -> AsyncGenerator[JobEvent, None]:
        """Yield the current state of a job, then its changes, until it has ended.

        Uses Server-Sent Events. Of several simultaneous changes only the last is yielded. A lost
        connection is resumed; an event may then be repeated. Raises Refused, and ServerUnavailable
        when `retries` are exhausted. To stop early call `aclose()`, as `contextlib.aclosing` does.
        """
        return follow(self._transport, job_id)

    async def wait(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        longest_pause: float = 1.0,
        changed: ReportJob = ignore,
    ) -> JobView:
        """Wait until a job has a result, and return the job.

        `changed` receives the job after each change. A short job costs one request, which the
        server answers when the job has ended. If events do not arrive (an older server, a buffering
        proxy), the job is polled, with pauses that grow up to `longest_pause` seconds.
        Raises JobUnsuccessful if it ends without a result, TimeoutError after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            job = await wait_until_ended(
                self._transport,
                job_id,
                lambda: self.job(job_id),
                longest_pause=longest_pause,
                changed=changed,
            )
        if job.state != JobState.SUCCESS:
            raise JobUnsuccessful(f"job {job_id} ended as {job.state}: {job.reason}")
        return job

    async def download(
        self,
        job_id: str,
        target: Path,
        *,
        partial: Path | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> ResultView:
        """Download the result to `target` in ranges, `parallel` at a time.

        `target` is created or replaced atomically, after the SHA-256 that the server declared was
        verified. Until then the bytes are in `partial` (default: `target` + `.part`), with a record
        in `.json` beside it. If this process is killed, the same call continues from there.

        Raises NotVerified if the digest does not match, OSError if the file cannot be written.
        """
        return await download(
            self._transport, result_file(job_id), target,
            partial or target.with_name(f"{target.name}.part"),
            parallel=parallel, progress=progress,
        )  # fmt: skip

    async def download_rejects(
        self,
        job_id: str,
        target: Path,
        *,
        partial: Path | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> ResultView:
        """Download the rejected records of a job, as CSV with the reason for each.

        A job without rejects has only the header. Otherwise like `download`.
        """
        return await download(
            self._transport, rejects_file(job_id), target,
            partial or target.with_name(f"{target.name}.part"),
            parallel=parallel, progress=progress,
        )  # fmt: skip

    async def link(
        self, job_id: str, *, output: str = "result", expires_in: int | None = None
    ) -> str:
        """Return a URL by which anybody downloads the `result` or the `rejects`, without a key.

        It is valid for `expires_in` seconds, by default an hour, and no longer than the client's
        key. Raises Refused: 404 if there is no such job.
        """
        return await create_link(self._transport, job_id, output, expires_in)

    async def result(self, job_id: str) -> ResultView:
        """Return size and SHA-256 of the result without downloading it."""
        return await fetch_view(self._transport, result_file(job_id))
