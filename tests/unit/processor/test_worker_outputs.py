"""The worker stores result, rejects and preview, and removes what is not needed."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from processor.attempt.run import JobRun
from processor.maintenance.sweeper import Sweeper
from shared.blobs.blob import RESULTS, preview_key, rejects_key, result_key
from shared.errors import StorageFull
from shared.jobs.job import JobRejects
from tests.unit.processor.conftest import OUTPUT

if TYPE_CHECKING:
    from shared.blobs.blob import BlobInfo, BlobKey
    from tests.unit.processor.conftest import Rig


async def test_rejects_are_stored_beside_the_result_and_the_job_points_to_both(rig: Rig) -> None:
    rig.engine.rejects = b"line,offset,column,reason,record\n2,9,1,a,b\n"
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    result = (await rig.jobs.get(job.id)).result
    assert result is not None
    assert result.rejects == JobRejects(
        rejects_key(job.id, 1),
        len(rig.engine.rejects),
        hashlib.sha256(rig.engine.rejects).hexdigest(),
    )
    for key, content in ((result.key, OUTPUT), (result.rejects.key, rig.engine.rejects)):
        async with rig.blobs.open(key) as pieces:
            assert b"".join([piece async for piece in pieces]) == content


class Killed(BaseException):
    """Stands for a SIGKILL of the worker."""


@pytest.mark.parametrize("where", ["before the result is stored", "before success is on record"])
async def test_the_sweeper_removes_the_rejects_of_a_killed_worker(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    rig.engine.rejects = b"line,offset,column,reason,record\n2,9,1,a,b\n"
    job = await rig.job()

    # Given an attempt whose worker is killed after it stored the rejects, without cleaning up
    async def killed(*_: object, **__: object) -> NoReturn:
        raise Killed

    with monkeypatch.context() as patch:
        write = rig.blobs.write

        async def write_but_no_result(key: BlobKey, *args: Any, **named: Any) -> BlobInfo:
            if key == result_key(job.id, 1):
                await killed()
            return await write(key, *args, **named)

        if where == "before the result is stored":
            patch.setattr(rig.blobs, "write", write_but_no_result)
        else:
            patch.setattr(rig.jobs, "succeed", killed)
        run = JobRun(rig.blobs, rig.engine, rig.scratch)
        now = time.time()
        claimed = await rig.jobs.claim(job.id, worker="killed", lease_until=now + 1, now=now)
        assert claimed is not None

        async def attempt() -> None:
            completed = await run.run(claimed, lambda _progress: None, queued=0.0)
            await rig.jobs.succeed(job.id, 1, completed.result, now=now)

        with pytest.raises(Killed):
            await attempt()
    assert (await rig.blobs.info(rejects_key(job.id, 1))).complete
    # When another worker finishes the job, and the sweeper runs
    await rig.worker(clock=lambda: now + 2).handle(rig.delivery(job))
    sweeper = Sweeper(
        rig.jobs, rig.blobs, upload_ttl=1e9, result_ttl=1e9, interval=1.0, clock=time.time, grace=0
    )
    await sweeper.sweep()
    # Then only the outputs to which the job points are left
    async with rig.blobs.walk(RESULTS) as found:
        kept = {activity.key async for activity in found}
    assert kept == {result_key(job.id, 2), rejects_key(job.id, 2)}
    result = (await rig.jobs.get(job.id)).result
    assert result is not None
    assert result.rejects is not None
    assert {result.key, result.rejects.key} == kept


async def test_a_preview_is_stored_beside_the_result_and_removed_with_it(rig: Rig) -> None:
    rig.engine.preview = b"Song,Date,Plays\na,b,1\n"
    job = await rig.job()
    await rig.worker().handle(rig.delivery(job))
    async with rig.blobs.open(preview_key(job.id, 1)) as pieces:
        assert b"".join([piece async for piece in pieces]) == rig.engine.preview
    info = await rig.blobs.info(preview_key(job.id, 1))
    assert info.sha256 == hashlib.sha256(rig.engine.preview).hexdigest()
    sweeper = Sweeper(
        rig.jobs, rig.blobs, upload_ttl=1e9, result_ttl=1e9, interval=1.0, clock=time.time, grace=0
    )
    await sweeper.sweep()
    assert await kept_results(rig) == {result_key(job.id, 1), preview_key(job.id, 1)}
    await rig.jobs.expire(finished_before=1e12, now=1e12, limit=1)
    await sweeper.sweep()
    assert await kept_results(rig) == set()


async def kept_results(rig: Rig) -> set[BlobKey]:
    async with rig.blobs.walk(RESULTS) as found:
        return {activity.key async for activity in found}


async def test_discarding_an_attempt_removes_its_result_rejects_and_preview(rig: Rig) -> None:
    job = await rig.job()
    run = JobRun(rig.blobs, rig.engine, rig.scratch)
    rig.engine.rejects = b"rejects"
    rig.engine.preview = b"preview"
    claimed = await rig.jobs.claim(job.id, worker="w", lease_until=1e12, now=time.time())
    assert claimed is not None
    await run.run(claimed, lambda _progress: None, queued=0.0)
    assert len(await kept_results(rig)) == 3
    await run.discard(claimed)
    assert await kept_results(rig) == set()


async def test_the_output_on_a_full_disk_is_removed_before_the_failure_is_recorded(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a disk that has space for the preview, but not for the result
    rig.engine.preview = b"a,2026-01-01,1\n"
    job = await rig.job(max_attempts=1)
    result = result_key(job.id, 1)
    write, fail = rig.blobs.write, rig.jobs.fail
    left: list[set[BlobKey]] = []

    async def full(key: BlobKey, *args: Any, **more: Any) -> Any:
        if key == result:
            raise StorageFull("no disk space left for blobs")
        return await write(key, *args, **more)

    async def recorded(*args: Any, **more: Any) -> Any:
        left.append(await kept_results(rig))
        return await fail(*args, **more)

    monkeypatch.setattr(rig.blobs, "write", full)
    monkeypatch.setattr(rig.jobs, "fail", recorded)
    await rig.worker().handle(rig.delivery(job))
    assert left == [set()]
    assert (await rig.jobs.get(job.id)).state == "FAILURE"
