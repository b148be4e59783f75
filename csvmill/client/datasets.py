"""Uploads that stay, and jobs that are asked of them. The methods are part of `AsyncClient`."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from csvmill.client.defaults import JSON, PAGE_SIZE, PARALLEL
from csvmill.client.paths import JOBS, UPLOADS, keep_path, upload_path
from csvmill.client.problem_types import UPLOAD_NOT_FOUND
from csvmill.client.progress import ignore
from csvmill.client.sending import send
from csvmill.client.server_url import path_of_link
from csvmill.client.source import Source
from csvmill.client.spec import spec_or_name
from csvmill.client.uploading import declare_upload
from shared.api.dataset import DatasetView
from shared.api.job import JobView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from csvmill.client.progress import ReportProgress
    from csvmill.client.spec import Spec
    from csvmill.client.transport import Transport
    from shared.api.upload import UploadView


class DatasetMethods:
    """The methods of `AsyncClient` about uploads that are asked again and again."""

    _transport: Transport

    async def store(
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
        """Upload a file without a job, and return its upload. See `AsyncClient.upload`.

        `ask` computes something of it. `keep` is how long it is kept although no job needs it: for
        so many seconds, True until it is deleted; by default as long as the server keeps such
        uploads.
        """
        with await asyncio.to_thread(Source, path) as source:
            upload = await declare_upload(
                self._transport, name or path.name, source.size,
                sha256=sha256, aggregation=None, key=key or str(uuid4()), fail_early=False,
                job=False, keep=keep,
            )  # fmt: skip
            return await send(
                self._transport, source, upload,
                chunk_size=chunk_size, parallel=parallel, progress=progress, shuffle=None,
            )  # fmt: skip

    async def ask(
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
        """Ask for a job of uploads that are there, and return it. `wait` returns it with its end.

        `inputs` are ids of uploads or names of their files, in order. `aggregation` is what to
        compute, or the name of a spec that the server has saved. With `cache=False` the result is
        computed in any case. `notify` are URLs that are notified when the job ends. `name` is that
        of the job in lists. `engine` is where it is computed, as with `AsyncClient.upload`.
        A call with the `key` of an earlier one returns the same job.

        Raises Refused: 404 if there is no such upload, 409 if several have the name, 422 if the
        spec does not fit.
        """
        asked: dict[str, Any] = {
            "inputs": [inputs] if isinstance(inputs, str) else list(inputs),
            "aggregation": spec_or_name(aggregation),
        }
        if name is not None:
            asked["name"] = name
        if not cache:
            asked["cache"] = False
        if notify:
            asked["notify"] = [{"url": url} for url in notify]
        if engine is not None:
            asked["engine"] = engine
        headers = {**JSON, "Idempotency-Key": f'"{key or uuid4()}"'}
        answer = await self._transport.json(
            "POST", JOBS, body=json.dumps(asked, default=str).encode(), headers=headers
        )
        return JobView.of(answer)

    async def uploads(
        self, *, name: str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[DatasetView]:
        """Yield the complete uploads, newest first; with `name` those of a file with this name."""
        query = {"limit": str(page_size)} | ({} if name is None else {"name": name})
        page = await self._transport.json("GET", UPLOADS, query=query)
        while True:
            for upload in page["uploads"]:
                yield DatasetView.of(upload)
            if not page["next"]:
                return
            path = path_of_link(self._transport.server, page["next"])
            page = await self._transport.json("GET", path)

    async def keep(self, upload_id: str, keep: bool | int = True) -> DatasetView:
        """Keep an upload until it is deleted, for so many seconds, or with False not at all.

        Jobs that read it keep it too. Raises Refused (404) if there is no such upload.
        """
        body = json.dumps({"keep": keep}).encode()
        answer = await self._transport.json("PUT", keep_path(upload_id), body=body, headers=JSON)
        return DatasetView.of(answer)

    async def delete_upload(self, upload_id: str) -> None:
        """Delete a complete upload, now. Repeating the call is harmless.

        Raises Refused: 404 if there is none, 409 while a job that has not ended reads it.
        """
        await self._transport.json("DELETE", upload_path(upload_id), done_if=[UPLOAD_NOT_FOUND])
