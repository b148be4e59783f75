"""`csvmill doctor`: check this machine and the server, with a remedy for each failed check."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from csvmill.client.defaults import CHUNK_SIZE
from csvmill.client.errors import ClientError
from csvmill.client.loading import load_client
from csvmill.commands.exit_codes import Exit, run_async, show_json
from csvmill.commands.options import given_api_key, json_option, server_option

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from csvmill.client import AsyncClient

MIN_FREE_DISK = 1 << 30
"""Bytes of free disk below which a large result may not fit."""
MAX_SKEW = 60.0
"""Seconds by which clocks may differ before timestamps and Retry-After mislead."""
TIMEOUT = 10.0
"""Seconds that the server has to answer."""
SMALL_BODY = 64 << 10
"""Bytes that no proxy refuses."""
BODY_TOO_LARGE = 413


class CheckStatus(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    check: str
    status: CheckStatus
    found: str
    remedy: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return the finding with the keys of `csvmill doctor --json`."""
        return {
            "check": self.check,
            "verdict": self.status,
            "found": self.found,
            "remedy": self.remedy,
        }


@click.command(short_help="Check this machine and the server.")
@server_option
@json_option
def doctor(server: str, as_json: bool) -> None:
    """Check versions, free disk, and whether the server answers, is ready and has the right time.

    The exit code is 1 if a check failed. Warnings do not count.

    \b
    Example:
      csvmill doctor --server http://mill.example:8000
    """

    async def check_all() -> list[Finding]:
        return [*_check_machine(), *[finding async for finding in _check_server(server)]]

    findings = run_async(check_all())
    if as_json:
        show_json([finding.as_json() for finding in findings])
    else:
        from rich.console import Console

        console = Console(highlight=False, soft_wrap=True)
        for finding in findings:
            console.print(f"[{_STYLES[finding.status]}]{finding.status:<4}[/]", end=" ")
            console.print(f"{finding.check}: {finding.found}", markup=False)
            if finding.remedy:
                console.print(f"     {finding.remedy}", markup=False)
    if any(finding.status is CheckStatus.FAIL for finding in findings):
        raise click.exceptions.Exit(Exit.FAILED)


_FREE = "free space on the disk of the server, or let it keep results for a shorter time"
_REMEDIES = {
    "space": _FREE,
    "disk is full": _FREE,
    "No space left": _FREE,
    "read-only": (
        "it accepts no writes: connect to the primary server, or mount its disk for writing"
    ),
}
"""Remedies, by what `/readyz` says of a part."""

_STYLES = {CheckStatus.OK: "green", CheckStatus.WARN: "yellow", CheckStatus.FAIL: "bold red"}


def _check_machine() -> list[Finding]:
    own = f"csvmill {version('csvmill')}, Python {platform.python_version()}"
    return [Finding("this machine", CheckStatus.OK, own), disk(Path.cwd())]


def disk(folder: Path) -> Finding:
    """Check that there is room for a result."""
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:,.1f} GB free in {folder}"
    if free >= MIN_FREE_DISK:
        return Finding("disk", CheckStatus.OK, found)
    return Finding(
        "disk", CheckStatus.WARN, found, "free some space, or write the output to another disk"
    )


async def _check_server(server: str) -> AsyncIterator[Finding]:
    load_client(server)
    from csvmill.client import AsyncClient, Retries

    async with AsyncClient(
        server, api_key=given_api_key(), retries=Retries(attempts=1), timeout=TIMEOUT
    ) as client:
        try:
            about = await client.about()
        except ClientError as error:
            remedy = "check the URL; start a service with `csvmill serve`, or read its log"
            yield Finding("server", CheckStatus.FAIL, str(error), remedy)
            return
        yield Finding(
            "server", CheckStatus.OK, f"{server} answers in {about.latency * 1000:.0f} ms"
        )
        yield versions(version("csvmill"), about.version)
        yield clock(about.skew)
        yield await _way(client)
        try:
            parts = await client.ready()
        except ClientError as error:
            yield Finding("ready", CheckStatus.FAIL, str(error), "read the service's log")
            return
        for part, state in parts.items():
            if part != "status":
                yield readiness(part, state)


async def _way(client: AsyncClient) -> Finding:
    """Check that proxies pass on bodies of the usual size, and while they are sent."""
    try:
        buffered = await client.early_status(SMALL_BODY) is None
        limited = await client.early_status(CHUNK_SIZE) == BODY_TOO_LARGE
    except ClientError as error:
        return Finding("way", CheckStatus.WARN, str(error))
    return way(buffered=buffered, limited=limited)


def way(*, buffered: bool, limited: bool) -> Finding:
    """Judge the way to the server: what proxies do to the bodies of requests."""
    see = "see Behind another proxy in docs/operations.md"
    if limited:
        return Finding(
            "way",
            CheckStatus.WARN,
            f"a proxy refuses bodies of {CHUNK_SIZE >> 20} MiB; chunks are sent smaller",
            f"raise its limit, which in nginx is client_max_body_size; {see}",
        )
    if buffered:
        return Finding(
            "way",
            CheckStatus.WARN,
            "a proxy holds requests back until it has their bodies: what is sent in one request "
            "cannot be resumed, and is refused late",
            f"let it pass them on, in nginx by proxy_request_buffering off; {see}",
        )
    return Finding("way", CheckStatus.OK, "requests arrive while they are sent")


def versions(ours: str, theirs: str | None) -> Finding:
    """Check that client and server have the same major and minor version."""
    if theirs is None:
        remedy = "this client needs /api/v1; update the server"
        return Finding(
            "version", CheckStatus.WARN, "the server does not report its version", remedy
        )
    found = f"the server has {theirs}, this client is {ours}"
    if ours.split(".")[:2] == theirs.split(".")[:2]:
        return Finding("version", CheckStatus.OK, found)
    return Finding("version", CheckStatus.WARN, found, "install the same version on both sides")


def clock(skew: float | None) -> Finding:
    """Check that the clocks agree; `skew` is in seconds, positive if the server's is ahead."""
    if skew is None:
        return Finding("clock", CheckStatus.WARN, "the server does not report its time")
    if abs(skew) < MAX_SKEW:
        return Finding("clock", CheckStatus.OK, f"less than {MAX_SKEW:g} s apart")
    way = "ahead of" if skew > 0 else "behind"
    found = f"the server's clock is {abs(skew):,.0f} s {way} this machine's"
    return Finding("clock", CheckStatus.WARN, found, "synchronize both with NTP")


def readiness(part: str, state: str) -> Finding:
    """Check a part that the server needs; `state` is its value in `/readyz`."""
    if state == "ok":
        return Finding(part, CheckStatus.OK, "ready")
    remedy = next((remedy for said, remedy in _REMEDIES.items() if said in state), None)
    if remedy is None:
        remedy = f"the server cannot reach its {part}: start it, or check its URL and password"
    return Finding(part, CheckStatus.FAIL, state, remedy)
