"""Jobs that are answered by what earlier ones have computed, and jobs that must not be."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from processor.attempt.answers import Answers, program_digest
from processor.attempt.run import JobRun
from processor.worker import Worker
from shared.access.tenant import DEFAULT_TENANT, Tenant
from shared.blobs.blob import preview_key, result_key
from shared.jobs.job import SONG_PLAYS, Job, JobState
from shared.jobs.job_input import JobInput
from shared.jobs.job_request import JobRequest
from shared.uploads.keys import key_of
from tests.unit.processor.conftest import INPUT, OUTPUT, Rig, once

if TYPE_CHECKING:
    from shared.blobs.blob import BlobKey

SHA = "ab" * 32


async def upload(rig: Rig, tenant: Tenant = DEFAULT_TENANT, sha256: str | None = None) -> JobInput:
    upload_id = uuid4()
    key = key_of(upload_id, tenant)
    await rig.blobs.create(key, len(INPUT))
    blob = await rig.blobs.write(key, 0, once(INPUT))
    return JobInput(upload_id, key, "plays.csv", len(INPUT), blob.version, sha256)


async def asked(
    rig: Rig, each: JobInput, *, cache: bool = True, tenant: Tenant = DEFAULT_TENANT
) -> Job:
    request = JobRequest(
        uuid4(), (each,), SONG_PLAYS, "asked", 3, "0" * 64, tenant=tenant, cache=cache
    )
    return await rig.jobs.ask(request, now=time.time())


def worker(rig: Rig, *, program: str = "1", enabled: bool = True) -> Worker:
    answers = Answers(rig.jobs, rig.blobs, program=program, enabled=enabled)
    return Worker(
        rig.jobs,
        rig.bus,
        JobRun(rig.blobs, rig.engine, rig.scratch, answers=answers),
        rig.settings,
        name="tester",
        clock=time.time,
        small_slots=1,
    )


async def done(rig: Rig, job: Job, **how: object) -> Job:
    await worker(rig, **how).handle(rig.delivery(job))  # type: ignore[arg-type]
    after = await rig.jobs.get(job.id)
    assert after.state is JobState.SUCCESS, after.reason
    return after


async def content(rig: Rig, key: BlobKey) -> bytes:
    async with rig.blobs.open(key) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_the_same_question_of_the_same_upload_is_answered_with_a_copy(rig: Rig) -> None:
    rig.engine.rejects, rig.engine.preview = b"rejects", b"preview"
    each = await upload(rig)
    first = await done(rig, await asked(rig, each))
    again = await done(rig, await asked(rig, each))
    assert rig.engine.runs == 1
    assert (first.cached_from, again.cached_from) == (None, first.id)
    assert again.result is not None
    assert first.result is not None
    assert again.result.key == result_key(again.id, 1)
    assert again.result.sha256 == first.result.sha256
    assert await content(rig, again.result.key) == OUTPUT
    assert again.result.rejects is not None
    assert again.result.rejects.key.startswith(again.result.key)
    assert await content(rig, again.result.rejects.key) == b"rejects"
    assert await content(rig, preview_key(again.id, 1)) == b"preview"
    assert again.report is not None
    assert first.report is not None
    assert again.report.rows == first.report.rows
    # The copy is its own: it stays when the first is deleted.
    await rig.blobs.delete(first.result.key)
    assert await content(rig, again.result.key) == OUTPUT


async def test_the_job_of_an_upload_answers_a_job_that_is_asked_of_it(rig: Rig) -> None:
    own = await done(rig, await rig.job())
    job = await rig.jobs.ask(
        JobRequest(uuid4(), own.inputs, SONG_PLAYS, "asked", 3, "0" * 64), now=time.time()
    )
    assert (await done(rig, job)).cached_from == own.id


async def test_uploads_with_the_same_digest_are_the_same_input(rig: Rig) -> None:
    first = await done(rig, await asked(rig, await upload(rig, sha256=SHA)))
    again = await done(rig, await asked(rig, await upload(rig, sha256=SHA)))
    assert again.cached_from == first.id


@pytest.mark.parametrize("other", ["tenant", "program", "digest", "upload", "off", "job"])
async def test_another_question_is_computed(rig: Rig, other: str) -> None:
    each = await upload(rig, sha256=None if other == "upload" else SHA)
    await done(rig, await asked(rig, each))
    if other == "tenant":
        tenant = Tenant("acme")
        again = await asked(rig, await upload(rig, tenant, SHA), tenant=tenant)
    elif other == "digest":
        again = await asked(rig, replace(await upload(rig), sha256="cd" * 32))
    elif other == "upload":
        again = await asked(rig, await upload(rig))
    else:
        again = await asked(rig, each, cache=other != "job")
    after = await done(
        rig, again, program="2" if other == "program" else "1", enabled=other != "off"
    )
    assert (after.cached_from, rig.engine.runs) == (None, 2)


@pytest.mark.parametrize("gone", ["expired", "deleted", "lost"])
async def test_a_result_that_is_not_kept_is_computed_again(rig: Rig, gone: str) -> None:
    each = await upload(rig)
    first = await done(rig, await asked(rig, each))
    assert first.result is not None
    if gone == "expired":
        await rig.jobs.expire_ended(first.id, now=time.time())
    elif gone == "deleted":
        await rig.jobs.delete_result(first.id, now=time.time())
    else:
        # As if it expires and is swept between the look and the copy.
        await rig.blobs.delete(first.result.key)
    after = await done(rig, await asked(rig, each))
    assert (after.cached_from, rig.engine.runs) == (None, 2)


def test_what_a_result_depends_on_is_in_its_key(rig: Rig) -> None:
    answers = Answers(rig.jobs, rig.blobs, program="1")
    one = JobInput(UUID(int=1), key_of(UUID(int=1), DEFAULT_TENANT), "a.csv", 1, "v", SHA)
    base = Job(UUID(int=9), None, (one,), "a", SONG_PLAYS, JobState.STARTED, 1, 3, 0.0)
    renamed = replace(base, inputs=(replace(one, name="b.csv"),))
    pair = replace(base, inputs=(one, replace(one, name="b.csv")))
    keys = [
        answers.key(job)
        for job in (
            base,
            replace(base, aggregation=replace(SONG_PLAYS, limit=1)),
            replace(base, tenant=Tenant("acme")),
            replace(base, inputs=(replace(one, sha256=None),)),
            replace(base, inputs=(replace(one, sha256=None, version="w"),)),
            pair,
            replace(pair, inputs=pair.inputs[::-1]),
        )
    ]
    assert len(set(keys)) == len(keys)
    assert answers.key(renamed) == answers.key(base)
    assert Answers(rig.jobs, rig.blobs, program="2").key(base) != answers.key(base)


def test_the_program_is_known_by_its_digest() -> None:
    assert len(program_digest()) == 64


async def test_an_upload_that_was_deleted_and_sent_again_is_not_read_for_an_older_job(
    rig: Rig,
) -> None:
    each = await upload(rig)
    job = await asked(rig, each)
    await rig.blobs.delete(each.key)
    await rig.blobs.create(each.key, len(INPUT))
    await rig.blobs.write(each.key, 0, once(INPUT))
    await worker(rig).handle(rig.delivery(job))
    after = await rig.jobs.get(job.id)
    assert after.state is JobState.RETRY
    assert after.reason is not None
    assert f"upload {each.upload_id} (plays.csv) was deleted and sent again" in after.reason
    assert rig.engine.runs == 0


async def test_an_upload_that_is_replaced_while_it_is_read_gives_no_result(rig: Rig) -> None:
    each = await upload(rig)
    job = await asked(rig, each)
    rig.engine.may_write.clear()
    running = worker(rig).handle(rig.delivery(job))
    task = asyncio.create_task(running)
    await rig.engine.started.wait()
    await rig.blobs.delete(each.key)
    await rig.blobs.create(each.key, 3)
    rig.engine.may_write.set()
    await task
    after = await rig.jobs.get(job.id)
    assert (after.state, after.result) == (JobState.RETRY, None)
