"""The figures of a run, as a table."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.scenario import Plan
from tests.chaos.schedule import BROKER, DATABASE, TO_GATEWAY, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.chaos.evidence import AttemptRow, Evidence
    from tests.chaos.fault_injector import Injection
    from tests.chaos.proxy import Link


@dataclass(slots=True)
class Report:
    """The faults and findings of a run."""

    seed: int
    minutes: float
    injections: Sequence[Injection]
    evidence: Evidence
    links: Mapping[str, Link]
    counters: Counter[str]
    settled_in: float
    """Seconds from the last fault until every client had its result."""
    swept_in: float
    """Seconds from then until storage held only needed blobs."""
    swept: int
    """Blobs that sweepers removed."""
    head_starts: Counter[str] = field(default_factory=Counter)
    """How the head starts ended."""
    violations: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """The number of SIGKILLs."""
        return sum(injection.fault is Fault.KILL for injection in self.injections)

    def __str__(self) -> str:
        return "\n".join([self.table(), "", *self.violations])

    def table(self) -> str:
        """Return the figures as Markdown."""
        rows = [
            ("seed, minutes", f"{self.seed}, {self.minutes:g}"),
            *((f"**{fault.value}**", counts) for fault, counts in self._injections()),
            ("connections cut", f"{sum(link.cuts for link in self.links.values())}"),
            ("uploads, jobs", f"{len(self.evidence.scenarios)}, {len(self.evidence.jobs)}"),
            (
                "uploads by protocol",
                _counted(scenario.protocol for scenario in self.evidence.scenarios),
            ),
            *((f"{plan}", of_plan) for plan, of_plan in self._plans()),
            ("malformed files", f"{self._malformed()}"),
            (
                "failed jobs retried",
                f"{sum(scenario.retries for scenario in self.evidence.scenarios)}",
            ),
            (
                "answers that the disk is full",
                f"{sum(len(s.full_at) for s in self.evidence.scenarios)}",
            ),
            (
                "answers that the job has expired",
                f"{sum(s.expired for s in self.evidence.scenarios)}",
            ),
            ("dead letters", self._dead_letters()),
            ("head starts", _counted(self.head_starts.elements())),
            ("attempts", _counted(a.outcome or "open" for a in self.evidence.attempts)),
            ("job states", _counted(job.state for job in self.evidence.jobs)),
            ("MB through the gateways", f"{self._carried() / 1e6:.0f}"),
            ("seconds to recovery from SIGKILL in mid-job", _spread(self.recoveries(Fault.KILL))),
            (
                "... database and broker being there",
                _spread(self.recoveries(Fault.KILL, calm=True)),
            ),
            (
                "seconds to recovery from SIGTERM in mid-job",
                _spread(self.recoveries(Fault.TERMINATE)),
            ),
            ("seconds until all jobs ended", f"{self.settled_in:.1f}"),
            ("seconds until all was swept", f"{self.swept_in:.1f}"),
            ("blobs swept", f"{self.swept}"),
            *sorted((what, f"{times}") for what, times in self.counters.items()),
            ("**violations**", f"{len(self.violations)}"),
        ]
        return "\n".join(("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)))

    def recoveries(self, fault: Fault, *, calm: bool = False) -> list[float]:
        """Return the seconds from each fault of a worker that held a job to the next attempt.

        With `calm`, only recoveries without a fault of the database or the broker. Jobs with a
        single attempt are excluded: they wait for their clients to retry them.
        """
        waits = {job.id for job in self.evidence.jobs if job.max_attempts == 1}
        attempts = {(a.job_id, a.number): a for a in self.evidence.attempts}
        return [
            after.started_at - injection.began
            for injection in self.injections
            if injection.fault is fault and injection.worker
            for before in attempts.values()
            if _was_hit(before, injection)
            and not (before.outcome == "lost" and before.job_id in waits)
            and (after := attempts.get((before.job_id, before.number + 1)))
            and not (calm and self._outage(injection.began, after.started_at))
        ]

    def _outage(self, begin: float, end: float) -> bool:
        return any(
            injection.began < end
            and injection.over > begin
            and injection.target.rpartition(">")[2] in (DATABASE, BROKER)
            for injection in self.injections
        )

    def _injections(self) -> Iterator[tuple[Fault, str]]:
        for fault in Fault:
            targets = [
                _kind(injection.target) for injection in self.injections if injection.fault is fault
            ]
            if targets:
                yield fault, f"{len(targets)}: {_counted(targets)}"

    def _plans(self) -> Iterator[tuple[Plan, str]]:
        for plan in Plan:
            scenarios = [scenario for scenario in self.evidence.scenarios if scenario.plan is plan]
            done = sum(bool(scenario.cancelled) for scenario in scenarios)
            late = sum(scenario.cancelled is False for scenario in scenarios)
            yield (
                plan,
                f"{len(scenarios)}" + (f" ({done} in time, {late} late)" if done + late else ""),
            )

    def _dead_letters(self) -> str:
        letters = self.evidence.dead_letters
        failed = {job.id for job in self.evidence.jobs if job.state == "FAILURE"}
        still = len(failed.intersection(letters))
        return f"{len(letters)} of {len(set(letters))} jobs, {still} of which are still FAILURE"

    def _malformed(self) -> int:
        return sum(
            scenario.input.result is None and scenario.sends_everything
            for scenario in self.evidence.scenarios
        )

    def _carried(self) -> int:
        return sum(link.carried for name, link in self.links.items() if name in TO_GATEWAY)


def _was_hit(attempt: AttemptRow, injection: Injection) -> bool:
    return (
        attempt.worker == injection.worker
        and attempt.outcome in ("lost", "released")
        and attempt.started_at <= injection.began
        and attempt.ended_at is not None
        and attempt.ended_at >= injection.began
    )


def _kind(target: str) -> str:
    source, arrow, end = target.rpartition(">")
    return f"{arrow}{end.split('-')[0]}" if arrow else f"{source}{end}".split("-")[0]


def _counted(what: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(f"{times} {name}" for name, times in Counter(what).most_common())


def _spread(seconds: Sequence[float]) -> str:
    """Return p50, p95 (nearest rank), the maximum and the count."""
    if not seconds:
        return "none"
    ranked = sorted(seconds)
    p50, p95 = (ranked[math.ceil(part * len(ranked)) - 1] for part in (0.5, 0.95))
    return f"p50 {p50:.2f}, p95 {p95:.2f}, max {ranked[-1]:.2f} (of {len(ranked)})"
