"""The contract of `Notifications`: the outbox of the outcomes of jobs, on each database."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.access.acting import Acting, acts_as
from shared.access.audit import Action, AuditFilter
from shared.access.tenant import Tenant
from shared.errors import LeaseLost, NotificationNotFound
from shared.jobs.job import JobState
from shared.jobs.notification import (
    TYPES,
    Notification,
    NotificationFilter,
    NotificationState,
    NotificationType,
    WaitingNotifications,
)
from tests.contract.job_stores import make_job, open_store, result_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

URLS = ("https://a.example/hook?key=1", "https://b.example/")
ACME = Tenant("acme")


async def succeed(store: SqlJobStore, job: Job) -> None:
    await store.claim(job.id, worker="w", lease_until=2.0, now=1.0)
    await store.succeed(job.id, 1, result_of(job.id, 1), now=5.0)


async def fail_for_good(store: SqlJobStore, job: Job) -> None:
    await store.claim(job.id, worker="w", lease_until=2.0, now=1.0)
    await store.fail(job.id, 1, "malformed", final=True, now=5.0)


async def fail_the_last_time(store: SqlJobStore, job: Job) -> None:
    for number in range(1, job.max_attempts + 1):
        await store.claim(job.id, worker="w", lease_until=2.0, now=1.0)
        assert not await everything(store)
        await store.fail(job.id, number, "crashed", final=False, now=5.0)


async def lose_the_last_attempt(store: SqlJobStore, job: Job) -> None:
    for _ in range(job.max_attempts):
        await store.claim(job.id, worker="killed", lease_until=2.0, now=1.0)
        await store.claim(job.id, worker="killed", lease_until=4.0, now=3.0)
    await store.claim(job.id, worker="finder", lease_until=9.0, now=5.0)


async def cancel(store: SqlJobStore, job: Job) -> None:
    await store.cancel(job.id, now=5.0)


async def cancel_while_it_runs(store: SqlJobStore, job: Job) -> None:
    await store.claim(job.id, worker="w", lease_until=2.0, now=1.0)
    await store.cancel(job.id, now=5.0)


OUTCOMES = {
    succeed: NotificationType.SUCCEEDED,
    fail_for_good: NotificationType.FAILED,
    fail_the_last_time: NotificationType.FAILED,
    lose_the_last_attempt: NotificationType.FAILED,
    cancel: NotificationType.CANCELLED,
    cancel_while_it_runs: NotificationType.CANCELLED,
}


async def everything(store: SqlJobStore) -> Sequence[Notification]:
    return await store.notifications.newest(NotificationFilter(), limit=100)


async def made(store: SqlJobStore, count: int = 1, tenant: Tenant = ACME) -> list[Notification]:
    """Make notifications of cancelled jobs, at the times 10, 11, ...; the oldest first."""
    for number in range(count):
        job = await make_job(store, tenant=tenant, notify=URLS[:1])
        await store.cancel(job.id, now=10.0 + number)
    wanted = NotificationFilter(tenant=tenant)
    return list(reversed(await store.notifications.newest(wanted, limit=count)))


async def take(
    store: SqlJobStore, now: float, *, limit: int = 10, but: Sequence[Tenant] = ()
) -> Sequence[Notification]:
    return await store.notifications.take(now=now, held_until=now + 30.0, limit=limit, but=but)


async def test_the_urls_of_a_job_are_kept(store: SqlJobStore) -> None:
    job = await make_job(store, notify=URLS)
    assert job.notify == URLS
    assert (await store.get(job.id)).notify == URLS
    assert (await make_job(store)).notify == ()


@pytest.mark.parametrize(
    ("outcome", "type_"), OUTCOMES.items(), ids=[outcome.__name__ for outcome in OUTCOMES]
)
async def test_each_outcome_is_stored_for_each_url(
    store: SqlJobStore,
    outcome: Callable[[SqlJobStore, Job], Awaitable[None]],
    type_: NotificationType,
) -> None:
    job = await make_job(store, tenant=ACME, notify=URLS, max_attempts=2)
    await outcome(store, job)
    assert (await store.get(job.id)).state.terminal
    found = await everything(store)
    assert sorted(each.url for each in found) == sorted(URLS)
    assert len({each.id for each in found}) == 2
    for each in found:
        assert each.id.startswith("msg_")
        assert each == Notification(
            each.id, job.id, ACME, each.url, type_, 5.0, NotificationState.PENDING, 0, 0, 5.0
        )


async def test_nothing_is_stored_for_a_job_without_urls(store: SqlJobStore) -> None:
    for outcome in OUTCOMES:
        await outcome(store, await make_job(store, max_attempts=2))
    assert not await everything(store)


async def test_an_outcome_that_is_refused_stores_nothing(store: SqlJobStore) -> None:
    job = await make_job(store, notify=URLS)
    await store.claim(job.id, worker="slow", lease_until=2.0, now=1.0)
    await store.claim(job.id, worker="next", lease_until=9.0, now=3.0)
    with pytest.raises(LeaseLost):
        await store.succeed(job.id, 1, result_of(job.id, 1), now=4.0)
    with pytest.raises(LeaseLost):
        await store.fail(job.id, 1, "why", final=True, now=4.0)
    assert not await everything(store)


async def test_a_repeated_outcome_is_stored_once(store: SqlJobStore) -> None:
    job = await make_job(store, notify=URLS[:1])
    await store.claim(job.id, worker="w", lease_until=2.0, now=1.0)
    for now in (5.0, 6.0):
        await store.succeed(job.id, 1, result_of(job.id, 1), now=now)
    await store.cancel(job.id, now=7.0)
    assert [each.created_at for each in await everything(store)] == [5.0]


async def test_a_retried_job_has_a_notification_of_each_outcome(store: SqlJobStore) -> None:
    job = await make_job(store, notify=URLS[:1], max_attempts=1)
    await fail_for_good(store, job)
    await store.retry(job.id)
    await store.claim(job.id, worker="w", lease_until=9.0, now=6.0)
    await store.succeed(job.id, 2, result_of(job.id, 2), now=7.0)
    found = await everything(store)
    assert [each.type for each in found] == [NotificationType.SUCCEEDED, NotificationType.FAILED]
    assert found[0].id != found[1].id


async def test_the_longest_due_are_taken_first_and_then_held(store: SqlJobStore) -> None:
    first, second, third = await made(store, 3)
    assert not await take(store, 9.9)
    assert [each.id for each in await take(store, 20.0, limit=2)] == [first.id, second.id]
    (taken,) = await take(store, 20.0)
    assert taken == replace(third, attempts=1, due_at=50.0)
    assert not await take(store, 49.9)


async def test_one_that_was_taken_and_not_recorded_is_taken_again(store: SqlJobStore) -> None:
    (one,) = await made(store)
    for attempts, now in enumerate((10.0, 40.0, 70.0), start=1):
        (taken,) = await take(store, now)
        assert (taken.id, taken.attempts, taken.failures) == (one.id, attempts, 0)


async def test_those_of_tenants_that_are_busy_are_left(store: SqlJobStore) -> None:
    await made(store, 2)
    (other,) = await made(store, 1, Tenant("other"))
    (left,) = await take(store, 20.0, but=[ACME, Tenant("oth")])
    assert left.id == other.id
    assert {each.tenant for each in await take(store, 20.0)} == {ACME}


async def test_each_is_taken_once_by_concurrent_processors(url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(url)) for _ in range(4)]
        expected = {each.id for each in await made(stores[0], 12)}
        taken: list[str] = []

        async def take_all(store: SqlJobStore) -> None:
            while found := await take(store, 100.0, limit=2):
                taken.extend(each.id for each in found)

        # A call may get none while another holds the same rows, so some remain for the end.
        await asyncio.gather(*map(take_all, stores))
        await take_all(stores[0])
    assert len(taken) == 12
    assert set(taken) == expected


async def test_a_delivered_one_is_not_due_any_more(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    await store.notifications.delivered(taken, status=204, now=11.0)
    assert not await take(store, 1e9)
    (found,) = await everything(store)
    assert found == replace(
        taken, state=NotificationState.DELIVERED, ended_at=11.0, status=204, due_at=40.0
    )


async def test_a_postponed_one_is_due_at_its_time(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    assert await store.notifications.postpone(taken, "HTTP 503\0", status=503, due_at=500.0)
    assert not await take(store, 499.0)
    (again,) = await take(store, 500.0)
    assert (again.id, again.attempts, again.failures) == (taken.id, 2, 1)
    assert (again.status, again.error) == (503, "HTTP 503\\x00")


async def test_one_that_was_given_up_waits_for_an_operator(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    assert await store.notifications.give_up(taken, "gone", status=None, now=11.0)
    assert not await take(store, 1e9)
    (found,) = await everything(store)
    assert (found.state, found.ended_at, found.error) == (NotificationState.FAILED, 11.0, "gone")
    again = await store.notifications.retry(found.id, now=12.0)
    assert (again.id, again.state, again.failures) == (found.id, NotificationState.PENDING, 0)
    (taken,) = await take(store, 12.0)
    assert (taken.id, taken.attempts, taken.ended_at) == (found.id, 2, None)


async def test_a_failure_counts_only_for_who_holds_the_notification(store: SqlJobStore) -> None:
    await made(store)
    (late,) = await take(store, 10.0)
    (current,) = await take(store, 40.0)
    assert not await store.notifications.postpone(late, "late", status=None, due_at=50.0)
    assert not await store.notifications.give_up(late, "late", status=None, now=50.0)
    (found,) = await everything(store)
    assert found == current


async def test_a_delivery_counts_however_late_it_is_recorded(store: SqlJobStore) -> None:
    await made(store)
    (late,) = await take(store, 10.0)
    (current,) = await take(store, 40.0)
    await store.notifications.delivered(late, status=200, now=41.0)
    assert not await store.notifications.postpone(current, "reset", status=None, due_at=50.0)
    (found,) = await everything(store)
    assert (found.state, found.status, found.error) == (NotificationState.DELIVERED, 200, None)


async def test_only_one_that_was_given_up_is_retried(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    assert await store.notifications.retry(taken.id, now=11.0) == taken
    await store.notifications.delivered(taken, status=200, now=12.0)
    assert (await store.notifications.retry(taken.id, now=13.0)).ended_at == 12.0
    for unknown in ("msg_0", "msg_\0", "msg_\udc80"):  # no database stores the last two
        with pytest.raises(NotificationNotFound):
            await store.notifications.retry(unknown, now=13.0)


async def test_another_tenants_notification_does_not_exist(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    await store.notifications.give_up(taken, "gone", status=410, now=11.0)
    with pytest.raises(NotificationNotFound):
        await store.notifications.retry(taken.id, now=12.0, tenant=Tenant("other"))
    again = await store.notifications.retry(taken.id, now=12.0, tenant=ACME)
    assert again.state is NotificationState.PENDING


async def test_who_retries_one_is_recorded(store: SqlJobStore) -> None:
    await made(store)
    (taken,) = await take(store, 10.0)
    await store.notifications.give_up(taken, "gone", status=410, now=11.0)
    with acts_as(Acting(ACME, "k1", "10.0.0.1")):
        await store.notifications.retry(taken.id, now=12.0)
        await store.notifications.retry(taken.id, now=13.0)
    found = await store.access.audit.entries(AuditFilter(object=taken.id), limit=9)
    assert [(each.action, each.at, each.key_id) for each in found] == [
        (Action.NOTIFICATION_RETRIED, 12.0, "k1")
    ]


async def test_lists_are_filtered_and_in_pages(store: SqlJobStore) -> None:
    ours = await made(store, 5)
    theirs = await made(store, 2, Tenant("other"))
    taken = await take(store, 10.5)
    await store.notifications.give_up(taken[0], "gone", status=410, now=11.0)
    seen, before = [], None
    while page := await store.notifications.newest(
        NotificationFilter(tenant=ACME, before=before), limit=2
    ):
        seen += [each.id for each in page]
        before = (page[-1].created_at, page[-1].id)
    assert seen == [each.id for each in reversed(ours)]
    assert len(await everything(store)) == len(ours) + len(theirs)
    failed = NotificationFilter(state=NotificationState.FAILED)
    assert [each.id for each in await store.notifications.newest(failed, limit=9)] == [taken[0].id]
    of_job = NotificationFilter(job_id=ours[3].job_id)
    assert [each.id for each in await store.notifications.newest(of_job, limit=9)] == [ours[3].id]


async def test_those_that_wait_are_counted_up_to_a_limit(store: SqlJobStore) -> None:
    assert await store.notifications.waiting(limit=9) == WaitingNotifications(0, 0, None)
    await made(store, 4)
    first, second = await take(store, 11.0)
    await store.notifications.give_up(first, "gone", status=410, now=12.0)
    await store.notifications.delivered(second, status=200, now=12.0)
    assert await store.notifications.waiting(limit=9) == WaitingNotifications(2, 1, 12.0)
    assert await store.notifications.waiting(limit=1) == WaitingNotifications(1, 1, 12.0)


async def test_those_that_have_ended_are_removed_after_a_time(store: SqlJobStore) -> None:
    *_, waiting = await made(store, 4)
    taken = await take(store, 12.0)
    await store.notifications.delivered(taken[0], status=200, now=20.0)
    await store.notifications.give_up(taken[1], "gone", status=410, now=21.0)
    await store.notifications.delivered(taken[2], status=200, now=22.0)
    assert await store.notifications.remove_ended(before=22.0, limit=1) == 1
    assert await store.notifications.remove_ended(before=22.0, limit=9) == 1
    assert await store.notifications.remove_ended(before=22.0, limit=9) == 0
    assert [each.id for each in await everything(store)] == [waiting.id, taken[2].id]


async def test_a_state_has_its_type() -> None:
    # By the documentation of webhooks, for all states in which a job has ended.
    assert {state.value: type_.value for state, type_ in TYPES.items()} == {
        "SUCCESS": "job.succeeded",
        "FAILURE": "job.failed",
        "REVOKED": "job.cancelled",
    }
    assert set(TYPES) == {state for state in JobState if state.terminal}
