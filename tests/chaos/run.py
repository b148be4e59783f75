"""One run: start the cluster, run clients and faults, let it settle, check the invariants."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import contextmanager
from itertools import count
from operator import attrgetter
from typing import TYPE_CHECKING

from tests.chaos.client import Client, check_final_states
from tests.chaos.cluster import RESULT_TTL, TOKEN, Cluster
from tests.chaos.evidence import gather_evidence
from tests.chaos.fault_injector import FaultInjector
from tests.chaos.inputs import make_input
from tests.chaos.invariants import violations
from tests.chaos.logs import head_starts, swept, tracebacks
from tests.chaos.report import Report
from tests.chaos.scenario import Scenario, new_scenario
from tests.chaos.schedule import (
    GATEWAYS,
    OBJECTS,
    STORAGE,
    STORAGE_DISK,
    Fault,
    faults_of_replicas,
    link_name,
    overtime,
    schedule,
)
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.object_storage import ObjectStorage
    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

CLIENTS = 6
SETTLE = 120.0
"""Seconds, after the last fault, until each client must have its result."""
LONGEST_OVERTIME = 120.0
"""Seconds for which a run continues, at most, if too few jobs have succeeded."""
SWEPT = 60.0
"""Seconds that sweepers and relays have after that to finish."""

log = logging.getLogger("tests.chaos")


async def run(
    *,
    seed: int,
    minutes: float,
    folder: Path,
    postgres: PostgresServer,
    rabbit: RabbitServer,
    objects: ObjectStorage | None = None,
    successes: int = 0,
) -> Report:
    """Run for `minutes` on private servers; logs go to `folder`.

    With `objects`, which has the bucket `tests.blob_backends.BUCKET`, two storage servers.

    On a busy machine the run continues, with faults, until `successes` jobs have succeeded and two
    workers were killed while they held jobs.
    """
    with fresh_database(postgres.url) as database_url, rabbit.fresh_vhost() as broker_url:
        cluster = Cluster(folder, postgres, rabbit, objects)
        with _logged_to(cluster.logs / "chaos.log"):
            async with cluster.running(database_url, broker_url):
                report = await _run(cluster, database_url, broker_url, seed, minutes, successes)
        (cluster.logs / "report.md").write_text(str(report))
    return report


async def _run(
    cluster: Cluster,
    database_url: str,
    broker_url: str,
    seed: int,
    minutes: float,
    successes: int,
) -> Report:
    loop = asyncio.get_running_loop()
    injector = FaultInjector(cluster, database_url)
    scenarios: list[Scenario] = []
    counters: Counter[str] = Counter()
    over = asyncio.Event()
    numbers = count()
    several = OBJECTS in cluster.servers

    async def work() -> None:
        while not over.is_set():
            number = next(numbers)
            file = await asyncio.to_thread(make_input, seed, number)
            scenario = new_scenario(seed, file, servers_are_lost=several)
            scenarios.append(scenario)
            draw = random.Random(f"{seed}/client/{number}")
            await Client(cluster.gateway_urls, draw, counters).run(scenario)

    def enough() -> bool:
        done = sum(scenario.state == "SUCCESS" for scenario in scenarios)
        return done >= successes and (not successes or injector.workers_killed_with_a_job > 1)

    clients = [asyncio.create_task(work()) for _ in range(CLIENTS)]
    end = minutes * 60
    actions = schedule(seed, end)
    if several:
        actions = sorted([*actions, *faults_of_replicas(seed, end)], key=attrgetter("at"))
    await injector.run(actions, overtime(seed, end, end + LONGEST_OVERTIME), enough)
    log.info("the last fault is over")
    over.set()
    quiet = loop.time()
    _, late = await asyncio.wait(clients, timeout=SETTLE)
    settled_in = loop.time() - quiet
    log.info("settled after %.1f s, %d clients late", settled_in, len(late))
    for client in late:
        client.cancel()
    ends = await asyncio.gather(*clients, return_exceptions=True)
    await cluster.sweep_everything()
    port = cluster.links[link_name(GATEWAYS[0], STORAGE)].port
    evidence = await gather_evidence(
        database_url,
        broker_url,
        cluster.storage_urls if several else [f"http://127.0.0.1:{port}"],
        TOKEN,
        None if several else cluster.data,
        scenarios,
        timeout=SWEPT,
        result_ttl=RESULT_TTL,
        disk_full=[
            (injection.began, injection.over)
            for injection in injector.injections
            if (injection.fault, injection.target) == (Fault.FILL, STORAGE_DISK)
        ],
    )
    swept_in = loop.time() - quiet - settled_in
    async with asyncio.timeout(SETTLE):
        await check_final_states(cluster.gateway_urls, scenarios, counters)
    await cluster.stop()
    return Report(
        seed=seed,
        minutes=minutes,
        injections=injector.injections,
        evidence=evidence,
        links=cluster.links,
        counters=counters,
        settled_in=settled_in,
        swept_in=swept_in,
        swept=swept(cluster.logs),
        head_starts=head_starts(cluster.logs),
        violations=[
            *violations(evidence),
            *cluster.defects,
            *cluster.leftovers(),
            *tracebacks(cluster.logs),
            *(f"a client ended with {end!r}" for end in ends if isinstance(end, Exception)),
        ],
    )


@contextmanager
def _logged_to(path: Path) -> Iterator[None]:
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    parent = logging.getLogger("tests.chaos")
    parent.addHandler(handler)
    parent.setLevel(logging.INFO)
    parent.propagate = False
    try:
        yield
    finally:
        parent.propagate = True
        parent.removeHandler(handler)
        handler.close()
