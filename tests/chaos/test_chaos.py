"""A minute of chaos in every test run: no result is lost, duplicated or wrong."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

import pytest

from tests.chaos.__main__ import object_storage_of_chaos, replay_command
from tests.chaos.run import run
from tests.chaos.schedule import LEASE, OBJECTS, OTHER_STORAGE, STORAGE, Fault
from tests.conftest import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.servers.postgres import PostgresServer
    from tests.servers.rabbitmq import RabbitServer

SEED, MINUTES = 3, 1.0
"""Of the run that is part of `make test`."""
SUCCESSES = 10
"""Jobs that succeed in each run. On a busy machine it takes up to two minutes longer."""
LONG_SEED, LONG_MINUTES = 1, 2.0
"""Of the run that is part of `make long`."""
REPLICAS_SEED, REPLICAS_MINUTES = 6, 0.7
"""Of the run with two storage servers on object storage, which is part of `make long`."""
SLACK = 10.0
"""Seconds that a wake-up may take under load: one that is lost takes a minute and more."""


@pytest.mark.timeout(540)
@pytest.mark.parametrize(
    ("seed", "minutes"),
    [(SEED, MINUTES), pytest.param(LONG_SEED, LONG_MINUTES, marks=pytest.mark.long)],
)
async def test_every_promise_is_kept_whatever_is_killed_paused_or_cut_off(
    tmp_path: Path,
    killable_postgres: PostgresServer,
    killable_rabbit: RabbitServer,
    record_property: Callable[[str, object], None],
    seed: int,
    minutes: float,
) -> None:
    # When every kind of process is killed while clients upload and download
    report = await run(
        seed=seed,
        minutes=minutes,
        folder=tmp_path,
        postgres=killable_postgres,
        rabbit=killable_rabbit,
        successes=SUCCESSES,
    )
    # Then each upload has one job, each job one correct result, and all processes still run
    record_property(FIGURES, report.table())
    again = f"Logs: {tmp_path}/logs\nAgain: {replay_command(seed, minutes)}"
    assert not report.violations, f"{report}\n{again}"
    # And enough faults were injected, and enough jobs were done
    assert report.kills >= 15
    # Without the right to mount, no disk can be filled
    assert {injection.fault for injection in report.injections} | {Fault.FILL} == set(Fault)
    assert report.recoveries(Fault.KILL), "no worker was killed while it held a job"
    # And without other faults, the job of a killed worker ran again when its lease ended
    calm = report.recoveries(Fault.KILL, calm=True)
    assert not calm or median(calm) < LEASE + SLACK
    ended = Counter(job.state for job in report.evidence.jobs)
    assert ended["SUCCESS"] >= SUCCESSES
    assert ended["FAILURE"]
    assert ended["REVOKED"]
    assert report.swept


@pytest.mark.long
@pytest.mark.timeout(540)
async def test_every_promise_is_kept_by_two_storage_servers_on_object_storage(
    tmp_path: Path,
    killable_postgres: PostgresServer,
    killable_rabbit: RabbitServer,
    record_property: Callable[[str, object], None],
) -> None:
    # When each of them, and the object storage, is killed and paused too
    with object_storage_of_chaos() as objects:
        report = await run(
            seed=REPLICAS_SEED,
            minutes=REPLICAS_MINUTES,
            folder=tmp_path,
            postgres=killable_postgres,
            rabbit=killable_rabbit,
            objects=objects,
            successes=3,
        )
    # Then each upload has one job, and each job one correct result
    record_property(FIGURES, report.table())
    again = replay_command(REPLICAS_SEED, REPLICAS_MINUTES, replicas=True)
    assert not report.violations, f"{report}\nLogs: {tmp_path}/logs\nAgain: {again}"
    killed = {each.target for each in report.injections if each.fault is Fault.KILL}
    assert {STORAGE, OTHER_STORAGE, OBJECTS} <= killed
    assert Counter(job.state for job in report.evidence.jobs)["SUCCESS"] >= 3
