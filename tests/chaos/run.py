"""One run: the cluster, clients at work, chaos, quiet, and the verdict."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from tests.chaos.client import Client, look_again
from tests.chaos.cluster import RESULT_TTL, TOKEN, Cluster
from tests.chaos.evidence import gather_evidence
from tests.chaos.inputs import make_input
from tests.chaos.logs import swept, tracebacks
from tests.chaos.report import Report
from tests.chaos.saboteur import Saboteur
from tests.chaos.schedule import (
    GATEWAYS,
    STORAGE,
    STORAGE_DISK,
    Fault,
    link_name,
    schedule,
)
from tests.chaos.story import Story, new_story
from tests.chaos.verdict import violations
from tests.servers.postgres import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

CLIENTS = 6
SETTLE = 120.0
"""Seconds that clients have after the chaos until each has its result."""
SWEPT = 60.0
"""Seconds that sweepers and relays then have for what is left to be removed or dead-lettered."""

log = logging.getLogger("tests.chaos")


async def run(
    *, seed: int, minutes: float, folder: Path, postgres: PostgresServer, rabbit: RabbitServer
) -> Report:
    """Chaos for `minutes` on servers of its own; what came of it. Logs go to `folder`."""
    with fresh_database(postgres.url) as database_url, rabbit.fresh_vhost() as broker_url:
        cluster = Cluster(folder, postgres, rabbit)
        with _logged_to(cluster.logs / "chaos.log"):
            async with cluster.running(database_url, broker_url):
                report = await _run(cluster, database_url, broker_url, seed, minutes)
        (cluster.logs / "report.md").write_text(str(report))
    return report


async def _run(
    cluster: Cluster, database_url: str, broker_url: str, seed: int, minutes: float
) -> Report:
    loop = asyncio.get_running_loop()
    saboteur = Saboteur(cluster, database_url)
    stories: list[Story] = []
    happened: Counter[str] = Counter()
    over = asyncio.Event()
    numbers = count()

    async def work() -> None:
        while not over.is_set():
            number = next(numbers)
            story = new_story(seed, await asyncio.to_thread(make_input, seed, number))
            stories.append(story)
            draw = random.Random(f"{seed}/client/{number}")
            await Client(cluster.gateway_urls, draw, happened).carry_through(story)

    clients = [asyncio.create_task(work()) for _ in range(CLIENTS)]
    await saboteur.carry_out(schedule(seed, minutes * 60))
    log.info("the chaos is over")
    over.set()
    quiet = loop.time()
    _, late = await asyncio.wait(clients, timeout=SETTLE)
    settled_in = loop.time() - quiet
    log.info("settled after %.1f s, %d clients late", settled_in, len(late))
    for client in late:
        client.cancel()
    ends = await asyncio.gather(*clients, return_exceptions=True)
    await cluster.have_swept()
    port = cluster.links[link_name(GATEWAYS[0], STORAGE)].port
    evidence = await gather_evidence(
        database_url,
        broker_url,
        f"http://127.0.0.1:{port}",
        TOKEN,
        cluster.data,
        stories,
        patience=SWEPT,
        result_ttl=RESULT_TTL,
        disk_full=[
            (strike.begun, strike.over)
            for strike in saboteur.strikes
            if (strike.fault, strike.target) == (Fault.FILL, STORAGE_DISK)
        ],
    )
    swept_in = loop.time() - quiet - settled_in
    async with asyncio.timeout(SETTLE):
        await look_again(cluster.gateway_urls, stories, happened)
    await cluster.stop()
    return Report(
        seed=seed,
        minutes=minutes,
        strikes=saboteur.strikes,
        evidence=evidence,
        links=cluster.links,
        happened=happened,
        settled_in=settled_in,
        swept_in=swept_in,
        swept=swept(cluster.logs),
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
