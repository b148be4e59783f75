"""What a client does before the power is cut, and what it may rely on afterwards."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aiohttp import ClientResponse, ClientSession

HEADER = b"Song,Date,Number of Plays\n"
ROWS = 4_000
CHUNK = 40_000
"""Bytes: an upload has three of them."""
APPENDED = "application/partial-upload"
DRAFT = {"Upload-Draft-Interop-Version": "8"}


@dataclass(frozen=True, slots=True)
class Promise:
    """An answer with a request id of its own, and what must hold from then on."""

    request_id: str
    check: Callable[[ClientSession], Awaitable[None]]


def plays(song: str) -> bytes:
    """Return a file whose totals are `totals(song)`."""
    rows = (f"{song},2020-01-{1 + row % 28:02},{row}\n" for row in range(ROWS))
    return HEADER + "".join(rows).encode()


def totals(song: str) -> bytes:
    """Return the result of `plays(song)`."""
    days = (sum(range(day, ROWS, 28)) for day in range(28))
    rows = (f"{song},2020-01-{1 + day:02},{total}\n" for day, total in enumerate(days))
    return b"Song,Date,Total Number of Plays for Date\n" + "".join(rows).encode()


async def promises(session: ClientSession) -> AsyncIterator[Promise]:
    """Use the service; yield what each of its answers promises."""
    yield await _small_file(session, "a")
    async for promise in _chunks(session, "b"):
        yield promise
    async for promise in _appends(session, "c"):
        yield promise
    yield await _small_file(session, "d")
    async for promise in _deleted(session, "e"):
        yield promise
    # Many at the same time share syncs.
    for promise in await asyncio.gather(*(_small_file(session, f"f{i}") for i in range(6))):
        yield promise


async def _small_file(session: ClientSession, song: str) -> Promise:
    """Upload a whole small file: it has a job, which succeeds."""
    request_id, file = _new_id(), HEADER + f"{song},2020-01-01,2\n{song},2020-01-01,5\n".encode()
    async with session.post(
        f"/api/v1/uploads?name={song}.csv", data=file, headers=_headers(request_id, "text/csv")
    ) as answer:
        job = (await _json(answer, 201))["job"]
    expected = f"Song,Date,Total Number of Plays for Date\n{song},2020-01-01,7\n".encode()
    return Promise(request_id, _succeeds(job, expected))


async def _chunks(session: ClientSession, song: str) -> AsyncIterator[Promise]:
    """Upload chunks, the last one first. Then wait for the job."""
    file = plays(song)
    declaration = {
        "name": f"{song}.csv",
        "size": len(file),
        "sha256": hashlib.sha256(file).hexdigest(),
    }
    request_id = _new_id()
    async with session.post(
        "/api/v1/uploads", json=declaration, headers=_headers(request_id)
    ) as answer:
        upload = answer.headers["Location"]
        await _json(answer, 201)
    yield Promise(request_id, _has(upload, 0, 0, file))
    job = ""
    for start in reversed(range(0, len(file), CHUNK)):
        request_id, chunk = _new_id(), file[start : start + CHUNK]
        async with session.put(
            f"{upload}/chunks/{start}", data=chunk, headers=_headers(request_id)
        ) as answer:
            shown = await answer.json()
            assert answer.status in (200, 201), shown
            job = answer.headers.get("Csvmill-Job", "")
        yield Promise(request_id, _has(upload, start, start + len(chunk), file))
    assert job
    yield Promise(request_id, _succeeds(job, totals(song)))
    request_id = _new_id()
    async with session.get(f"{job}?wait=60", headers=_headers(request_id)) as answer:
        assert (await _json(answer, 200))["state"] == "SUCCESS"
    yield Promise(request_id, _has_succeeded(job, totals(song)))


async def _appends(session: ClientSession, song: str) -> AsyncIterator[Promise]:
    """Append a file in order, as in the draft of the IETF."""
    file, upload = plays(song), ""
    for start in range(0, len(file), CHUNK):
        request_id, part = _new_id(), file[start : start + CHUNK]
        stop = start + len(part)
        headers = {
            **DRAFT,
            "Upload-Complete": "?1" if stop == len(file) else "?0",
            "Content-Disposition": f'attachment; filename="{song}.csv"',
        }
        if not start:
            request = session.post(
                "/api/v1/uploads", data=part, headers=_headers(request_id, "text/csv") | headers
            )
        else:
            request = session.patch(
                upload,
                data=part,
                headers=_headers(request_id, APPENDED) | headers | {"Upload-Offset": str(start)},
            )
        async with request as answer:
            assert answer.status in (200, 201, 204), await answer.text()
            upload = answer.headers.get("Location", upload)
            job = answer.headers.get("Csvmill-Job", "")
        yield Promise(request_id, _has(upload, start, stop, file))
    yield Promise(request_id, _succeeds(job, totals(song)))


async def _deleted(session: ClientSession, song: str) -> AsyncIterator[Promise]:
    """Delete an upload that is not complete, and a job that has ended."""
    async with session.post(
        "/api/v1/uploads", json={"name": f"{song}.csv", "size": 1000}, headers=_headers(_new_id())
    ) as answer:
        await _json(answer, 201)
        upload = answer.headers["Location"]
    request_id = _new_id()
    async with session.delete(upload, headers=_headers(request_id)) as answer:
        assert answer.status == 204, await answer.text()
    yield Promise(request_id, _is_gone(upload))
    file = HEADER + f"{song},2020-01-01,2\n".encode()
    async with session.post(
        f"/api/v1/uploads?name={song}.csv", data=file, headers=_headers(_new_id(), "text/csv")
    ) as answer:
        job = (await _json(answer, 201))["job"]
    async with session.get(f"{job}?wait=60") as answer:
        assert (await _json(answer, 200))["state"] == "SUCCESS"
    request_id = _new_id()
    async with session.delete(job, headers=_headers(request_id)) as answer:
        assert answer.status == 204, await answer.text()
    yield Promise(request_id, _has_no_result(job))


# What is checked


def _has(upload: str, start: int, stop: int, file: bytes) -> Callable[..., Awaitable[None]]:
    """The bytes `start..stop` of the upload are received."""

    async def check(session: ClientSession) -> None:
        async with session.get(upload) as answer:
            shown = await _json(answer, 200)
        received = shown["received"]
        assert any(a <= start and stop <= b for a, b in received) or start == stop, shown
        assert shown["received_bytes"] <= len(file)

    return check


def _succeeds(job: str, expected: bytes) -> Callable[..., Awaitable[None]]:
    """The job succeeds, sooner or later, with this result."""

    async def check(session: ClientSession) -> None:
        async with session.get(f"{job}?wait=60") as answer:
            shown = await _json(answer, 200)
        assert shown["state"] == "SUCCESS", shown
        await _check_result(session, job, expected)

    return check


def _has_succeeded(job: str, expected: bytes) -> Callable[..., Awaitable[None]]:
    """The job has succeeded with this result, and is not run again."""

    async def check(session: ClientSession) -> None:
        async with session.get(job) as answer:
            shown = await _json(answer, 200)
        assert (shown["state"], len(shown["attempts"])) == ("SUCCESS", 1), shown
        await _check_result(session, job, expected)

    return check


def _is_gone(upload: str) -> Callable[..., Awaitable[None]]:
    """The upload does not come back."""

    async def check(session: ClientSession) -> None:
        async with session.get(upload) as answer:
            await _json(answer, 404)

    return check


def _has_no_result(job: str) -> Callable[..., Awaitable[None]]:
    """The job's bytes do not come back."""

    async def check(session: ClientSession) -> None:
        async with session.get(f"{job}/result") as answer:
            await _json(answer, 410)

    return check


async def _check_result(session: ClientSession, job: str, expected: bytes) -> None:
    async with session.get(f"{job}/result") as answer:
        content = await answer.read()
        assert (answer.status, content) == (200, expected)


async def _json(answer: ClientResponse, status: int) -> dict[str, Any]:
    shown: dict[str, Any] = await answer.json(content_type=None)
    assert answer.status == status, (answer.url, answer.status, shown)
    return shown


def _new_id() -> str:
    return f"promise-{uuid4().hex}"


def _headers(request_id: str, content_type: str | None = None) -> dict[str, str]:
    headers = {"X-Request-Id": request_id}
    return headers if content_type is None else {**headers, "Content-Type": content_type}
