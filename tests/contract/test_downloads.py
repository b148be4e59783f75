"""RFC 9110 on the wire: a gateway in front of storage, and a gateway with its own files."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import random
import threading
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import build_app
from gateway.settings import GatewaySettings
from shared.blobs.client import HttpBlobs
from shared.bus.in_process import InProcessBus
from shared.http import sendfile
from shared.jobs.store import open_job_store
from shared.ports import Ports
from storage.filesystem import reading
from storage.filesystem.blobs import FilesystemBlobs
from tests.blob_backends import TOKEN, storage_server
from tests.download_table import ROWS, Answer, Connection, Row, Target, check, parts_of
from tests.unit.gateway.conftest import Gateway, RecordingBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from shared.ports import Blobs

CONTENT = random.Random(5).randbytes(6000) + b"\r\n--"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FINISHED = 1_600_000_000.75

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Kernel:
    """Replaces `os.sendfile` and counts what it sends."""

    def __init__(self, *, used: bool) -> None:
        self.sent = 0
        self.used = used
        """Whether the server uses sendfile for content of this size."""
        self._counted = threading.Condition()
        self._sendfile = os.sendfile

    def sendfile(self, out: int, file: int, offset: int, count: int) -> int:
        sent = self._sendfile(out, file, offset, count)
        with self._counted:
            self.sent += sent
            self._counted.notify()
        return sent

    def has_sent(self, size: int) -> bool:
        """Whether `size` bytes are sent; waits, as the count may lag behind the client."""
        with self._counted:
            self._counted.wait_for(lambda: self.sent >= size, 10)
            return self.sent == size


@pytest.fixture(scope="module", params=["without sendfile", "with sendfile"])
def kernel(request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """The threshold of sendfile is above or below the size of the content."""
    with pytest.MonkeyPatch.context() as patch:
        kernel = Kernel(used=request.param == "with sendfile")
        patch.setattr(os, "sendfile", kernel.sendfile)
        if kernel.used:
            patch.setattr(sendfile, "SENDFILE_FROM", 1)
            patch.setattr(reading, "GATHERED", 1)
        yield kernel


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["services", "one process"])
async def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, kernel: Kernel
) -> AsyncIterator[Target]:
    """The same bytes behind a gateway with a storage service, and behind one with its own files.

    The first is requested by the older URL, the second by the newer.
    """
    folder = tmp_path_factory.mktemp("downloads")
    async with AsyncExitStack() as stack:
        files = await stack.enter_async_context(FilesystemBlobs(folder / "blobs", fsync=False))
        services = request.param == "services"
        blobs: Blobs = files
        if services:
            url = await stack.enter_async_context(storage_server(folder, files))
            blobs = await stack.enter_async_context(HttpBlobs(url, TOKEN))
        jobs = await stack.enter_async_context(open_job_store(f"sqlite:///{folder}/jobs.db"))
        bus = RecordingBus(await stack.enter_async_context(InProcessBus()))
        app = build_app(GatewaySettings(), Ports(blobs, jobs, bus))
        client = await stack.enter_async_context(TestClient(TestServer(app)))
        gateway = Gateway(client, files, jobs, bus)
        job = await gateway.finished_job(CONTENT, finished_at=FINISHED)
        path = f"/api/download_file/{job.id}" if services else f"/api/v1/jobs/{job.id}/result"
        host, port = gateway.address
        yield Target(host, port, path, CONTENT, SHA256, int(FINISHED))


@pytest.fixture(scope="module")
def connection(target: Target) -> Iterator[Connection]:
    """One connection for all requests."""
    opened = Connection(target)
    yield opened
    opened.close()


# Every row through two stacks here; e2e/test_downloads.py sends them to services and to v1.
@pytest.mark.parametrize("target", ["storage", "standalone"], indirect=True, scope="module")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
async def test_each_row_of_the_table(row: Row, connection: Connection, target: Target) -> None:
    answer = await asyncio.to_thread(connection.ask, *row.headers, method=row.method)
    check(row, answer, target)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("ranges", "size"),
    [("", len(CONTENT)), ("5-99", 95), ("0-9, 100-299, -5", 215), ("{size}-", 0)],
)
async def test_sendfile_sends_all_bytes_of_the_body(
    connection: Connection, kernel: Kernel, method: str, ranges: str, size: int
) -> None:
    # With two services, storage uses sendfile and the gateway forwards the bytes.
    kernel.sent = 0
    fields = (("Range", f"bytes={ranges}"),) if ranges else ()
    await asyncio.to_thread(connection.ask, *fields, method=method)
    expected = size if kernel.used and method == "GET" else 0
    assert await asyncio.to_thread(kernel.has_sent, expected)


SPECS = st.one_of(
    st.tuples(st.integers(0, 6100), st.none()),
    st.tuples(st.none(), st.integers(0, 6100)),
    st.tuples(st.integers(0, 6100), st.integers(0, 400)).map(lambda two: (two[0], sum(two))),
    # Close together, so that they overlap or are adjacent
    st.tuples(st.integers(0, 40), st.integers(0, 5)).map(lambda two: (two[0], sum(two))),
)


@settings(max_examples=60)
@given(specs=st.lists(SPECS, min_size=1, max_size=20))
async def test_any_set_of_ranges_is_sent_as_the_model_predicts(
    connection: Connection, specs: list[tuple[int | None, int | None]]
) -> None:
    # The model has no intervals: it is the set of requested bytes.
    size = len(CONTENT)
    requested: set[int] = set()
    first_requested: list[int] = []
    for first, last in specs:
        if first is None:
            assert last is not None
            wanted = range(size)[-last:] if last else range(0)
        else:
            wanted = range(size)[first : size if last is None else last + 1]
        requested.update(wanted)
        first_requested.extend(wanted[:1])
    fields = ", ".join(
        f"{'' if first is None else first}-{'' if last is None else last}" for first, last in specs
    )
    answer = await asyncio.to_thread(connection.ask, ("Range", f"bytes={fields}"))
    if not requested:
        assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{size}")
        return
    assert answer.status == 206
    parts = parts_of(answer, size)
    sent = [position for start, part in parts for position in range(start, start + len(part))]
    assert sorted(sent) == sorted(requested)  # each byte once
    assert all(part == CONTENT[start : start + len(part)] for start, part in parts)
    # The parts are merged: none begins where another ends
    starts = [start for start, _ in parts]
    assert not {start + len(part) for start, part in parts} & set(starts)
    # In the order of the first requested ranges
    owner = [next(s for s, p in parts if s <= at < s + len(p)) for at in first_requested]
    assert list(dict.fromkeys(owner)) == starts


def sha256_field(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.mark.parametrize(
    ("fields", "representation", "content"),
    [
        ((), True, True),
        ((("Want-Repr-Digest", "sha-256=1"), ("Want-Content-Digest", "sha-256=10")), True, True),
        ((("Want-Repr-Digest", "sha-512=3, sha-256=0"),), False, True),
        ((("Want-Content-Digest", "sha-256=0"),), True, False),
        # Other algorithms, or malformed: as if there was no field
        ((("Want-Repr-Digest", "sha-512=3"), ("Want-Content-Digest", "md5=1")), True, True),
        ((("Want-Repr-Digest", "sha-256=0x"), ("Want-Content-Digest", "sha-256=11")), True, True),
    ],
)
async def test_digests_of_the_whole_file(
    connection: Connection,
    fields: tuple[tuple[str, str], ...],
    representation: bool,
    content: bool,
) -> None:
    # RFC 9530, 2, 3 and 4
    digest = sha256_field(CONTENT)
    answer = await asyncio.to_thread(connection.ask, *fields)
    assert answer.headers["Repr-Digest"] == (digest if representation else None)
    assert answer.headers["Content-Digest"] == (digest if content else None)
    head = await asyncio.to_thread(connection.ask, *fields, method="HEAD")
    assert head.headers["Repr-Digest"] == (digest if representation else None)
    # RFC 9530, B.2: the content of an answer to HEAD is empty
    assert head.headers["Content-Digest"] is None


@pytest.mark.parametrize("ranges", ["5-99", "5-99,200-299"])
async def test_digests_of_parts(connection: Connection, ranges: str) -> None:
    # RFC 9530, B.3: Repr-Digest is the digest of the whole file
    field = ("Range", f"bytes={ranges}")
    answer = await asyncio.to_thread(connection.ask, field)
    assert answer.headers["Repr-Digest"] == sha256_field(CONTENT)
    assert answer.headers["Content-Digest"] is None
    wanted = ("Want-Content-Digest", "sha-512=9, sha-256=1")
    answer = await asyncio.to_thread(connection.ask, field, wanted)
    assert answer.headers["Repr-Digest"] == sha256_field(CONTENT)
    assert answer.headers["Content-Digest"] == sha256_field(answer.body)


async def test_a_refusal_has_the_validators(connection: Connection) -> None:
    def refusals() -> list[Answer]:
        return [
            connection.ask(("If-Match", '"x"')),
            connection.ask(("Range", "bytes={size}-")),
        ]

    for answer in await asyncio.to_thread(refusals):
        assert answer.headers["ETag"] == f'"{SHA256}"'
        assert "json" in answer.headers["Content-Type"]
        assert answer.headers["Repr-Digest"] is None
