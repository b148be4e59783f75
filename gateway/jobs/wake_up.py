"""Wakes a processor up for a job that was made or put back."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.errors import BrokerUnavailable, DatabaseUnavailable
from shared.jobs.wake_up import WakeUp

if TYPE_CHECKING:
    from gateway.events import GatewayEvents
    from gateway.keys import GatewayPorts
    from shared.jobs.job import Job


async def publish_wake_up(ports: GatewayPorts, job: Job, events: GatewayEvents) -> None:
    """Publish a wake-up, and stamp the job once the broker has it.

    What stays unstamped, the processors' relay announces. So a broker that is away delays a job
    and loses none.
    """
    try:
        await ports.bus.publish(WakeUp(job.id))
        await ports.jobs.mark_published(job.id, time.time())
    except (BrokerUnavailable, DatabaseUnavailable) as error:
        events.left_to_relay(job, error)
