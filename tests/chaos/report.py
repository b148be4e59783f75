"""The figures of a run, as a table."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.chaos.schedule import BROKER, DATABASE, TO_GATEWAY, Fault
from tests.chaos.story import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.chaos.evidence import AttemptRow, Evidence
    from tests.chaos.proxy import Link
    from tests.chaos.saboteur import Strike


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    seed: int
    minutes: float
    strikes: Sequence[Strike]
    evidence: Evidence
    links: Mapping[str, Link]
    happened: Counter[str]
    settled_in: float
    """Seconds from the end of the chaos until every client had its result."""
    swept_in: float
    """Seconds from then until nothing was kept any more that nobody needs."""
    swept: int
    """Blobs that sweepers removed."""
    violations: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """Processes and servers that got SIGKILL."""
        return sum(strike.fault is Fault.KILL for strike in self.strikes)

    def __str__(self) -> str:
        return "\n".join([self.table(), "", *self.violations])

    def table(self) -> str:
        """Markdown."""
        rows = [
            ("seed, minutes", f"{self.seed}, {self.minutes:g}"),
            *((f"**{fault.value}**", counts) for fault, counts in self._strikes()),
            ("connections cut", f"{sum(link.cuts for link in self.links.values())}"),
            ("uploads, jobs", f"{len(self.evidence.stories)}, {len(self.evidence.jobs)}"),
            ("uploads by dialect", _counted(story.dialect for story in self.evidence.stories)),
            *((f"{plan}", of_plan) for plan, of_plan in self._plans()),
            ("malformed files", f"{self._malformed()}"),
            ("failed jobs put back", f"{sum(story.retries for story in self.evidence.stories)}"),
            ("told that there is no room", f"{sum(len(s.full_at) for s in self.evidence.stories)}"),
            ("told that it has expired", f"{sum(s.expired for s in self.evidence.stories)}"),
            ("dead letters", self._dead_letters()),
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
            ("seconds until all was settled", f"{self.settled_in:.1f}"),
            ("seconds until all was swept", f"{self.swept_in:.1f}"),
            ("blobs swept", f"{self.swept}"),
            *sorted((what, f"{times}") for what, times in self.happened.items()),
            ("**violations**", f"{len(self.violations)}"),
        ]
        return "\n".join(("| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)))

    def recoveries(self, fault: Fault, *, calm: bool = False) -> list[float]:
        """Seconds from hitting a worker that held a job until another attempt at it began.

        With `calm`, only where neither database nor broker was being hit meanwhile. Jobs that may
        not fail at all are left out: those wait for their clients.
        """
        waits = {job.id for job in self.evidence.jobs if job.max_attempts == 1}
        attempts = {(a.job_id, a.number): a for a in self.evidence.attempts}
        return [
            after.started_at - strike.begun
            for strike in self.strikes
            if strike.fault is fault and strike.worker
            for before in attempts.values()
            if _was_hit(before, strike)
            and not (before.outcome == "lost" and before.job_id in waits)
            and (after := attempts.get((before.job_id, before.number + 1)))
            and not (calm and self._outage(strike.begun, after.started_at))
        ]

    def _outage(self, begin: float, end: float) -> bool:
        return any(
            strike.begun < end
            and strike.over > begin
            and strike.target.rpartition(">")[2] in (DATABASE, BROKER)
            for strike in self.strikes
        )

    def _strikes(self) -> Iterator[tuple[Fault, str]]:
        for fault in Fault:
            struck = [_kind(strike.target) for strike in self.strikes if strike.fault is fault]
            if struck:
                yield fault, f"{len(struck)}: {_counted(struck)}"

    def _plans(self) -> Iterator[tuple[Plan, str]]:
        for plan in Plan:
            stories = [story for story in self.evidence.stories if story.plan is plan]
            done = sum(bool(story.cancelled) for story in stories)
            late = sum(story.cancelled is False for story in stories)
            yield (
                plan,
                f"{len(stories)}" + (f" ({done} in time, {late} late)" if done + late else ""),
            )

    def _dead_letters(self) -> str:
        letters = self.evidence.dead_letters
        failed = {job.id for job in self.evidence.jobs if job.state == "FAILURE"}
        still = len(failed.intersection(letters))
        return f"{len(letters)} of {len(set(letters))} jobs, {still} of which are FAILURE still"

    def _malformed(self) -> int:
        return sum(story.input.result is None and story.whole for story in self.evidence.stories)

    def _carried(self) -> int:
        return sum(link.carried for name, link in self.links.items() if name in TO_GATEWAY)


def _was_hit(attempt: AttemptRow, strike: Strike) -> bool:
    return (
        attempt.worker == strike.worker
        and attempt.outcome in ("lost", "released")
        and attempt.started_at <= strike.begun
        and attempt.ended_at is not None
        and attempt.ended_at >= strike.begun
    )


def _kind(target: str) -> str:
    source, arrow, end = target.rpartition(">")
    return f"{arrow}{end.split('-')[0]}" if arrow else f"{source}{end}".split("-")[0]


def _counted(what: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(f"{times} {name}" for name, times in Counter(what).most_common())


def _spread(seconds: Sequence[float]) -> str:
    """p50, p95 (nearest rank) and the greatest, of how many."""
    if not seconds:
        return "none"
    ranked = sorted(seconds)
    p50, p95 = (ranked[math.ceil(part * len(ranked)) - 1] for part in (0.5, 0.95))
    return f"p50 {p50:.2f}, p95 {p95:.2f}, max {ranked[-1]:.2f} (of {len(ranked)})"
