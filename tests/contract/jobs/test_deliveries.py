"""Deliveries: created with the success of their job, which is announced when they end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.errors import LeaseLost
from shared.jobs.delivery import DeliveryState
from shared.jobs.notification import NotificationFilter
from tests.contract.job_stores import result_of
from tests.contract.jobs.steps import claim
from tests.contract.jobs.test_datasets import input_of, request_of

if TYPE_CHECKING:
    from shared.jobs.delivery import Delivery
    from shared.jobs.job import Job
    from shared.jobs.store import SqlJobStore

TARGET = "s3://results/default/a.csv"


async def succeeded(store: SqlJobStore) -> Job:
    request = replace(
        request_of(input_of(uuid4())), output_to=TARGET, notify=("https://hooks.example/x",)
    )
    job = await store.ask(request, now=5.0)
    assert (job.output_to, job.output_state) == (TARGET, "PENDING")
    started = await claim(store, job)
    assert started is not None
    await store.succeed(job.id, started.attempt, result_of(job.id, started.attempt), now=20.0)
    return started


async def taken(store: SqlJobStore, now: float) -> Delivery:
    delivery = await store.deliveries.take(held_until=now + 10, now=now)
    assert delivery is not None
    return delivery


async def announced(store: SqlJobStore) -> int:
    return len(await store.notifications.newest(NotificationFilter(), limit=10))


async def test_a_success_has_one_delivery_and_is_announced_when_it_ends(store: SqlJobStore) -> None:
    job = await succeeded(store)
    delivery = await taken(store, 21.0)
    assert (delivery.job_id, delivery.url) == (job.id, TARGET)
    assert await announced(store) == 0

    await store.deliveries.end(delivery, DeliveryState.DELIVERED, None, now=22.0)

    assert (await store.get(job.id)).output_state == "DELIVERED"
    assert await announced(store) == 1
    assert await store.deliveries.take(held_until=1e9, now=1e8) is None


async def test_a_delivery_is_taken_from_a_holder_whose_lease_has_run_out(
    store: SqlJobStore,
) -> None:
    job = await succeeded(store)
    first = await taken(store, 21.0)
    await store.deliveries.renew(first, held_until=40.0)
    assert await store.deliveries.take(held_until=50.0, now=39.0) is None
    second = await taken(store, 41.0)
    for late in (
        store.deliveries.renew(first, held_until=60.0),
        store.deliveries.end(first, DeliveryState.DELIVERED, None, now=42.0),
        store.deliveries.postpone(first, due_at=0.0, failures=1, reason="x"),
    ):
        with pytest.raises(LeaseLost):
            await late

    await store.deliveries.postpone(second, due_at=60.0, failures=1, reason="away")
    third = await taken(store, 60.0)
    await store.deliveries.end(third, DeliveryState.FAILED, "no", now=61.0)

    assert third.failures == 1
    shown = await store.get(job.id)
    assert (shown.output_state, shown.output_reason) == ("FAILED", "no")
    assert await announced(store) == 1
    await store.deliveries.remove_old()
