"""The client for programs that use asyncio; `Client` is the same for all others."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Self
from uuid import uuid4

from csvmill.client.downloading import announced, download, rejects_file, result_file
from csvmill.client.errors import JobUnsuccessful
from csvmill.client.following import follow, wait_until_ended
from csvmill.client.job_list import list_query, listed_jobs
from csvmill.client.job_view import JobView
from csvmill.client.paths import HEALTH, READY, inspect_path, job_path, retry_path, upload_path
from csvmill.client.progress import ignore
from csvmill.client.retrying import Retries
from csvmill.client.server_view import ServerView
from csvmill.client.source import Source
from csvmill.client.spec import spec_json
from csvmill.client.streaming import Streaming
from csvmill.client.transport import Transport
from csvmill.client.upload_view import UploadView
from csvmill.client.uploading import Uploading, declare_upload

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncGenerator, AsyncIterator, Collection
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from csvmill.client.job_event import JobEvent
    from csvmill.client.progress import ReportJob, ReportProgress
    from csvmill.client.result_view import ResultView
    from csvmill.client.spec import Spec

UPLOAD_NOT_FOUND = "urn:csvmill:problem:upload-not-found"
JOB_NOT_FOUND = "urn:csvmill:problem:job-not-found"
JOB_NOT_FAILED = "urn:csvmill:problem:job-not-failed"
CHUNK_SIZE = 8 << 20
"""Bytes of a chunk, unless told otherwise."""
PARALLEL = 4
"""Chunks on their way at a time, unless told otherwise."""
PAGE_SIZE = 100
"""Jobs of a list that are fetched, and held, at a time, unless told otherwise."""


class AsyncClient:
    """Talks to one server. Use it as an async context manager.

    Requests that fail for a passing reason (connection lost, 5xx, 429) are repeated as `retries`
    says; then ServerUnavailable is raised. Any other refusal raises Refused at once. What is
    given as `timeout` is the seconds without any progress after which a request counts as lost.
    """

    def __init__(
        self, server: str, *, retries: Retries | None = None, timeout: float = 60.0
    ) -> None:
        """`server`: the URL of a gateway, or of the standalone service."""
        self._transport = Transport(server, retries or Retries(), timeout)

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

    async def upload(
        self,
        path: Path,
        *,
        key: str | None = None,
        name: str | None = None,
        sha256: str | None = None,
        aggregation: Spec | None = None,
        chunk_size: int = CHUNK_SIZE,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
        shuffle: random.Random | None = None,
    ) -> str:
        """Upload a file in chunks, `parallel` at a time; returns the id of the job it becomes.

        The same `key` (the request's Idempotency-Key, a UUID say) continues an upload that an
        earlier call began, in this process or another: only what the server misses is sent. Each
        chunk is sent with its SHA-256, and `chunk_size` times `parallel` bytes are in memory.
        `name` is the file's unless given; `sha256`, in hexadecimal, is checked by the server before
        the file becomes a job. `aggregation` is what to compute, as the JSON of docs/csv.md or as
        an `Aggregation`; without it, plays are summed by song and date. `shuffle` sends the chunks
        in a random order.

        Raises InputChanged if the file changes meanwhile, or if `key` stands for another file or
        aggregation, NotVerified if it does not have the `sha256`, OSError if it cannot be read,
        Refused if the aggregation is malformed, or is not for this file.
        """
        with await asyncio.to_thread(Source, path) as source:
            upload = await self.create_upload(
                name or path.name, source.size, sha256=sha256, aggregation=aggregation, key=key
            )
            return await Uploading(
                self._transport, source,
                chunk_size=chunk_size, parallel=parallel, progress=progress, shuffle=shuffle,
            ).complete(upload)  # fmt: skip

    async def upload_stream(
        self,
        stream: BinaryIO,
        name: str,
        *,
        sha256: str | None = None,
        aggregation: Spec | None = None,
        chunk_size: int = CHUNK_SIZE,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> str:
        """Upload what is read from `stream`, of a size that is not known; the id of its job.

        `stream` is read to its end, in threads, no further ahead than `chunk_size` times
        `parallel` bytes, and in full chunks: a buffered stream, such as `sys.stdin.buffer`. It
        cannot be read twice, so that another call does not continue this one; lost connections
        are outlasted. `sha256` and `aggregation` are as with `upload`.

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
        aggregation: Spec | None = None,
        key: str | None = None,
    ) -> UploadView:
        """Declare a file of `size` bytes; the same `key` gives the same upload as it stands now.

        With None the size is to be told later: see `upload_stream`.

        Raises InputChanged if `key` stands for a file of another name, size, digest or aggregation,
        Refused if the aggregation is malformed.
        """
        return await declare_upload(
            self._transport, name, size,
            sha256=sha256, aggregation=aggregation, key=key or str(uuid4()),
        )  # fmt: skip

    async def upload_status(self, upload_id: str) -> UploadView:
        """What the server holds of an upload, by its id, its key or its dzuuid."""
        return UploadView.of(await self._transport.json("GET", upload_path(upload_id)))

    async def inspect_upload(
        self, upload_id: str, *, aggregation: Spec | None = None
    ) -> dict[str, Any]:
        """What is understood of an upload by its first MiB, as the JSON of docs/api.md.

        `aggregation` is tried on it, or the declared one. Raises Refused (409) before its header
        has been received.
        """
        tried = {} if aggregation is None else {"aggregation": spec_json(aggregation)}
        view: dict[str, Any] = await self._transport.json(
            "POST",
            inspect_path(upload_id),
            body=json.dumps(tried).encode(),
            headers={"Content-Type": "application/json"},
        )
        return view

    async def cancel_upload(self, upload_id: str) -> None:
        """Remove an upload in flight, by its id, its key or its dzuuid; cancels its job if any.

        Raises Refused (404) if there is none, and (409) if its job has ended.
        """
        await self._transport.json("DELETE", upload_path(upload_id), done_if=[UPLOAD_NOT_FOUND])

    async def job(self, job_id: str) -> JobView:
        """All that is known of a job, its attempts included."""
        return JobView.of(await self._transport.json("GET", job_path(job_id)))

    async def jobs(
        self,
        *,
        state: str | Collection[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        filename: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[JobView]:
        """The jobs, newest first, fetched `page_size` (1 to 500) at a time as they are taken.

        Only those in one of the states, made at `created_after` or later and before
        `created_before`, of a file of exactly this name; all that are there, unless something is
        said. Each comes once, as it stands when its page is fetched.

        Raises Refused (400) for a state that there is not, or another `page_size`, and ValueError
        for a time without a time zone, when the first job is taken.
        """
        query = list_query(
            state=state, created_after=created_after, created_before=created_before,
            filename=filename, page_size=page_size,
        )  # fmt: skip
        async for job in listed_jobs(self._transport, query):
            yield job

    async def cancel(self, job_id: str) -> JobView | None:
        """Cancel a job that is not finished, and remove its input; harmless to repeat.

        None if the id is that of an upload in flight, which is removed.
        Raises Refused (409) if the job has succeeded or failed.
        """
        answer = await self._transport.json("DELETE", job_path(job_id), done_if=[JOB_NOT_FOUND])
        return JobView.of(answer) if answer else None

    async def retry(self, job_id: str) -> JobView:
        """Give a failed job all its attempts again.

        Raises Refused (409) if it did not fail, or its input is not kept any longer.
        """
        answer = await self._transport.json("POST", retry_path(job_id), done_if=[JOB_NOT_FAILED])
        return JobView.of(answer) if answer else await self.job(job_id)

    def events(self, job_id: str) -> AsyncGenerator[JobEvent, None]:
        """The job as it stands, then its changes, until it has ended: Server-Sent Events.

        Of several changes at a time the last is told. When a connection is lost, the next one goes
        on where it was; an event may then come again. Raises Refused, and ServerUnavailable when
        `retries` are used up. Leave it early by `aclose()`, as `contextlib.aclosing` does.
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
        """Follow the job by its events until it has a result.

        `changed` is told the job whenever there is something new. Where events do not come through
        (an older server, a proxy that holds them back), the job is asked for ever less often, at
        `longest_pause` seconds. Raises JobUnsuccessful when it ends without a result, TimeoutError
        after `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            job = await wait_until_ended(
                self._transport,
                job_id,
                lambda: self.job(job_id),
                longest_pause=longest_pause,
                changed=changed,
            )
        if job.state != "SUCCESS":
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
        """Write the result to `target`, fetched in ranges, `parallel` at a time; its size, SHA-256.

        `target` appears, or is replaced, in one step, when every byte has arrived and the whole
        has the SHA-256 that the server announced. Until then the bytes are in `partial`, which is
        `target` + `.part` unless given, with a record in `.json` beside it: if this process is
        killed, the same call continues from there.

        Raises NotVerified if the digest is another one, OSError if the file cannot be written.
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
        """The same for the records of its file that the job left out, as CSV with what is wrong.

        Of a job that left none out, only the header.
        """
        return await download(
            self._transport, rejects_file(job_id), target,
            partial or target.with_name(f"{target.name}.part"),
            parallel=parallel, progress=progress,
        )  # fmt: skip

    async def result(self, job_id: str) -> ResultView:
        """Size and SHA-256 of the result, as the server announces them."""
        return await announced(self._transport, result_file(job_id))

    async def about(self) -> ServerView:
        """What the server is, how fast it answers, and what time it has; asked once.

        Raises ServerUnavailable if it does not answer, Refused if it is no csvmill.
        """
        asked, started = time.time(), time.monotonic()
        async with self._transport.request("GET", HEALTH) as response:
            text, date = await response.text(), response.headers.get("Date")
        return ServerView.of(text, date, asked=asked, latency=time.monotonic() - started)

    async def ready(self) -> dict[str, str]:
        """Whether the server and each part that it depends on is `ok`, or why not; asked once.

        Raises ServerUnavailable if it does not answer.
        """
        async with self._transport.request("GET", READY, accept=(503,)) as response:
            parts: dict[str, str] = json.loads(await response.text())
        return parts
