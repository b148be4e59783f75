"""Orphan recovery over the embedded adapters: complete uploads whose gateway died."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from processor.app import processing
from processor.events import ProcessorEvents
from processor.maintenance import orphan_recovery
from processor.maintenance.orphan_recovery import OrphanRecovery
from processor.settings import WorkSettings
from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import upload_key
from shared.bus.in_process import InProcessBus
from shared.errors import BlobNotFound, DatabaseUnavailable, StorageUnavailable
from shared.jobs.dataset import FOR_EVER
from shared.jobs.events import JobEvents
from shared.jobs.job import JobState
from shared.jobs.store import SqlJobStore, open_job_store
from shared.ports import Ports
from shared.telemetry.metrics import Metrics
from shared.uploads.keys import key_of
from shared.uploads.metadata import COMPLETION, CONCAT, EXPLICIT, JOB, KEEP, NONE, PARTIAL
from shared.uploads.start_job import start_job
from storage.filesystem.blobs import FilesystemBlobs
from tests.services import until
from tests.unit.processor.conftest import RecordingBus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from shared.blobs.blob import BlobInfo, BlobKey

CONTENT = b"Song,Date,Number of Plays\nHello,2026-01-02,3\n"
AFTER = 30.0


class Clock:
    """Storage's clock, which a test moves forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Service:
    """The adapters of a processor, and the clock of its storage."""

    blobs: FilesystemBlobs
    jobs: SqlJobStore
    bus: RecordingBus
    clock: Clock

    @property
    def ports(self) -> Ports:
        return Ports(self.blobs, self.jobs, self.bus)

    def recovery(self, metrics: Metrics | None = None) -> OrphanRecovery:
        events = ProcessorEvents(metrics or Metrics("processor"))
        return OrphanRecovery(self.ports, events, max_attempts=5, interval=60.0, after=AFTER)

    async def orphan(
        self,
        *,
        missing: int = 0,
        metadata: Mapping[str, str] | None = None,
        tenant: Tenant = DEFAULT_TENANT,
    ) -> UUID:
        """An upload whose gateway was killed after it had stored the last chunk."""
        upload_id = uuid4()
        key = key_of(upload_id, tenant)
        await self.blobs.create(
            key, len(CONTENT) + missing, metadata={"filename": "plays.csv", **(metadata or {})}
        )
        await self.blobs.write(key, 0, _once(CONTENT))
        return upload_id


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        blobs = FilesystemBlobs(tmp_path / "blobs", fsync=False, clock=clock)
        await stack.enter_async_context(blobs)
        jobs = await stack.enter_async_context(
            open_job_store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
        )
        bus = await stack.enter_async_context(InProcessBus())
        yield Service(blobs, jobs, RecordingBus(bus), clock)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def test_a_complete_upload_gets_its_job_after_the_grace_period(service: Service) -> None:
    metrics = Metrics("processor")
    upload_id = await service.orphan()
    recovery = service.recovery(metrics)
    assert await recovery.recover() == 0
    assert await service.jobs.of_upload(upload_id) is None

    service.clock.ahead = AFTER
    assert await recovery.recover() == 1

    job = await service.jobs.of_upload(upload_id)
    assert job is not None
    assert (job.state, job.filename, job.input_size, job.max_attempts) == (
        JobState.PENDING,
        "plays.csv",
        len(CONTENT),
        5,
    )
    assert [wakeup.job_id for wakeup, _ in service.bus.published] == [job.id]
    assert job.published_at is not None
    service.clock.ahead += AFTER
    assert await recovery.recover() == 0
    assert await service.recovery().recover() == 0
    # It counts like a job that a gateway creates.
    count = metrics.registry.get_sample_value
    assert count("csvmill_uploads_total", {"state": "completed"}) == 1
    assert count("csvmill_jobs_total", {"state": "PENDING", "reason": "created"}) == 1


