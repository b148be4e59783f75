"""Recovery is measured from the kill of a worker to the next attempt of its job."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from uuid import UUID

from tests.chaos.evidence import AttemptRow, Evidence
from tests.chaos.fault_injector import Injection
from tests.chaos.report import Report
from tests.chaos.schedule import Fault
from tests.chaos.test_invariants import job_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.evidence import JobRow

HELD, DONE, LATER = (UUID(int=n) for n in range(3))


def report(*injections: Injection, jobs: Sequence[JobRow] = ()) -> Report:
    attempts = [
        # Held by worker `a`, which is killed at 10, and claimed by `b` at 13.5
        AttemptRow(HELD, 1, "a", 8.0, 13.5, "lost", None),
        AttemptRow(HELD, 2, "b", 13.5, 15.0, "success", None),
        # Finished by `a` before, began by another afterwards: none of that was recovered
        AttemptRow(DONE, 1, "a", 7.0, 9.0, "success", None),
        AttemptRow(LATER, 1, "c", 11.0, 12.0, "lost", None),
        AttemptRow(LATER, 2, "b", 12.0, 13.0, "success", None),
    ]
    return Report(
        seed=1,
        minutes=1.0,
        injections=injections,
        evidence=Evidence([], jobs, attempts, {}),
        links={},
        counters=Counter(),
        settled_in=0.0,
        swept_in=0.0,
        swept=0,
    )


KILL = Injection(Fault.KILL, "processor-1", 10.0, 11.0, "a")


def test_recovery_is_measured_from_the_kill_to_the_next_attempt() -> None:
    assert report(KILL).recoveries(Fault.KILL) == [3.5]
    assert report(KILL).recoveries(Fault.TERMINATE) == []
    assert report(KILL).kills == 1
    assert "p50 3.50, p95 3.50, max 3.50 (of 1)" in report(KILL).table()


def test_a_job_that_only_its_client_can_retry_is_not_a_recovery() -> None:
    for max_attempts, expected in ((1, []), (2, [3.5])):
        held = job_row(HELD, "held", "SUCCESS", 2, 0, max_attempts=max_attempts)
        assert report(KILL, jobs=[held]).recoveries(Fault.KILL) == expected


def test_a_recovery_during_an_outage_is_not_calm() -> None:
    for target in ("database", "broker", "processor-2>database"):
        outage = Injection(Fault.PAUSE, target, 12.0, 20.0)
        assert report(KILL, outage).recoveries(Fault.KILL) == [3.5]
        assert report(KILL, outage).recoveries(Fault.KILL, calm=True) == []
    later = Injection(Fault.PAUSE, "database", 14.0, 20.0)
    elsewhere = Injection(Fault.KILL, "gateway-1", 10.0, 12.0)
    assert report(KILL, later, elsewhere).recoveries(Fault.KILL, calm=True) == [3.5]
