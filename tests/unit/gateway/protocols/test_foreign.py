"""Parts of files, in protocols that are not spoken here, never count as whole files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.gateway.forms import FormBody
from tests.unit.gateway.native import BODY, created
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway

CSV = 'filename="plays.csv"'
WHOLE = "/api/v1/uploads?name=plays.csv"


async def no_jobs(gateway: Gateway) -> bool:
    answer = await (await gateway.client.get("/api/v1/jobs")).json()
    return not answer["jobs"]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    "given", ["bytes 41-73/74", "bytes 0-40/74", "bytes 0-40/*", "lines 0-1/2"]
)
async def test_a_partial_content_range_is_refused_and_makes_no_job(
    gateway: Gateway, method: str, given: str
) -> None:
    response = await gateway.client.request(
        method, WHOLE, data=BODY, headers={"Content-Range": given}
    )
    problem = await problem_of(response, 400, "invalid-input")
    assert problem["field"] == "Content-Range"
    form = FormBody.of(("file", BODY, CSV))
    response = await gateway.client.post(
        "/api/upload_file",
        data=form.content,
        headers={"Content-Type": form.content_type, "Content-Range": given},
    )
    assert response.status == 400
    assert given in (await response.json())["message"]
    assert await no_jobs(gateway)


async def test_a_content_range_of_the_whole_file_is_taken(gateway: Gateway) -> None:
    whole = f"bytes 0-{len(BODY) - 1}/{len(BODY)}"
    response = await gateway.client.put(WHOLE, data=BODY, headers={"Content-Range": whole})
    assert (await response.json())["complete"] is True


FOREIGN = {
    "resumable.js": (("resumableChunkNumber", "1"), ("resumableTotalChunks", "{}")),
    "flow.js": (("flowChunkNumber", "2"), ("flowTotalChunks", "{}")),
    "simple-uploader.js": (("chunkNumber", "1"), ("totalChunks", "{}")),
    "Plupload": (("chunk", "0"), ("chunks", "{}")),
    "Fine Uploader": (("qqpartindex", "0"), ("qqtotalparts", "{}")),
    "Syncfusion": (("chunk-index", "0"), ("total-chunk", "{}")),
}


@pytest.mark.parametrize("client", FOREIGN)
@pytest.mark.parametrize("fields_first", [True, False])
async def test_a_chunk_of_a_client_that_is_not_spoken_is_refused_unless_it_is_the_file(
    gateway: Gateway, client: str, fields_first: bool
) -> None:
    async def send(chunks: str) -> tuple[int, str]:
        fields = [(name, value.format(chunks)) for name, value in FOREIGN[client]]
        file = ("file", BODY, CSV)
        form = FormBody.of(*fields, file) if fields_first else FormBody.of(file, *fields)
        response = await gateway.client.post(
            "/api/upload_file", data=form.content, headers={"Content-Type": form.content_type}
        )
        return response.status, (await response.json())["message"]

    status, message = await send("3")
    assert status == 400
    assert client in message
    assert FOREIGN[client][0][0] in message
    assert await no_jobs(gateway)
    assert await send("1") == (200, "File uploaded successfully")


async def sent_with(gateway: Gateway, *fields: tuple[str, str]) -> tuple[int, str]:
    """Send a whole file in a form with more fields; return status and message."""
    status, answer = await gateway.post(FormBody.of(*fields, ("file", BODY, CSV)))
    return status, answer["message"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("part", "2"),
        ("partNumber", "1"),
        ("chunkIndex", "0"),
        ("chunk_no", "3"),
        ("file[chunk]", "0"),
        ("upload-segment", "7"),
        ("blockSize", "1048576"),
        ("offset", "4096"),
        ("total", "28"),
        ("index", " 0 "),
        ("range", "bytes 0-4095/70000"),
        ("range", "0-4095"),
    ],
)
async def test_a_number_of_a_chunk_of_an_unknown_client_is_refused(
    gateway: Gateway, name: str, value: str
) -> None:
    status, message = await sent_with(gateway, ("csrf", "x"), (name, value))
    assert status == 400
    assert f"field {name} is {value.strip()!r}" in message
    for protocol in ("Dropzone", "/api/v1/uploads", "tus", "IETF"):
        assert protocol in message
    assert await no_jobs(gateway)


@pytest.mark.parametrize("total", ["totalChunks", "total_parts", "chunks", "chunkCount", "total"])
async def test_the_only_chunk_of_an_unknown_client_is_a_whole_file(
    gateway: Gateway, total: str
) -> None:
    fields = ("chunkIndex", "0"), ("chunkSize", "4096")
    assert (await sent_with(gateway, *fields, (total, "2")))[0] == 400
    assert await no_jobs(gateway)
    assert (await sent_with(gateway, *fields, (total, "1")))[0] == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("foo", "1"),
        ("csrfmiddlewaretoken", "8" * 64),
        ("authenticity_token", "x" * 100_000),
        ("MAX_FILE_SIZE", "30000000"),
        ("user[id]", "17"),
        ("partner", "5"),
        ("department", "12"),
        ("part", "marketing"),
        ("part", "2" * 100_000),
        ("range", "A1:B7"),
        ("grand_total", "12"),
        ("offset", ""),
        ("filename", "plays.csv"),
    ],
)
async def test_other_fields_of_a_form_are_ignored(gateway: Gateway, name: str, value: str) -> None:
    assert await sent_with(gateway, (name, value)) == (200, "File uploaded successfully")


async def test_a_page_may_add_such_fields_to_chunks_of_dropzone(gateway: Gateway) -> None:
    fields = [(name.partition("=")[0], name.partition("=")[2]) for name in (
        "dzuuid=u", "dzchunkbyteoffset=0", f"dzchunksize={len(BODY)}",
        f"dztotalfilesize={len(BODY)}", "part=2", "_token=x",
    )]  # fmt: skip
    assert await sent_with(gateway, *fields) == (200, "File uploaded successfully")


async def test_dropzone_chunks_may_have_such_fields_too(gateway: Gateway) -> None:
    form = FormBody.of(
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", "0"),
        ("dzchunksize", str(len(BODY))),
        ("dztotalfilesize", str(len(BODY))),
        ("chunk", "0"),
        ("chunks", "2"),
        ("file", BODY, CSV),
    )
    response = await gateway.client.post(
        "/api/upload_file", data=form.content, headers={"Content-Type": form.content_type}
    )
    assert response.status == 200


async def test_a_form_is_not_the_bytes_of_a_file(gateway: Gateway) -> None:
    form = FormBody.of(("file", BODY, CSV))
    headers = {"Content-Type": form.content_type}
    chunk = f"{await created(gateway)}/chunks/0"
    for method, url in (("PUT", WHOLE), ("POST", WHOLE), ("PUT", chunk)):
        response = await gateway.client.request(method, url, data=form.content, headers=headers)
        problem = await problem_of(response, 415, "unsupported-media")
        assert "/api/upload_file" in problem["detail"]
    assert await no_jobs(gateway)


@pytest.mark.parametrize("field", ["Tus-Resumable", "X-Upload-Content-Length"])
async def test_the_creation_of_another_protocol_is_not_an_empty_file(
    gateway: Gateway, field: str
) -> None:
    response = await gateway.client.post(WHOLE, data=b"", headers={field: "1.0.0"})
    problem = await problem_of(response, 400, "invalid-input")
    assert problem["field"] == field
    assert await no_jobs(gateway)