async def test_the_job_of_an_orphan_belongs_to_the_tenant_of_the_upload(service: Service) -> None:
    tenants = [Tenant("acme"), Tenant("acme-2"), DEFAULT_TENANT]
    uploads = {await service.orphan(tenant=tenant): tenant for tenant in tenants}
    service.clock.ahead = AFTER
    assert await service.recovery().recover() == 3
    for upload_id, tenant in uploads.items():
        job = await service.jobs.of_upload(upload_id, tenant=tenant)
        assert job is not None
        assert (job.tenant, job.inputs[0].key) == (tenant, key_of(upload_id, tenant))


async def test_processors_that_recover_at_once_create_one_job(service: Service) -> None:
    upload_id = await service.orphan()
    service.clock.ahead = AFTER
    blob = await service.blobs.info(upload_key(upload_id))
    events = JobEvents(Metrics("processor"))

    jobs = [
        await start_job(service.ports, events, upload_id, blob, "plays.csv", max_attempts=3)
        for _ in range(2)
    ]

    assert jobs[0].id == jobs[1].id
    assert [wakeup.job_id for wakeup, _ in service.bus.published] == [jobs[0].id]


@pytest.mark.parametrize(
    ("missing", "metadata"),
    [(1, {}), (0, {CONCAT: PARTIAL}), (0, {COMPLETION: EXPLICIT})],
    ids=["that lacks a byte", "that is a part of another", "that its client has to mark complete"],
)
async def test_no_job_is_created_for_an_upload(
    service: Service, missing: int, metadata: dict[str, str]
) -> None:
    upload_id = await service.orphan(missing=missing, metadata=metadata)
    service.clock.ahead = 1000.0
    assert await service.recovery().recover() == 0
    assert await service.jobs.of_upload(upload_id) is None
    # The scan does not count as a use of the upload: its TTL was not restarted.
    assert await service.blobs.expire(upload_key(upload_id), idle_for=1000.0)


async def test_a_concatenated_upload_gets_its_job(service: Service) -> None:
    part = await service.orphan(metadata={CONCAT: PARTIAL})
    final = uuid4()
    await service.blobs.assemble(
        upload_key(final), [upload_key(part)], metadata={CONCAT: f"final;{part}"}
    )
    service.clock.ahead = AFTER
    assert await service.recovery().recover() == 1
    assert await service.jobs.of_upload(final) is not None


