"""`POST /api/upload_file`, sentence by sentence of what existing clients rely on."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING
from uuid import UUID

import aiohttp
import pytest

from shared.blobs.blob import upload_key
from shared.jobs.job import SONG_PLAYS, JobState
from tests.unit.gateway.conftest import PART_STORED, dropzone_form
from tests.unit.gateway.forms import FormBody

if TYPE_CHECKING:
    from tests.unit.gateway.conftest import Gateway, Start

CSV = 'filename="plays.csv"'


async def test_dropzone_6_uploads_in_its_own_field_order(gateway: Gateway) -> None:
    # Given a file of 25 bytes, sent in chunks of 10
    source = bytes(range(65, 90))
    # When all chunks but the last are stored, then bytes are missing
    assert await gateway.chunk("u", source[:10], offset=0, size=10, total=25) == PART_STORED
    assert await gateway.chunk("u", source[10:20], offset=10, size=10, total=25) == PART_STORED
    # When the last, shorter chunk is sent
    answer = await gateway.chunk("u", source[20:], offset=20, size=10, total=25)
    # Then there is a job for exactly these bytes, with one wake-up
    assert answer.keys() == {"message", "job_id"}
    assert answer["message"] == "File uploaded successfully"
    job = await gateway.job_of(answer)
    assert (job.state, job.input_size, job.filename) == (JobState.PENDING, 25, "plays.csv")
    assert (job.aggregation, job.max_attempts) == (SONG_PLAYS, 3)
    assert await gateway.content(job.inputs[0].key) == source
    assert gateway.bus.published == [job.id]
    assert job.published_at is not None


async def test_the_file_may_precede_the_fields(gateway: Gateway) -> None:
    form = FormBody.of(
        ("file", b"world", CSV),
        ("dztotalfilesize", "11"),
        ("dzchunkbyteoffset", "6"),
        ("dzchunksize", "6"),
        ("dzuuid", "u"),
    )
    assert await gateway.post(form) == (200, PART_STORED)
    assert await gateway.received("u") == [(6, 11)]
    answer = await gateway.chunk("u", b"hello ", offset=0, size=6, total=11)
    assert await gateway.content((await gateway.job_of(answer)).inputs[0].key) == b"hello world"


async def test_fields_may_precede_and_follow_the_file(gateway: Gateway) -> None:
    fields = [
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", "6"),
        ("dzchunksize", "6"),
        ("dztotalfilesize", "20"),
    ]
    for before in range(len(fields) + 1):
        form = FormBody.of(*fields[:before], ("file", b"world!", CSV), *fields[before:])
        assert await gateway.post(form) == (200, PART_STORED)
    assert await gateway.received("u") == [(6, 12)]


async def test_chunks_may_be_shuffled_parallel_repeated_and_overlapping(
    gateway: Gateway,
) -> None:
    # Given 300 kB, and chunks that cover it twice and overlap by 500 bytes
    rng = random.Random(1)
    source = rng.randbytes(300_000)
    chunks = [(start, min(start + 10_500, 300_000)) for start in range(0, 300_000, 10_000)] * 2
    rng.shuffle(chunks)
    # When eight at a time are sent
    slots = asyncio.Semaphore(8)

    async def send(start: int, stop: int) -> dict[str, str]:
        async with slots:
            return await gateway.chunk(
                "u", source[start:stop], offset=start, size=10_500, total=300_000
            )

    answers = await asyncio.gather(*(send(*chunk) for chunk in chunks))
    # Then some response has the job, all of them the same, and the bytes are right
    jobs = {answer["job_id"] for answer in answers if "job_id" in answer}
    assert len(jobs) == 1
    (job_id,) = jobs
    assert await gateway.content((await gateway.jobs.get(UUID(job_id))).inputs[0].key) == source
    assert set(gateway.bus.published) == {UUID(job_id)}


async def test_any_repeat_after_completion_returns_the_same_job_and_publishes_nothing(
    gateway: Gateway,
) -> None:
    await gateway.chunk("u", b"ab", offset=0, size=2, total=4)
    first = await gateway.chunk("u", b"cd", offset=2, size=2, total=4)
    for body, offset in ((b"ab", 0), (b"cd", 2), (b"bc", 1)):
        assert await gateway.chunk("u", body, offset=offset, size=2, total=4) == first
    assert len(gateway.bus.published) == 1
    assert await gateway.content((await gateway.job_of(first)).inputs[0].key) == b"abcd"


async def test_a_form_without_dropzone_fields_is_a_whole_file(gateway: Gateway) -> None:
    form = FormBody.of(("note", "unknown fields do not matter"), ("file", b"a,b,1\n", CSV))
    (_, first), (status, second) = await gateway.post(form), await gateway.post(form)
    assert status == 200
    job = await gateway.job_of(second)
    assert await gateway.content(job.inputs[0].key) == b"a,b,1\n"
    # And each such request is an upload of its own
    assert first["job_id"] != second["job_id"]


async def test_an_ordinary_http_client_can_upload(gateway: Gateway) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", b"a,b,1\n", filename="Čaj.csv", content_type="text/csv")
    response = await gateway.client.post("/api/upload_file", data=form)
    job = await gateway.job_of(await response.json())
    assert job.filename == "Čaj.csv"


async def test_an_empty_file_is_complete_at_once(gateway: Gateway) -> None:
    for form in (
        FormBody.of(("file", b"", CSV)),
        dropzone_form("u", b"", offset=0, size=10, total=0),
    ):
        status, answer = await gateway.post(form)
        assert status == 200
        job = await gateway.job_of(answer)
        assert (job.input_size, await gateway.content(job.inputs[0].key)) == (0, b"")


# One client computes the last offset as total minus nominal size.


@pytest.mark.parametrize(
    ("offset", "size", "total", "length", "start"),
    [
        (15, 10, 25, 5, 20),  # the shorter last chunk of a file of 25
        (-3, 10, 7, 7, 0),  # a file smaller than a chunk
        (10, 10, 20, 10, 10),  # a full last chunk is at its offset
        (0, 10, 10, 4, 6),  # the rule holds at 0 as well
    ],
)
@pytest.mark.parametrize("file_first", [True, False])
async def test_a_shorter_last_chunk_belongs_at_the_end(
    gateway: Gateway, offset: int, size: int, total: int, length: int, start: int, file_first: bool
) -> None:
    file = ("file", b"x" * length, CSV)
    fields = [
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", str(offset)),
        ("dzchunksize", str(size)),
        ("dztotalfilesize", str(total)),
    ]
    form = FormBody.of(file, *fields) if file_first else FormBody.of(*fields, file)
    status, _ = await gateway.post(form)
    assert status == 200
    assert await gateway.received("u") == [(start, start + length)]


@pytest.mark.parametrize(("offset", "total"), [(20, 20), (10, 20), (5, 20), (-10, 0)])
async def test_an_empty_chunk_is_accepted_and_changes_nothing(
    gateway: Gateway, offset: int, total: int
) -> None:
    if total:
        await gateway.chunk("u", b"x" * 10, offset=0, size=10, total=total)
        before = await gateway.stored("u")
        assert await gateway.chunk("u", b"", offset=offset, size=10, total=total) == PART_STORED
        assert await gateway.stored("u") == before
    else:
        assert "job_id" in await gateway.chunk("u", b"", offset=offset, size=10, total=total)


async def test_an_empty_chunk_after_the_last_returns_the_job(gateway: Gateway) -> None:
    await gateway.chunk("u", b"ab", offset=0, size=2, total=4)
    whole = await gateway.chunk("u", b"cd", offset=2, size=2, total=4)
    assert await gateway.chunk("u", b"", offset=4, size=2, total=4) == whole


async def test_the_last_chunk_may_be_received_first_by_either_rule(gateway: Gateway) -> None:
    assert await gateway.chunk("u", b"EF", offset=2, size=2, total=6) == PART_STORED
    assert await gateway.chunk("u", b"IJ", offset=4, size=2, total=6) == PART_STORED
    assert "job_id" in await gateway.chunk("u", b"AB", offset=0, size=2, total=6)


# Names


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ('filename="plays.csv"', "plays.csv"),
        ('filename="PLAYS.CSV"', "PLAYS.CSV"),
        ('filename="music/2020/plays.csv"', "plays.csv"),
        (r'filename="C:\music\plays.csv"', "plays.csv"),
        ('filename="../../etc/plays.csv"', "plays.csv"),
        ('filename="a;b;c.csv"', "a;b;c.csv"),
        (r'filename="say \"hi\".csv"', 'say "hi".csv'),
        ('filename="Čaj 🎵.csv"', "Čaj 🎵.csv"),
        ("filename*=UTF-8''%C4%8Caj.csv", "Čaj.csv"),
        ("filename=\"caj.csv\"; filename*=UTF-8''%C4%8Caj.csv", "Čaj.csv"),
    ],
)
# aiohttp's reader parses the header too, and warns.
@pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
async def test_the_name_is_the_base_name_of_the_file_part(
    gateway: Gateway, parameters: str, expected: str
) -> None:
    status, answer = await gateway.post(FormBody.of(("file", b"x", parameters)))
    assert status == 200, answer
    assert (await gateway.job_of(answer)).filename == expected


@pytest.mark.parametrize("name", ["other.csv", "folder/other.csv", r"D:\folder\other.csv"])
@pytest.mark.parametrize("part_name", ["blob", "plays.csv"])
@pytest.mark.parametrize("file_first", [True, False])
async def test_dzfilename_overrides_the_name_of_the_file_part(
    gateway: Gateway, name: str, part_name: str, file_first: bool
) -> None:
    fields = [
        ("dzuuid", "u"),
        ("dzchunkbyteoffset", "0"),
        ("dzchunksize", "10"),
        ("dztotalfilesize", "1"),
    ]
    file = ("file", b"x", f'filename="{part_name}"')
    last = ("dzfilename", name)
    form = FormBody.of(*fields, file, last) if file_first else FormBody.of(*fields, last, file)
    status, answer = await gateway.post(form)
    assert status == 200, answer
    assert (await gateway.job_of(answer)).filename == "other.csv"


async def test_any_dzuuid_is_a_valid_id(gateway: Gateway) -> None:
    ids = ["../../etc/passwd", "a/b", "💿", "x" * 4000, "a b?c#d"]
    for dzuuid in ids:
        assert await gateway.chunk(dzuuid, b"ab", offset=0, size=2, total=4) == PART_STORED
    answers = [await gateway.chunk(dzuuid, b"cd", offset=2, size=2, total=4) for dzuuid in ids]
    assert len({answer["job_id"] for answer in answers}) == len(ids)


async def test_the_metadata_of_the_blob_identify_the_upload(gateway: Gateway) -> None:
    await gateway.chunk("u", b"ab", offset=0, size=2, total=4)
    blob = await gateway.stored("u")
    assert blob is not None
    assert blob.metadata == {"filename": "plays.csv", "dzuuid": "u"}


# Jobs


async def test_an_unavailable_broker_loses_no_job(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a broker that does not answer
    gateway.bus.away = True
    # When the upload is complete
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    # Then the client has its job, which is left to the relay, and that is logged once
    job = await gateway.job_of(answer)
    assert (job.state, job.published_at) == (JobState.PENDING, None)
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert str(job.id) in warnings[0]
    # And a repeat, when the broker is available, publishes its wake-up
    gateway.bus.away = False
    assert await gateway.chunk("u", b"ab", offset=0, size=2, total=2) == answer
    assert gateway.bus.published == [job.id]
    assert (await gateway.jobs.get(job.id)).published_at is not None


async def test_no_wake_up_is_published_for_a_running_job(gateway: Gateway) -> None:
    gateway.bus.away = True
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    job = await gateway.job_of(answer)
    assert await gateway.jobs.claim(job.id, worker="w", lease_until=job.created_at + 60,
                                    now=job.created_at)  # fmt: skip
    gateway.bus.away = False
    assert await gateway.chunk("u", b"ab", offset=0, size=2, total=2) == answer
    assert gateway.bus.published == []


async def test_max_attempts_is_a_setting(start_gateway: Start) -> None:
    gateway = await start_gateway(max_attempts=7)
    answer = await gateway.chunk("u", b"ab", offset=0, size=2, total=2)
    assert (await gateway.job_of(answer)).max_attempts == 7


async def test_two_gateways_take_chunks_of_one_upload(start_gateway: Start) -> None:
    # Given two gateways on the same storage and database
    first = await start_gateway()
    second = await start_gateway(
        folder="second", blobs=lambda _: first.blobs, jobs=lambda _: first.jobs
    )
    # When each receives one chunk
    assert await first.chunk("u", b"ab", offset=0, size=2, total=4) == PART_STORED
    answer = await second.chunk("u", b"cd", offset=2, size=2, total=4)
    # Then both name the same job
    assert await first.chunk("u", b"ab", offset=0, size=2, total=4) == answer
    assert (
        await first.content(upload_key((await first.job_of(answer)).inputs[0].upload_id)) == b"abcd"
    )
