"""Refused chunks: each response names the fault, and nothing is changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from gateway.http.forms import MAX_FIELD_SIZE, MAX_PARTS
from shared.errors import DatabaseUnavailable, StorageFull, StorageUnavailable
from tests.unit.gateway.conftest import PART_STORED, dropzone_form
from tests.unit.gateway.forms import BOUNDARY, FormBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from shared.blobs.blob import BlobInfo, BlobKey
    from shared.jobs.job import Job
    from storage.filesystem.blobs import FilesystemBlobs
    from tests.unit.gateway.conftest import Gateway, Start

CSV = 'filename="plays.csv"'
FIELDS = {"dzuuid": "u", "dzchunkbyteoffset": "4", "dzchunksize": "4", "dztotalfilesize": "12"}


def form_with(file_first: bool = False, **changes: str | None) -> FormBody:
    """A chunk in the middle of a file of 12 bytes, with some fields changed or (None) left out."""
    fields = {name: value for name, value in (FIELDS | changes).items() if value is not None}
    file = ("file", b"efgh", CSV)
    return FormBody.of(file, *fields.items()) if file_first else FormBody.of(*fields.items(), file)


async def refused(gateway: Gateway, form: FormBody, status: int = 400) -> str:
    """Return the message with which the form is refused."""
    answer = await gateway.post(form)
    assert (answer[0], answer[1]["status"], list(answer[1])) == (
        status,
        "error",
        ["status", "message"],
    )
    return str(answer[1]["message"])


@pytest.mark.parametrize("file_first", [True, False])
@pytest.mark.parametrize("name", FIELDS)
async def test_a_missing_field_is_named(gateway: Gateway, name: str, file_first: bool) -> None:
    for value in (None, "", " "):
        message = await refused(gateway, form_with(file_first, **{name: value}))
        assert [field for field in FIELDS if f"{field} (" in message] == [name]
    assert await gateway.stored("u") is None


async def test_all_missing_fields_are_named_at_once(gateway: Gateway) -> None:
    message = await refused(gateway, FormBody.of(("dzuuid", "u"), ("file", b"x", CSV)))
    for name in ("dzchunkbyteoffset", "dzchunksize", "dztotalfilesize"):
        assert name in message


@pytest.mark.parametrize("name", ["dzfilename", "dzchunkindex", "dztotalchunkcount"])
async def test_an_optional_field_alone_does_not_make_a_chunk(gateway: Gateway, name: str) -> None:
    assert "dzuuid" in await refused(gateway, FormBody.of((name, "1.csv"), ("file", b"x", CSV)))


@pytest.mark.parametrize("file_first", [True, False])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dzchunkbyteoffset", "four"),
        ("dzchunkbyteoffset", "4.0"),
        ("dzchunkbyteoffset", "1e3"),
        ("dzchunkbyteoffset", "4_0"),
        ("dzchunkbyteoffset", "\u0664"),
        ("dzchunkbyteoffset", "-4"),
        ("dzchunkbyteoffset", "13"),
        ("dzchunkbyteoffset", "9" * 19),
        ("dzchunkbyteoffset", "9" * 4096),
        ("dzchunksize", "NaN"),
        ("dzchunksize", "-4"),
        ("dztotalfilesize", "undefined"),
        ("dztotalfilesize", "-12"),
        ("dzchunkindex", "one"),
        ("dzchunkindex", "-1"),
        ("dztotalchunkcount", "0"),
        ("dztotalchunkcount", ""),
    ],
)
async def test_a_malformed_field_is_named(
    gateway: Gateway, name: str, value: str, file_first: bool
) -> None:
    message = await refused(gateway, form_with(file_first, **{name: value}))
    assert name in message
    assert await gateway.stored("u") is None


@pytest.mark.parametrize(
    "name", ["plays.txt", "plays.csv.exe", "plays.gz", "plays", "csv", "plays.csv/", "a\\"]
)
@pytest.mark.parametrize("file_first", [True, False])
async def test_another_type_of_file_is_refused(
    gateway: Gateway, name: str, file_first: bool
) -> None:
    message = "File must be a csv file"
    assert await refused(gateway, form_with(file_first, dzfilename=name)) == message
    escaped = name.replace("\\", "\\\\")
    part = ("file", b"efgh", f'filename="{escaped}"')
    fields = list(FIELDS.items())
    form = FormBody.of(part, *fields) if file_first else FormBody.of(*fields, part)
    assert await refused(gateway, form) == message
    assert await refused(gateway, FormBody.of(part)) == message
    assert await gateway.stored("u") is None


async def test_a_file_without_a_name_is_refused(gateway: Gateway) -> None:
    assert "dzfilename" in await refused(gateway, FormBody.of(("file", "x")))


async def test_control_characters_in_a_name_are_refused(gateway: Gateway) -> None:
    assert "control" in await refused(gateway, form_with(dzfilename="a\0b.csv"))


async def test_another_total_is_refused_and_changes_nothing(gateway: Gateway) -> None:
    assert await gateway.post(form_with()) == (200, PART_STORED)
    before = await gateway.stored("u")
    for total in ("11", "13", "4000"):
        for file_first in (True, False):
            message = await refused(gateway, form_with(file_first, dztotalfilesize=total))
            assert "dztotalfilesize" in message
    assert await gateway.stored("u") == before


@pytest.mark.parametrize("file_first", [True, False])
@pytest.mark.parametrize(("offset", "size"), [("9", "4"), ("12", "4"), ("10", "1"), ("8", "3")])
async def test_a_chunk_beyond_the_end_is_refused_and_changes_nothing(
    gateway: Gateway, offset: str, size: str, file_first: bool
) -> None:
    assert await gateway.post(form_with()) == (200, PART_STORED)
    long = b"x" * 5
    fields = list((FIELDS | {"dzchunkbyteoffset": offset, "dzchunksize": size}).items())
    file = ("file", long, CSV)
    form = FormBody.of(file, *fields) if file_first else FormBody.of(*fields, file)
    message = await refused(gateway, form)
    assert "dztotalfilesize 12" in message
    assert "uploads/" not in message
    assert await gateway.received("u") == [(4, 8)]


@pytest.mark.parametrize("body", [b"x" * 13, b"x" * 3_000_000])
async def test_a_chunk_longer_than_the_file_is_refused(gateway: Gateway, body: bytes) -> None:
    # At the offset where a chunk of `dzchunksize` ends the file, and at another one
    for offset in (2, 8):
        await refused(gateway, dropzone_form("u", body, offset, 10, 12))
        assert await gateway.received("u") == []


async def test_a_field_with_two_values_is_refused(gateway: Gateway) -> None:
    file = ("file", b"efgh", CSV)
    fields = list(FIELDS.items())
    for name, value in FIELDS.items():
        for other in (FormBody.of(*fields, (name, "7"), file),
                      FormBody.of(*fields, file, (name, "7")),
                      FormBody.of(file, (name, "7"), *fields)):  # fmt: skip
            assert f"field {name} is given twice" in await refused(gateway, other)
        assert await gateway.received("u") == []
        assert await gateway.post(FormBody.of(*fields, file, (name, value))) == (200, PART_STORED)
        await gateway.blobs.delete((await _stored(gateway)).key)


async def test_fields_after_the_file_are_checked_before_the_chunk_is_recorded(
    gateway: Gateway,
) -> None:
    fields = list(FIELDS.items())
    file = ("file", b"efgh", CSV)
    for late in (("dzfilename", "plays.exe"), ("dzchunkindex", "x"), ("file", b"efgh", CSV),
                 ("dzfilename", "x" * 5000 + ".csv")):  # fmt: skip
        await refused(gateway, FormBody.of(*fields, file, late))
        assert await gateway.received("u") == []


async def test_a_form_without_a_file_is_refused(gateway: Gateway) -> None:
    assert "named file" in await refused(gateway, FormBody.of(*FIELDS.items()))
    assert "named file" in await refused(gateway, FormBody.of())


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b"{}"),
        ("text/csv", b"a,b,1\n"),
        ("application/octet-stream", b""),
        ("multipart/mixed; boundary=x", b"--x--\r\n"),
        ("multipart/form-data", b"--x--\r\n"),
        ("multipart/form-data; boundary=", b"--x--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 71, b"--x--\r\n"),
        ("multipart/form-data; boundary=y", b"--x--\r\n"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"x" * 3_000_000),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\nx\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nno disposition\r\n--x--\r\n"),
        (
            "multipart/form-data; boundary=x",
            b"\r\n".join(
                [
                    b"--x",
                    b"Content-Disposition: form-data; name=file; filename=a.csv",
                    b"Content-Type: multipart/mixed; boundary=y",
                    b"\r\n--y--\r\n",
                    b"--x--\r\n",
                ]
            ),
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="_charset_"\r\n\r\n'
            + b"x" * 100
            + b"\r\n--x--\r\n",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
async def test_a_body_that_is_not_a_form_is_refused(
    gateway: Gateway, content_type: str, content: bytes
) -> None:
    await refused(gateway, FormBody(content, content_type))


async def test_a_form_with_a_wrong_content_encoding_is_refused(gateway: Gateway) -> None:
    form = form_with()
    response = await gateway.client.post(
        "/api/upload_file",
        data=form.content,
        headers={"Content-Type": form.content_type, "Content-Encoding": "gzip"},
    )
    assert response.status == 400
    assert "Can not decode content-encoding: gzip" in (await response.json())["message"]


async def test_an_encoded_file_is_refused(gateway: Gateway) -> None:
    for encoding, status in (("base64", 400), ("quoted-printable", 400), ("Binary", 200)):
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; {CSV}\r\n'
            f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
        )
        answer = await gateway.post(FormBody(f"{head}YWJj\r\n--{BOUNDARY}--\r\n".encode()))
        assert answer[0] == status


async def test_the_length_and_number_of_fields_are_limited(gateway: Gateway) -> None:
    assert "dzuuid" in await refused(gateway, form_with(dzuuid="x" * (MAX_FIELD_SIZE + 1)))
    many = [(f"unknown{n}", "x") for n in range(MAX_PARTS)]
    assert str(MAX_PARTS) in await refused(gateway, FormBody.of(*many, ("file", b"x", CSV)))


async def test_a_field_that_is_not_utf_8_is_named(gateway: Gateway) -> None:
    form = FormBody.of(("dzfilename", b"\xff.csv", "filename=x"), ("file", b"x", CSV))
    assert "dzfilename" in await refused(gateway, form)


async def test_uploads_larger_than_the_limit_are_refused(start_gateway: Start) -> None:
    gateway = await start_gateway(max_upload_size=10)
    assert "10" in await refused(gateway, form_with(), 413)
    assert "10" in await refused(gateway, form_with(file_first=True), 413)
    assert "10" in await refused(gateway, FormBody.of(("file", b"x" * 11, CSV)), 413)
    assert (await gateway.post(FormBody.of(("file", b"x" * 10, CSV))))[0] == 200
    assert await gateway.stored("u") is None


# Failures of storage, database and broker


class BrokenBlobs:
    """Forwards every call, but `write` raises `error` after `after` bytes, or at once."""

    def __init__(self, blobs: FilesystemBlobs, error: Exception, *, after: int | None) -> None:
        self.error: Exception | None = error
        self._after = after
        self._blobs = blobs
        self.create = blobs.create
        self.declare_size = blobs.declare_size
        self.append = blobs.append
        self.lease_append = blobs.lease_append
        self.assemble = blobs.assemble
        self.info = blobs.info
        self.peek = blobs.peek
        self.open = blobs.open
        self.delete = blobs.delete
        self.expire = blobs.expire
        self.walk = blobs.walk
        self.local_path = blobs.local_path
        self.ping = blobs.ping

    async def write(
        self, key: BlobKey, offset: int, data: AsyncIterable[bytes], **more: Any
    ) -> BlobInfo:
        if self.error is None:
            return await self._blobs.write(key, offset, data, **more)
        taken = 0
        if self._after is not None:
            async for piece in data:
                taken += len(piece)
                if taken > self._after:
                    break
        raise self.error


@pytest.mark.parametrize("after", [None, 1_000_000])
@pytest.mark.parametrize(
    ("error", "status"),
    [(StorageFull("no room left"), 507), (StorageUnavailable("storage does not answer"), 503)],
)
async def test_a_client_that_is_still_sending_gets_the_response_and_may_repeat(
    start_gateway: Start, error: Exception, status: int, after: int | None
) -> None:
    # Given storage that refuses a chunk of 8 MB before it has received all of it
    broken: list[BrokenBlobs] = []

    def in_front(blobs: FilesystemBlobs) -> BrokenBlobs:
        broken.append(BrokenBlobs(blobs, error, after=after))
        return broken[0]

    gateway = await start_gateway(blobs=in_front)
    body = bytes(8_000_000)
    form = dropzone_form("u", body, 0, len(body), 2 * len(body))
    # When a client sends all of it before it reads the response
    reader, writer = await asyncio.open_connection(*gateway.address)
    request = (
        f"POST /api/upload_file HTTP/1.1\r\nHost: x\r\nContent-Type: {form.content_type}\r\n"
        f"Content-Length: {len(form.content)}\r\n\r\n"
    ).encode() + form.content
    writer.write(request)
    await writer.drain()
    head = await reader.readuntil(b"\r\n\r\n")
    # Then it reads the refusal, and not a broken connection
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"Retry-After: " in head) == (status == 503)
    # And on the same connection, when storage works again, the repeat succeeds
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert str(error).encode() in await reader.readexactly(length)
    broken[0].error = None
    writer.write(request)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()
    await writer.wait_closed()
    assert await gateway.received("u") == [(0, len(body))]


async def test_an_unavailable_database_is_503_and_a_repeat_creates_the_job(
    start_gateway: Start,
) -> None:
    # Given a database that does not answer when the upload is complete
    down = True

    def in_front(jobs: Any) -> Any:
        create = jobs.create

        async def sometimes(**kwargs: Any) -> Job:
            if down:
                raise DatabaseUnavailable("the database does not answer")
            job: Job = await create(**kwargs)
            return job

        jobs.create = sometimes
        return jobs

    gateway = await start_gateway(jobs=in_front)
    form = dropzone_form("u", b"ab", 0, 2, 2)
    assert "database" in await refused(gateway, form, 503)
    # When it is available again and the client repeats its chunk
    down = False
    status, answer = await gateway.post(form)
    # Then the upload has its job
    assert status == 200
    assert gateway.bus.published == [(await gateway.job_of(answer)).id]


async def test_a_stamp_that_fails_does_not_fail_the_upload(start_gateway: Start) -> None:
    def in_front(jobs: Any) -> Any:
        async def fails(*_: object) -> None:
            raise DatabaseUnavailable("the database does not answer")

        jobs.mark_published = fails
        return jobs

    gateway = await start_gateway(jobs=in_front)
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    assert gateway.bus.published == [(await gateway.job_of(answer)).id]


async def test_an_unexpected_error_is_500_and_logged_once_with_the_id_of_the_response(
    start_gateway: Start, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await start_gateway(
        blobs=lambda blobs: BrokenBlobs(blobs, ZeroDivisionError("secret"), after=0)
    )
    message = await refused(gateway, form_with(), 500)
    assert "secret" not in message
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    incident = message.rpartition(" ")[2]
    assert len(incident) == 32
    assert incident in errors[0].getMessage()
    assert errors[0].exc_info is not None


async def _stored(gateway: Gateway) -> BlobInfo:
    blob = await gateway.stored("u")
    assert blob is not None
    return blob
