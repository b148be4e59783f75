"""Uploads that are whole, and whose gateway died before it made their job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from gateway.uploads import orphan_recovery
from gateway.uploads.orphan_recovery import Adoption
from gateway.uploads.upload import COMPLETION, CONCAT, EXPLICIT, PARTIAL
from gateway.uploads.uploads import Uploads
from shared.blobs.blob import upload_key
from shared.errors import DatabaseUnavailable, StorageUnavailable
from shared.jobs.job import JobState
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from shared.blobs.blob import BlobInfo, BlobKey
    from tests.unit.gateway.conftest import Gateway, Start

CONTENT = b"Song,Date,Number of Plays\nHello,2026-01-02,3\n"
AFTER = 30.0


class Clock:
    """Storage's; goes on when it is told to."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(start_gateway: Start, clock: Clock) -> Gateway:
    return await start_gateway(clock=clock)


def uploads_of(gateway: Gateway) -> Uploads:
    assert gateway.client.app is not None
    return Uploads.of(gateway.client.app)


def adopting(gateway: Gateway) -> Adoption:
    return Adoption(uploads_of(gateway), interval=60.0, after=AFTER)


async def orphan(
    gateway: Gateway, *, missing: int = 0, metadata: Mapping[str, str] | None = None
) -> UUID:
    """An upload as a gateway leaves it that is killed when it has stored the last chunk."""
    upload_id = uuid4()
    key = upload_key(upload_id)
    await gateway.blobs.create(
        key, len(CONTENT) + missing, metadata={"filename": "plays.csv", **(metadata or {})}
    )
    await gateway.blobs.write(key, 0, _once(CONTENT))
    return upload_id


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_whole_upload_gets_its_job_once_nobody_is_about_to_make_it(
    gateway: Gateway, clock: Clock
) -> None:
    upload_id = await orphan(gateway)
    adoption = adopting(gateway)
    assert await adoption.adopt() == 0
    assert await gateway.jobs.of_upload(upload_id) is None

    clock.ahead = AFTER
    assert await adoption.adopt() == 1

    job = await gateway.jobs.of_upload(upload_id)
    assert job is not None
    assert (job.state, job.filename, job.input_size) == (
        JobState.PENDING,
        "plays.csv",
        len(CONTENT),
    )
    assert gateway.bus.published == [job.id]
    clock.ahead += AFTER
    assert await adoption.adopt() == 0
    assert await adopting(gateway).adopt() == 0


@pytest.mark.parametrize(
    ("missing", "metadata"),
    [(1, {}), (0, {CONCAT: PARTIAL}), (0, {COMPLETION: EXPLICIT})],
    ids=["that lacks a byte", "that is a part of another", "whose client has yet to say that"],
)
async def test_an_upload_is_left_alone(
    gateway: Gateway, clock: Clock, missing: int, metadata: dict[str, str]
) -> None:
    upload_id = await orphan(gateway, missing=missing, metadata=metadata)
    clock.ahead = 1000.0
    assert await adopting(gateway).adopt() == 0
    assert await gateway.jobs.of_upload(upload_id) is None
    # And expires in its time, however often it is looked at.
    assert await gateway.blobs.expire(upload_key(upload_id), idle_for=1000.0)


async def test_a_file_made_of_parts_gets_its_job_too(gateway: Gateway, clock: Clock) -> None:
    part = await orphan(gateway, metadata={CONCAT: PARTIAL})
    whole = uuid4()
    await gateway.blobs.assemble(
        upload_key(whole), [upload_key(part)], metadata={CONCAT: f"final;{part}"}
    )
    clock.ahead = AFTER
    assert await adopting(gateway).adopt() == 1
    assert await gateway.jobs.of_upload(whole) is not None


async def test_what_was_looked_at_and_not_used_since_is_not_looked_at_again_for_an_hour(
    gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[UUID] = []
    of_uploads = gateway.jobs.of_uploads

    async def counted(upload_ids: Sequence[UUID]) -> object:
        asked.extend(upload_ids)
        return await of_uploads(upload_ids)

    # Given a look at all uploads, of which one has its job and one is too young
    monkeypatch.setattr(gateway.jobs, "of_uploads", counted)
    old = await orphan(gateway)
    await uploads_of(gateway).look_up(old)
    clock.ahead = 500.0
    young = await orphan(gateway)
    adoption_ = adopting(gateway)
    assert await adoption_.adopt() == 0
    assert asked == [old]
    # When it looks again, it asks after the younger one only
    clock.ahead += AFTER
    assert await adoption_.adopt() == 1
    assert asked == [old, young]
    # And after an hour, after all of them
    clock.ahead += AFTER
    monkeypatch.setattr(orphan_recovery, "FULL_LOOK", 0.0)
    assert await adoption_.adopt() == 0
    assert sorted(asked) == sorted([old, young, old, young])


async def test_what_an_outage_has_kept_from_being_adopted_is_not_forgotten(
    gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(**_: object) -> object:
        raise DatabaseUnavailable("away")

    upload_id = await orphan(gateway)
    adoption_ = adopting(gateway)
    clock.ahead = 500.0
    with monkeypatch.context() as outage:
        outage.setattr(gateway.jobs, "create", away)
        with pytest.raises(DatabaseUnavailable):
            await adoption_.adopt()
    clock.ahead = 1000.0
    assert await adoption_.adopt() == 1
    assert await gateway.jobs.of_upload(upload_id) is not None


async def test_one_that_cannot_be_read_does_not_keep_the_others(
    gateway: Gateway,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged, sound = await orphan(gateway), await orphan(gateway)
    peek = gateway.blobs.peek
    clock.ahead = AFTER

    async def fails_for_one(key: BlobKey) -> BlobInfo:
        if key == upload_key(damaged):
            raise StorageUnavailable("meta.json is damaged")
        return await peek(key)

    adoption_ = adopting(gateway)
    with monkeypatch.context() as broken:
        broken.setattr(gateway.blobs, "peek", fails_for_one)
        assert await adoption_.adopt() == 1
        assert await adoption_.adopt() == 0
    assert await gateway.jobs.of_upload(sound) is not None
    assert await gateway.jobs.of_upload(damaged) is None
    assert caplog.text.count(f"upload {damaged} has no job, and gets none for now: meta.json") == 1
    # And it is looked at again, though nobody has used it since
    clock.ahead = 2 * AFTER
    assert await adoption_.adopt() == 1
    assert await gateway.jobs.of_upload(damaged) is not None


async def test_a_gateway_that_runs_adopts_by_itself(start_gateway: Start) -> None:
    gateway = await start_gateway(adopt_interval=0.02, adopt_after=0.0)
    upload_id = await orphan(gateway)

    async def has_job() -> bool:
        return await gateway.jobs.of_upload(upload_id) is not None

    await until(has_job)
