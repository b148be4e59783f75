"""`csvmill doctor`: what stands in the way of a run, and what to do about it."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from csvmill.client import AsyncClient, ClientError, Retries
from csvmill.commands.options import json_option, server_option
from csvmill.commands.outcomes import Exit, finish, show_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LITTLE = 1 << 30
"""Bytes of free disk below which a large result may not fit."""
SKEW = 60.0
"""Seconds by which clocks may differ before times of jobs and Retry-After confuse people."""
ANSWER = 10.0
"""Seconds that the server has to answer."""


class Verdict(StrEnum):
    """Of one check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found."""

    check: str
    verdict: Verdict
    found: str
    remedy: str | None = None


@click.command(short_help="Find out what stands in the way of a run.")
@server_option
@json_option
def doctor(server: str, as_json: bool) -> None:
    """Check versions, disk, and whether the server answers, is ready and has the right time.

    The exit code is 1 if a check failed; a warning is none.

    \b
    Example:
      csvmill doctor --server http://mill.example:8000
    """

    async def examine() -> list[Finding]:
        return [*_here(), *[finding async for finding in _there(server)]]

    findings = finish(examine())
    if as_json:
        show_json([asdict(finding) for finding in findings])
    else:
        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            console.print(f"[{_STYLES[finding.verdict]}]{finding.verdict:<4}[/]", end=" ")
            console.print(f"{finding.check}: {finding.found}", markup=False)
            if finding.remedy:
                console.print(f"     {finding.remedy}", markup=False)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise click.exceptions.Exit(Exit.FAILED)


_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def _here() -> list[Finding]:
    own = f"csvmill {version('csvmill')}, Python {platform.python_version()}"
    return [Finding("this machine", Verdict.OK, own), disk(Path.cwd())]


def disk(folder: Path) -> Finding:
    """Whether there is room for a result."""
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB free in {folder}"
    if free >= LITTLE:
        return Finding("disk", Verdict.OK, found)
    return Finding("disk", Verdict.WARN, found, "make room, or write the output elsewhere")


async def _there(server: str) -> AsyncIterator[Finding]:
    async with AsyncClient(server, retries=Retries(attempts=1), timeout=ANSWER) as client:
        try:
            about = await client.about()
        except ClientError as error:
            remedy = "is it the right URL? Start a service with `csvmill serve`, or see its log"
            yield Finding("server", Verdict.FAIL, str(error), remedy)
            return
        yield Finding("server", Verdict.OK, f"{server} answers in {about.latency * 1000:.0f} ms")
        yield compared(version("csvmill"), about.version)
        yield clock(about.skew)
        try:
            parts = await client.ready()
        except ClientError as error:
            yield Finding("ready", Verdict.FAIL, str(error), "see the service's log")
            return
        for part, said in parts.items():
            if part != "status":
                yield readiness(part, said)


def compared(ours: str, theirs: str | None) -> Finding:
    """Whether client and server go together: their versions agree up to the last number."""
    if theirs is None:
        remedy = "this client needs /api/v1; update the server"
        return Finding("version", Verdict.WARN, "the server does not tell its version", remedy)
    found = f"the server has {theirs}, this is {ours}"
    if ours.split(".")[:2] == theirs.split(".")[:2]:
        return Finding("version", Verdict.OK, found)
    return Finding("version", Verdict.WARN, found, "install the same version on both sides")


def clock(skew: float | None) -> Finding:
    """Whether the clocks agree; `skew` is in seconds, positive if the server's is ahead."""
    if skew is None:
        return Finding("clock", Verdict.WARN, "the server does not tell its time")
    if abs(skew) < SKEW:
        return Finding("clock", Verdict.OK, f"less than {SKEW:g} s apart")
    way = "ahead of" if skew > 0 else "behind"
    found = f"the server's is {abs(skew):,.0f} s {way} this machine's"
    return Finding("clock", Verdict.WARN, found, "synchronise both by NTP")


def readiness(part: str, said: str) -> Finding:
    """Whether a part that the server needs is there; `said` is what `/readyz` says of it."""
    if said == "ok":
        return Finding(part, Verdict.OK, "ready")
    remedy = f"the server runs, but cannot reach its {part}: start it, check its URL and password"
    return Finding(part, Verdict.FAIL, said, remedy)
