"""Refused chunks: each response names the fault, and nothing is changed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from gateway.http.forms import MAX_FIELD_SIZE, MAX_PARTS
from tests.unit.gateway.conftest import PART_STORED, dropzone_form
from tests.unit.gateway.forms import BOUNDARY, FormBody
from tests.unit.gateway.uploads.dropzone_chunks import CSV, FIELDS, form_with, refused

if TYPE_CHECKING:
    from shared.blobs.blob import BlobInfo
    from tests.unit.gateway.conftest import Gateway, Start


@pytest.mark.parametrize("name", FIELDS)
async def test_a_missing_field_is_named(gateway: Gateway, name: str) -> None:
    for value, file_first in itertools.product((None, "", " "), (True, False)):
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
async def test_a_malformed_field_is_named(gateway: Gateway, name: str, value: str) -> None:
    for file_first in (True, False):
        assert name in await refused(gateway, form_with(file_first, **{name: value}))
    assert await gateway.stored("u") is None


@pytest.mark.parametrize(
    "name", ["plays.txt", "plays.csv.exe", "plays.gz", "plays", "csv", "plays.csv/", "a\\"]
)
async def test_another_type_of_file_is_refused(gateway: Gateway, name: str) -> None:
    escaped = name.replace("\\", "\\\\")
    part = ("file", b"efgh", f'filename="{escaped}"')
    fields = list(FIELDS.items())
    for form in (
        form_with(dzfilename=name),
        form_with(file_first=True, dzfilename=name),
        FormBody.of(part, *fields),
        FormBody.of(*fields, part),
        FormBody.of(part),
    ):
        assert await refused(gateway, form) == "File must be a csv file"
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


@pytest.mark.parametrize(("offset", "size"), [("9", "4"), ("12", "4"), ("10", "1"), ("8", "3")])
async def test_a_chunk_beyond_the_end_is_refused_and_changes_nothing(
    gateway: Gateway, offset: str, size: str
) -> None:
    assert await gateway.post(form_with()) == (200, PART_STORED)
    fields = list((FIELDS | {"dzchunkbyteoffset": offset, "dzchunksize": size}).items())
    file = ("file", b"x" * 5, CSV)
    for form in (FormBody.of(file, *fields), FormBody.of(*fields, file)):
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
        await gateway.blobs.delete((await stored_blob(gateway)).key)


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
    assert response.status == 415
    assert "gzip" in (await response.json())["message"]


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


async def stored_blob(gateway: Gateway) -> BlobInfo:
    blob = await gateway.stored("u")
    assert blob is not None
    return blob