async def test_an_upload_that_was_checked_and_not_used_since_is_checked_again_after_an_hour(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    queried: list[UUID] = []
    of_uploads = service.jobs.of_uploads

    async def recorded(upload_ids: Sequence[UUID]) -> object:
        queried.extend(upload_ids)
        return await of_uploads(upload_ids)

    # Given a scan in which one upload got its job and another was too young
    monkeypatch.setattr(service.jobs, "of_uploads", recorded)
    old = await service.orphan()
    await start_job(
        service.ports,
        JobEvents(Metrics("gateway")),
        old,
        await service.blobs.info(upload_key(old)),
        "plays.csv",
        max_attempts=3,
    )
    service.clock.ahead = 500.0
    young = await service.orphan()
    recovery = service.recovery()
    assert await recovery.recover() == 0
    assert queried == [old]
    # When it scans again, it queries only the younger one
    service.clock.ahead += AFTER
    assert await recovery.recover() == 1
    assert queried == [old, young]
    # And after an hour it queries both
    service.clock.ahead += AFTER
    monkeypatch.setattr(orphan_recovery, "FULL_SCAN_INTERVAL", 0.0)
    assert await recovery.recover() == 0
    assert sorted(queried) == sorted([old, young, old, young])


async def test_an_upload_that_an_outage_left_without_a_job_gets_it_in_the_next_scan(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(**_: object) -> object:
        raise DatabaseUnavailable("away")

    upload_id = await service.orphan()
    recovery = service.recovery()
    service.clock.ahead = 500.0
    with monkeypatch.context() as outage:
        outage.setattr(service.jobs, "create", unavailable)
        with pytest.raises(DatabaseUnavailable):
            await recovery.recover()
    service.clock.ahead = 1000.0
    assert await recovery.recover() == 1
    assert await service.jobs.of_upload(upload_id) is not None


async def test_an_unreadable_upload_does_not_stop_the_others(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    damaged, sound = await service.orphan(), await service.orphan()
    peek = service.blobs.peek
    service.clock.ahead = AFTER

    async def fails_for_one(key: BlobKey) -> BlobInfo:
        if key == upload_key(damaged):
            raise StorageUnavailable("meta.json is damaged")
        return await peek(key)

    recovery = service.recovery()
    with monkeypatch.context() as broken:
        broken.setattr(service.blobs, "peek", fails_for_one)
        assert await recovery.recover() == 1
        assert await recovery.recover() == 0
    assert await service.jobs.of_upload(sound) is not None
    assert await service.jobs.of_upload(damaged) is None
    assert caplog.text.count(f"upload {damaged} has no job and cannot be read: meta.json") == 1
    # And it is checked again in the next scan
    service.clock.ahead = 2 * AFTER
    assert await recovery.recover() == 1
    assert await service.jobs.of_upload(damaged) is not None


async def test_a_running_processor_recovers_orphans(service: Service, tmp_path: Path) -> None:
    settings = WorkSettings(
        orphan_recovery_interval=0.02, orphan_recovery_after=0.0, scratch_dir=tmp_path / "scratch"
    )
    upload_id = await service.orphan()

    async def has_job() -> bool:
        return await service.jobs.of_upload(upload_id) is not None

    async with processing(settings, service.ports, Metrics("processor")):
        await until(has_job)


async def test_an_orphan_past_its_ttl_gets_its_job_before_the_first_sweep(
    service: Service,
) -> None:
    # All processors were down for longer than an unused upload is kept.
    orphan, part = await service.orphan(), await service.orphan(missing=1)
    service.clock.ahead = 2 * WorkSettings().upload_ttl
    settings = WorkSettings(
        sweep_interval=0.01, orphan_recovery_interval=3600, orphan_recovery_after=AFTER
    )

    async def is_swept() -> bool:
        try:
            await service.blobs.peek(upload_key(part))
        except BlobNotFound:
            return True
        return False

    async with processing(settings, service.ports, Metrics("processor")):
        await until(is_swept)
    assert await service.jobs.of_upload(orphan) is not None
    assert (await service.blobs.peek(upload_key(orphan))).complete


@pytest.mark.parametrize(
    "prefix", ["CSVMILL_ORPHAN_RECOVERY_", "CSVMILL_ADOPT_"], ids=["current", "former"]
)
def test_settings_are_read_from_their_current_and_former_names(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    monkeypatch.setenv(f"{prefix}INTERVAL", "7")
    monkeypatch.setenv(f"{prefix}AFTER", "3")
    settings = WorkSettings()
    assert (settings.orphan_recovery_interval, settings.orphan_recovery_after) == (7.0, 3.0)


async def test_an_orphan_that_becomes_no_job_is_recorded(service: Service) -> None:
    upload_id = await service.orphan(metadata={JOB: NONE, KEEP: "1000"})
    service.clock.ahead = AFTER + 1
    assert await service.recovery().recover() == 0
    assert await service.jobs.of_upload(upload_id) is None
    (dataset,) = await service.jobs.datasets.listed(DEFAULT_TENANT, limit=9)
    blob = await service.blobs.peek(upload_key(upload_id))
    assert blob.completed_at is not None
    assert (dataset.upload_id, dataset.version) == (upload_id, blob.version)
    assert dataset.keep_until == blob.completed_at + 1000
    # Being checked is no use.
    async with service.blobs.walk("uploads") as found:
        assert [activity.idle > AFTER async for activity in found] == [True]


async def test_an_orphan_that_is_kept_becomes_a_job_and_is_kept(service: Service) -> None:
    upload_id = await service.orphan(metadata={KEEP: "inf"})
    service.clock.ahead = AFTER + 1
    assert await service.recovery().recover() == 1
    assert await service.jobs.of_upload(upload_id) is not None
    dataset = await service.jobs.datasets.get(upload_id)
    assert dataset is not None
    assert dataset.keep_until == FOR_EVER
