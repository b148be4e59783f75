"""Publishes the wake-up of a job and stamps the job's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.jobs.wake_up import WakeUp
    from shared.ports import Bus, JobMessages


async def publish_wake_up(
    bus: Bus, jobs: JobMessages, wakeup: WakeUp, clock: Callable[[], float]
) -> None:
    """Publish a wake-up, and stamp the job's row once the broker has confirmed it.

    `clock` returns Unix seconds. Raises BrokerUnavailable or DatabaseUnavailable; the relay
    publishes again for a job without a stamp.
    """
    await bus.publish(wakeup)
    await jobs.mark_published(wakeup.job_id, clock())
