"""An HTTP client of csvmill: upload in chunks, follow the job, download by Range."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp
import stamina

from csvmill.job_view import JobView

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    ReportBytes = Callable[[int], None]

MIB = 1 << 20
PIECE = MIB
"""Bytes handed to or taken from a socket at a time."""
TERMINAL = frozenset({"SUCCESS", "FAILURE", "REVOKED"})


class ClientError(Exception):
    """Base of what the client raises; the message says what failed and why."""


class Refused(ClientError):
    """The server refused a request, and would refuse it again."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status


class ServerUnavailable(ClientError):
    """The server could not be reached or could not serve now; the same call may succeed later."""


class JobUnsuccessful(ClientError):
    """The job ended without a result; the message is the server's reason."""


@dataclass(frozen=True, slots=True)
class Status:
    """A job's state, one of PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED."""

    job_id: str
    state: str
    message: str | None = None


class AsyncClient:
    """Talks to one server. Use it as an async context manager.

    Requests that fail for a passing reason (connection lost, 5xx) are repeated with backoff and
    jitter, `attempts` times in all; then ServerUnavailable is raised. Any other refusal raises
    Refused at once.
    """

    def __init__(self, server: str, *, attempts: int = 8, timeout: float = 60.0) -> None:
        """`timeout`: seconds without any progress after which a request counts as lost."""
        self._server = server.rstrip("/")
        self._attempts = attempts
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout, read_bufsize=PIECE)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def upload(
        self,
        path: Path,
        *,
        chunk_size: int = 8 * MIB,
        parallel: int = 4,
        progress: ReportBytes = lambda _bytes: None,
        shuffle: random.Random | None = None,
    ) -> str:
        """Upload a file in chunks, `parallel` at a time; returns the id of the job it becomes.

        `progress` is told the bytes of each chunk that has arrived. `shuffle` sends the chunks in
        a random order.
        """
        size = (await asyncio.to_thread(path.stat)).st_size
        upload = _Upload(path, size, chunk_size, dzuuid=str(uuid.uuid4()))
        offsets: list[int] = list(range(0, size, chunk_size)) or [0]
        if shuffle is not None:
            shuffle.shuffle(offsets)
        pending = iter(offsets)
        job_ids: list[str] = []

        async def send_chunks() -> None:
            for offset in pending:
                job_id = await self._send_chunk(upload, offset)
                progress(min(chunk_size, size - offset))
                if job_id is not None:
                    job_ids.append(job_id)

        async with asyncio.TaskGroup() as senders:
            for _ in range(min(parallel, len(offsets))):
                senders.create_task(send_chunks())
        if not job_ids:
            raise ClientError("every chunk was accepted, but the server named no job")
        return job_ids[0]

    async def status(self, job_id: str) -> Status:
        """The job as it stands now."""
        answer = await self._json("GET", f"/api/file_status/{job_id}")
        return Status(answer["job_id"], answer["job_status"], answer.get("message"))

    async def job(self, job_id: str) -> JobView:
        """All that is known of a job, its attempts included."""
        return JobView.of(await self._json("GET", _job_path(job_id)))

    async def cancel(self, job_id: str) -> JobView:
        """Cancel a job that is not finished, and remove its input; harmless to repeat.

        Raises Refused (409) if the job has succeeded or failed.
        """
        return JobView.of(await self._json("DELETE", _job_path(job_id)))

    async def retry(self, job_id: str) -> JobView:
        """Give a failed job all its attempts again.

        Raises Refused (409) if it did not fail, or its input is not kept any longer.
        """
        return JobView.of(await self._json("POST", f"{_job_path(job_id)}/retry"))

    async def wait(
        self, job_id: str, *, timeout: float | None = None, longest_pause: float = 1.0
    ) -> Status:
        """Follow the job until it has a result; asks ever less often, at `longest_pause` seconds.

        Raises JobUnsuccessful when it ends without one, TimeoutError after `timeout` seconds.
        """
        pause = 0.02
        async with asyncio.timeout(timeout):
            while (status := await self.status(job_id)).state not in TERMINAL:
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, longest_pause)
        if status.state != "SUCCESS":
            raise JobUnsuccessful(f"job {job_id} ended as {status.state}: {status.message}")
        return status

    async def download(
        self, job_id: str, target: Path, *, progress: ReportBytes = lambda _bytes: None
    ) -> int:
        """Write the result to `target`; returns its size in bytes.

        A connection lost on the way is resumed by Range from the byte that is next. The whole is
        checked against the ETag, which is its SHA-256; ClientError if it differs.
        """
        digest = hashlib.sha256()
        etag: str | None = None
        with await asyncio.to_thread(target.open, "wb") as file:
            async for attempt in self._retrying():
                with attempt:
                    at = file.tell()
                    headers = {"Range": f"bytes={at}-", "If-Range": etag} if etag else {}
                    async with self._request(
                        "GET", f"/api/download_file/{job_id}", headers=headers
                    ) as response:
                        if at and response.status != 206:
                            raise ClientError("the result changed while it was downloaded")
                        etag = response.headers["ETag"]
                        async for piece in response.content.iter_chunked(PIECE):
                            await asyncio.to_thread(_write, file.write, digest.update, piece)
                            progress(len(piece))
            size = file.tell()
        if etag != f'"{digest.hexdigest()}"':
            raise ClientError("the download does not have the digest that the server announced")
        return size

    async def _send_chunk(self, upload: _Upload, offset: int) -> str | None:
        body = await asyncio.to_thread(upload.read, offset)
        preamble, epilogue, content_type = upload.form(offset)
        answer = await self._json(
            "POST",
            "/api/upload_file",
            body=(preamble, body, epilogue),
            headers={"Content-Type": content_type},
        )
        job_id: str | None = answer.get("job_id")
        return job_id

    async def _json(
        self,
        method: str,
        path: str,
        *,
        body: Sequence[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        async for attempt in self._retrying():
            with attempt:
                async with self._request(method, path, body=body, headers=headers) as response:
                    answer: dict[str, Any] = await response.json()
        return answer

    def _retrying(self) -> AsyncIterator[stamina.Attempt]:
        return aiter(
            stamina.retry_context(
                on=ServerUnavailable, attempts=self._attempts, timeout=None, wait_max=5.0
            )
        )

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: Sequence[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> _Request:
        return _Request(self._session, method, self._server + path, body, headers or {})


class _Request:
    """One request; what goes wrong with it is raised as an error of this module."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        body: Sequence[bytes] | None,
        headers: dict[str, str],
    ) -> None:
        data = None
        if body is not None:
            headers = {**headers, "Content-Length": str(sum(map(len, body)))}
            data = _pieces(body)
        self._url = url
        self._context = session.request(method, url, data=data, headers=headers)

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            response = await self._context.__aenter__()
            if response.status >= 400:
                message = _message(await response.text())
                await self._context.__aexit__(None, None, None)
                if response.status >= 500:
                    raise ServerUnavailable(f"{self._url}: {message} (HTTP {response.status})")
                raise Refused(response.status, message)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerUnavailable(f"{self._url}: {_said(error)}") from error
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self._context.__aexit__(kind, error, tb)
        if isinstance(error, (aiohttp.ClientError, TimeoutError)):
            raise ServerUnavailable(f"{self._url}: {_said(error)}") from error


@dataclass(frozen=True, slots=True)
class _Upload:
    """One file on its way in Dropzone's multipart dialect."""

    path: Path
    size: int
    chunk_size: int
    dzuuid: str

    def read(self, offset: int) -> bytes:
        with self.path.open("rb") as file:
            return os.pread(file.fileno(), self.chunk_size, offset)

    def form(self, offset: int) -> tuple[bytes, bytes, str]:
        """What precedes and follows the chunk's bytes, and the Content-Type of the whole."""
        boundary = uuid.uuid4().hex
        fields = {
            "dzuuid": self.dzuuid,
            "dzchunkindex": offset // self.chunk_size,
            "dztotalchunkcount": max(1, -(-self.size // self.chunk_size)),
            "dzchunkbyteoffset": offset,
            "dzchunksize": self.chunk_size,
            "dztotalfilesize": self.size,
        }
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        # As browsers do: HTML, "multipart/form-data encoding algorithm", step for file names.
        name = self.path.name.translate({0x22: "%22", 0x0D: "%0D", 0x0A: "%0A"})
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: text/csv\r\n\r\n"
        )
        return (
            "".join(parts).encode(),
            f"\r\n--{boundary}--\r\n".encode(),
            f"multipart/form-data; boundary={boundary}",
        )


async def _pieces(body: Sequence[bytes]) -> AsyncIterator[bytes]:
    for part in body:
        for start in range(0, len(part), PIECE):
            yield part[start : start + PIECE]


def _job_path(job_id: str) -> str:
    return f"/api/v1/jobs/{quote(job_id, safe='')}"


def _message(text: str) -> str:
    """What an error's body says, be it `{"message": ...}` or problem details (RFC 9457)."""
    try:
        error = json.loads(text)
        return str(error.get("message") or error.get("detail") or error["title"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return text[:200]


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _write(write: Callable[[bytes], int], update: Callable[[bytes], None], piece: bytes) -> None:
    write(piece)
    update(piece)
