"""The client for programs without asyncio: the methods of `AsyncClient`, blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Self

from csvmill.client.async_client import AsyncClient
from csvmill.client.defaults import CHUNK_SIZE, PAGE_SIZE, PARALLEL
from csvmill.client.progress import ignore
from csvmill.client.sync_admin import SyncAdmin
from csvmill.client.sync_datasets import SyncDatasetMethods
from csvmill.client.sync_saved_specs import SyncSavedSpecMethods

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from csvmill.client.job_event import JobEvent
    from csvmill.client.progress import ReportJob, ReportProgress
    from csvmill.client.result_view import ResultView
    from csvmill.client.retrying import Retries
    from csvmill.client.server_view import ServerView
    from csvmill.client.spec import Spec
    from shared.api.job import JobView
    from shared.api.upload import UploadView


class Client(SyncDatasetMethods, SyncSavedSpecMethods):
    """A client of one server. Use it as a context manager. Threads may share it.

    `AsyncClient` documents the methods. They run on an event loop in another thread, which also
    calls `progress` and other callbacks.
    """

    def __init__(
        self,
        server: str,
        *,
        api_key: str | None = None,
        retries: Retries | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._client = AsyncClient(server, api_key=api_key, retries=retries, timeout=timeout)

    def __enter__(self) -> Self:
        self._start()
        self._run(self._client.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._run(self._loop.shutdown_asyncgens())
            self._run(self._client.__aexit__(None, None, None))
            self._run(self._loop.shutdown_default_executor())
        finally:
            self._stop()

    @property
    def admin(self) -> SyncAdmin:
        """Administers API keys and reads the audit trail. See `AsyncClient.admin`."""
        return SyncAdmin(self._client.admin, self._run)

    def upload(
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
        """Upload a file. See `AsyncClient.upload`."""
        return self._run(
            self._client.upload(
                path, key=key, name=name, sha256=sha256, aggregation=aggregation,
                chunk_size=chunk_size, parallel=parallel, progress=progress, shuffle=shuffle,
                fail_early=fail_early, engine=engine,
            )
        )  # fmt: skip

    def upload_stream(
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
        """Upload a stream of unknown size. See `AsyncClient.upload_stream`."""
        return self._run(
            self._client.upload_stream(
                stream, name, sha256=sha256, aggregation=aggregation, chunk_size=chunk_size,
                parallel=parallel, progress=progress,
            )
        )  # fmt: skip

    def create_upload(
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
        """Create an upload. See `AsyncClient.create_upload`."""
        return self._run(
            self._client.create_upload(
                name, size,
                sha256=sha256, aggregation=aggregation, key=key, fail_early=fail_early,
                engine=engine,
            )
        )  # fmt: skip

    def upload_status(self, upload_id: str) -> UploadView:
        """Return the state of an upload. See `AsyncClient.upload_status`."""
        return self._run(self._client.upload_status(upload_id))

    def inspect_upload(self, upload_id: str, *, aggregation: Spec | None = None) -> dict[str, Any]:
        """Inspect an upload. See `AsyncClient.inspect_upload`."""
        return self._run(self._client.inspect_upload(upload_id, aggregation=aggregation))

    def cancel_upload(self, upload_id: str) -> None:
        """Delete an upload. See `AsyncClient.cancel_upload`."""
        self._run(self._client.cancel_upload(upload_id))

    def job(self, job_id: str, *, wait: float = 0.0) -> JobView:
        """Return a job with its attempts. See `AsyncClient.job`."""
        return self._run(self._client.job(job_id, wait=wait))

    def jobs(
        self,
        *,
        state: str | Collection[str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        filename: str | None = None,
        search: str | None = None,
        page_size: int = PAGE_SIZE,
    ) -> Iterator[JobView]:
        """Yield jobs, newest first. See `AsyncClient.jobs`."""
        jobs = self._client.jobs(
            state=state, created_after=created_after, created_before=created_before,
            filename=filename, search=search, page_size=page_size,
        )  # fmt: skip

        async def next_job() -> JobView | None:
            return await anext(jobs, None)

        while job := self._run(next_job()):
            yield job

    def cancel(self, job_id: str) -> JobView | None:
        """Cancel a job, or an upload in flight. See `AsyncClient.cancel`."""
        return self._run(self._client.cancel(job_id))

    def delete(self, job_id: str) -> None:
        """Delete the bytes of a job. See `AsyncClient.delete`."""
        self._run(self._client.delete(job_id))

    def delete_result(self, job_id: str) -> None:
        """Delete the result of a job. See `AsyncClient.delete_result`."""
        self._run(self._client.delete_result(job_id))

    def retry(self, job_id: str) -> JobView:
        """Retry a failed job. See `AsyncClient.retry`."""
        return self._run(self._client.retry(job_id))

    def events(self, job_id: str) -> Iterator[JobEvent]:
        """Yield the state of a job, then its changes. See `AsyncClient.events`."""
        events = self._client.events(job_id)

        async def next_event() -> JobEvent | None:
            return await anext(events, None)

        try:
            while (event := self._run(next_event())) is not None:
                yield event
        finally:
            if not self._loop.is_closed():
                self._run(events.aclose())

    def wait(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        longest_pause: float = 1.0,
        changed: ReportJob = ignore,
    ) -> JobView:
        """Wait until a job has a result. See `AsyncClient.wait`."""
        return self._run(
            self._client.wait(job_id, timeout=timeout, longest_pause=longest_pause, changed=changed)
        )

    def download(
        self,
        job_id: str,
        target: Path,
        *,
        partial: Path | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> ResultView:
        """Download the result. See `AsyncClient.download`."""
        return self._run(
            self._client.download(
                job_id, target, partial=partial, parallel=parallel, progress=progress
            )
        )

    def download_rejects(
        self,
        job_id: str,
        target: Path,
        *,
        partial: Path | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> ResultView:
        """Download the rejected records. See `AsyncClient.download_rejects`."""
        return self._run(
            self._client.download_rejects(
                job_id, target, partial=partial, parallel=parallel, progress=progress
            )
        )

    def link(self, job_id: str, *, output: str = "result", expires_in: int | None = None) -> str:
        """Return a URL that works without a key. See `AsyncClient.link`."""
        return self._run(self._client.link(job_id, output=output, expires_in=expires_in))

    def result(self, job_id: str) -> ResultView:
        """Return size and SHA-256 of the result. See `AsyncClient.result`."""
        return self._run(self._client.result(job_id))

    def about(self) -> ServerView:
        """Return version, latency and clock skew of the server. See `AsyncClient.about`."""
        return self._run(self._client.about())

    def early_status(self, declared: int) -> int | None:
        """Return the status of a body that is not sent. See `AsyncClient.early_status`."""
        return self._run(self._client.early_status(declared))

    def ready(self) -> dict[str, str]:
        """Return the readiness of the server and its parts. See `AsyncClient.ready`."""
        return self._run(self._client.ready())
