"""The methods of `Client` about uploads that stay. See `csvmill.client.datasets`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from csvmill.client.defaults import PAGE_SIZE, PARALLEL
from csvmill.client.event_loop_thread import EventLoopThread
from csvmill.client.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from csvmill.client.async_client import AsyncClient
    from csvmill.client.progress import ReportProgress
    from csvmill.client.spec import Spec
    from shared.api.dataset import DatasetView
    from shared.api.job import JobView
    from shared.api.upload import UploadView


class SyncDatasetMethods(EventLoopThread):
    """The methods of `Client` about uploads that are asked again and again."""

    _client: AsyncClient

    def store(
        self,
        path: Path,
        *,
        key: str | None = None,
        name: str | None = None,
        sha256: str | None = None,
        keep: bool | int | None = None,
        chunk_size: int | None = None,
        parallel: int = PARALLEL,
        progress: ReportProgress = ignore,
    ) -> UploadView:
        """Upload a file without a job. See `AsyncClient.store`."""
        return self._run(
            self._client.store(
                path, key=key, name=name, sha256=sha256, keep=keep,
                chunk_size=chunk_size, parallel=parallel, progress=progress,
            )
        )  # fmt: skip

    def ask(
        self,
        inputs: str | Collection[str],
        aggregation: Spec | str,
        *,
        name: str | None = None,
        cache: bool = True,
        notify: Collection[str] = (),
        key: str | None = None,
        engine: str | None = None,
    ) -> JobView:
        """Ask for a job of uploads that are there. See `AsyncClient.ask`."""
        return self._run(
            self._client.ask(
                inputs, aggregation,
                name=name, cache=cache, notify=notify, key=key, engine=engine,
            )
        )  # fmt: skip

    def uploads(
        self, *, name: str | None = None, page_size: int = PAGE_SIZE
    ) -> Iterator[DatasetView]:
        """Yield the complete uploads, newest first. See `AsyncClient.uploads`."""
        uploads = self._client.uploads(name=name, page_size=page_size)

        async def next_upload() -> DatasetView | None:
            return await anext(uploads, None)

        while upload := self._run(next_upload()):
            yield upload

    def keep(self, upload_id: str, keep: bool | int = True) -> DatasetView:
        """Keep an upload. See `AsyncClient.keep`."""
        return self._run(self._client.keep(upload_id, keep))

    def delete_upload(self, upload_id: str) -> None:
        """Delete an upload. See `AsyncClient.delete_upload`."""
        self._run(self._client.delete_upload(upload_id))
