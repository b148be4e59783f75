"""`POST /api/v1/inspections`: inspections of samples that are not uploaded."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import io
import json
import random
import sys
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from gateway.inspections.samples import MOST, MOST_OF_TENANT, SAMPLES, Samples
from shared.access.tenant import Tenant
from shared.errors import TooBusy, TooManyInspections
from shared.inspection.inspect import inspect
from shared.inspection.inspection_view import inspection_view
from shared.inspection.sample import SAMPLE_SIZE
from tests.unit.gateway.forms import FormBody
from tests.unit.gateway.problems import problem_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway

SONGS = b"Song;Plays\r\nUmbrella;3\r\nHello;4\r\nHello\r\n"
URL = "/api/v1/inspections"


def sample(content: bytes, **fields: object) -> FormBody:
    texts = [(name, str(value)) for name, value in fields.items()]
    return FormBody.of(*texts, ("file", content, 'filename="sample"'))


async def send(gateway: Gateway, form: FormBody) -> ClientResponse:
    return await gateway.client.post(
        URL, data=BytesIO(form.content), headers={"Content-Type": form.content_type}
    )


async def inspected(gateway: Gateway, content: bytes, **fields: object) -> dict[str, Any]:
    response = await send(gateway, sample(content, **fields))
    assert response.status == 200, await response.text()
    answer: dict[str, Any] = await response.json()
    return answer


async def stored(gateway: Gateway) -> int:
    async with gateway.blobs.walk("uploads") as found:
        return len([each async for each in found])


async def test_a_sample_is_inspected_as_an_upload_is_and_nothing_is_stored(
    gateway: Gateway,
) -> None:
    view = await inspected(gateway, SONGS)

    assert view == inspection_view(inspect(SONGS, whole=True, aggregation=None)).as_json()
    assert view["input"]["delimiter"] == ";"
    assert [(each["name"], each["type"]) for each in view["columns"]] == [
        ("Song", "text"),
        ("Plays", "integer"),
    ]
    assert view["sample_rows"] == [
        {"line": 2, "cells": ["Umbrella", "3"]},
        {"line": 3, "cells": ["Hello", "4"]},
    ]
    assert view["problem_count"] == 1
    assert await stored(gateway) == 0


async def test_an_aggregation_is_tried_on_the_sample(gateway: Gateway) -> None:
    spec: dict[str, Any] = {
        "group_by": ["Song"], "aggregates": [{"function": "sum", "column": "Playes"}],
    }  # fmt: skip
    view = await inspected(gateway, SONGS, aggregation=json.dumps(spec))
    assert (view["fits"], view["misfit_field"]) == (False, "aggregates[0].column")
    assert "did you mean 'Plays'?" in view["misfit"]

    spec["aggregates"][0]["column"] = "Plays"
    view = await inspected(gateway, SONGS, aggregation=json.dumps(spec))
    assert (view["fits"], view["misfit_field"]) == (True, None)
    assert view["output_columns"] == ["Song", "sum(Plays)"]

    read_with_commas = {"input": {"delimiter": ",", "header": False}}
    view = await inspected(gateway, SONGS, aggregation=json.dumps(read_with_commas))
    assert view["sample_rows"][0] == {"line": 1, "cells": ["Song;Plays"]}


@pytest.mark.parametrize(("more", "whole"), [(0, True), (1, False), (None, True)])
async def test_the_size_tells_whether_the_sample_is_the_whole_file(
    gateway: Gateway, more: int | None, whole: bool
) -> None:
    content = SONGS[:-2]
    size = "" if more is None else len(content) + more
    view = await inspected(gateway, content, size=size)
    assert view["whole"] is whole
    # A record that may go on is not judged
    assert view["problem_count"] == int(whole)


async def test_the_first_mib_is_not_taken_for_the_whole_file(gateway: Gateway) -> None:
    content = (SONGS[:22] * SAMPLE_SIZE)[:SAMPLE_SIZE]
    assert (await inspected(gateway, content))["whole"] is False


def zipped(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plays.csv", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstd.compress),
        ("bzip2", bz2.compress),
        ("zip", zipped),
    ],
)
async def test_the_start_of_a_compressed_file_is_inspected(
    gateway: Gateway, name: str, compress: Callable[[bytes], bytes]
) -> None:
    songs = random.Random(7)
    content = b"Song;Plays\n" + b"".join(
        b"%s;%d\n" % (songs.randbytes(40).hex().encode(), songs.randrange(1000))
        for _ in range(30_000)
    )
    compressed = compress(content)
    assert len(compressed) > SAMPLE_SIZE

    view = await inspected(gateway, compressed[:SAMPLE_SIZE], size=len(compressed))

    assert view["input"]["compression"] == name
    assert (view["error"], view["problem_count"], view["whole"]) == (None, 0, False)
    assert [each["type"] for each in view["columns"]] == ["text", "integer"]
    assert view["sample_rows"][0]["cells"] == content.splitlines()[1].decode().split(";")


async def test_a_form_that_is_wrong_is_refused_at_its_field(gateway: Gateway) -> None:
    for form, field, detail in (
        (FormBody.of(), None, "file is missing"),
        (sample(b"a\n1\n", sice=3), "sice", "unknown: sice; send aggregation, size, file"),
        (sample(b"a\n1\n", size=3), "size", "the sample has 4 bytes"),
        (sample(b"a\n1\n", size="4.0"), "size", "size is '4.0'"),
        (sample(b"a\n1\n", aggregation="{"), "aggregation", "aggregation is not JSON"),
        (
            sample(b"a\n1\n", aggregation='{"group_by": ["a"], "limit": 0}'),
            "aggregation.limit",
            "aggregation.limit is 0",
        ),
        (FormBody.of(("size", "4"), ("size", "4")), "size", "field size is given twice"),
        (FormBody.of(("file", b"a", "x=1"), ("file", b"a", "x=1")), "file", "given twice"),
        (sample(b"a" * (SAMPLE_SIZE + 1)), "file", "send only the first MiB"),
        (FormBody(sample(SONGS).content[:-40]), None, "the form ended early"),
        (FormBody(b"Song", "text/csv"), None, "send multipart/form-data"),
    ):
        problem = await problem_of(await send(gateway, form), 400, "invalid-input")
        assert detail in problem["detail"]
        if field is not None:
            assert problem["field"] == field


async def test_a_header_that_does_not_end_in_the_sample_is_not_described(gateway: Gateway) -> None:
    form = sample(b"column" * 100, size=1000)
    problem = await problem_of(await send(gateway, form), 409, "beginning-missing")
    assert "the header does not end in the sample of 600 bytes" in problem["detail"]


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PAR1\0\0"])
async def test_what_is_no_csv_file_is_described_by_an_error(
    gateway: Gateway, content: bytes
) -> None:
    view = await inspected(gateway, content)
    assert view["error"]
    assert (view["columns"], view["sample_rows"], view["default_fits"]) == ([], [], False)


async def until_held(number: int, samples: Samples) -> None:
    async with asyncio.timeout(20):
        while len(samples) != number:  # noqa: ASYNC110  (there is no event to wait for)
            await asyncio.sleep(0.01)


async def test_a_tenant_has_so_many_inspections_at_a_time(gateway: Gateway) -> None:
    """A client that does not send the rest of its form holds back none of another tenant."""
    form = sample(SONGS)

    async def unfinished() -> AsyncIterator[bytes]:
        yield form.content[:-20]
        await asyncio.Event().wait()

    headers = {"Content-Type": form.content_type}
    samples = gateway.client.app[SAMPLES]
    async with asyncio.TaskGroup() as tasks:
        waiting = [
            tasks.create_task(gateway.client.post(URL, data=unfinished(), headers=headers))
            for _ in range(MOST_OF_TENANT)
        ]
        await until_held(MOST_OF_TENANT, samples)
        refused = await problem_of(await send(gateway, form), 429, "too-many-inspections")
        assert "16 files are being inspected" in refused["detail"]
        for each in waiting:
            each.cancel()
    await until_held(0, samples)
    assert (await send(gateway, form)).status == 200


def test_a_gateway_holds_so_many_samples() -> None:
    samples = Samples(limit=3, tenant_limit=2)
    first, second = Tenant("first"), Tenant("second")
    with samples.one(first), samples.one(first):
        with pytest.raises(TooManyInspections), samples.one(first):
            pass
        with samples.one(second), pytest.raises(TooBusy), samples.one(second):
            pass
        with samples.one(second):
            assert len(samples) == 3
    assert len(samples) == 0
    assert MOST > MOST_OF_TENANT
