"""The tables as Markdown, and their place in docs/performance.md."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.engines.runner import CODE, KERNEL, OTHER, PEERS, TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.engines.runner import Measured, Measurement, Runner

PAGE = CODE / "docs" / "performance.md"
BEGIN, END = "<!-- engines: begin -->", "<!-- engines: end -->"
DIFFERS = "*"
"""Marks a time whose result is not the kernel's."""


def markdown(measurements: Sequence[Measurement], runner: Runner) -> str:
    """Return what was measured, where and with what, as Markdown."""
    with_peers = [each for each in measurements if each.row.other is None and not each.row.most]
    others = [each for each in measurements if each not in with_peers]
    parts = [_circumstances(runner)]
    if with_peers:
        header = ["work", KERNEL, *(PEERS[peer] for peer in runner.peers), "ratio", "target", ""]
        parts.append(_table(header, (_peers_row(each, runner.peers) for each in with_peers)))
    if others:
        header = ["work", KERNEL, "compared with", "ratio", "target", ""]
        parts.append(_table(header, map(_own_row, others)))
    return "\n\n".join(parts) + "\n"


def write(text: str) -> None:
    """Put the tables into docs/performance.md, in place of those that are there."""
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RuntimeError(f"{PAGE} has no {BEGIN} ... {END}")
    PAGE.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")


def ratio(measurement: Measurement) -> float | None:
    """Return how many times the kernel is as fast as what it is compared with.

    None if there is nothing to compare it with. A peer with another result is compared, too.
    """
    times = [
        measured.seconds
        for name, measured in measurement.engines.items()
        if name != KERNEL and not measured.failure
    ]
    return min(times) / measurement.engines[KERNEL].seconds if times else None


def reached(measurement: Measurement) -> bool:
    """Whether a row reaches its target within its budget of memory."""
    row, kernel = measurement.row, measurement.engines[KERNEL]
    if OTHER in measurement.engines and measurement.differs(OTHER):
        return False
    if kernel.memory > row.memory * TOLERANCE:
        return False
    if row.most is not None:
        return kernel.seconds <= row.most
    found = ratio(measurement)
    return found is None or round(found, 2) >= row.target


def _peers_row(measurement: Measurement, peers: Sequence[str]) -> list[str]:
    found = ratio(measurement)
    return [
        _title(measurement),
        _cell(measurement.engines[KERNEL]),
        *(_cell(measurement.engines[peer], differs=measurement.differs(peer)) for peer in peers),
        "-" if found is None else f"{found:.2f}",
        f"{measurement.row.target:.1f}",
        _verdict(measurement) if peers else "",
    ]


def _own_row(measurement: Measurement) -> list[str]:
    row, kernel = measurement.row, measurement.engines[KERNEL]
    if row.most is not None:
        cell = f"{kernel.seconds * 1000:.1f} ms, {kernel.memory >> 20:,} MiB"
        most = f"{row.most * 1000:.0f} ms or less"
        return [_title(measurement), cell, "", "", most, _verdict(measurement)]
    other = _cell(measurement.engines[OTHER])
    target = f"{row.target:.1f}"
    found = f"{ratio(measurement) or 0:.2f}"
    return [_title(measurement), _cell(kernel), other, found, target, _verdict(measurement)]


def _title(measurement: Measurement) -> str:
    return measurement.row.title.format(groups=f"{measurement.groups or 0:,}")


def _cell(measured: Measured, *, differs: bool = False) -> str:
    if measured.failure:
        return measured.failure.replace("|", "\\|")
    mark = DIFFERS if differs else ""
    return f"{measured.seconds:.2f} s{mark}, {measured.memory >> 20:,} MiB"


def _verdict(measurement: Measurement) -> str:
    return "OK" if reached(measurement) else "short"


def _table(header: list[str], rows: Iterable[list[str]]) -> str:
    rule = ["---", *("---:" for _ in header[1:-1]), "---"]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _circumstances(runner: Runner) -> str:
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{PEERS[peer]} {_version(runner.python, peer)}" for peer in runner.peers)
    engines = f"csvmill {version('csvmill')}{_commit()}" + (f", {versions}" if versions else "")
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with {os.cpu_count()} cores of {_processor()}, "
        f"{memory:.0f} GiB of memory, Linux {platform.release().partition('-')[0]}. {engines}. "
        f"Files of about {runner.size:,} MB; times are medians of {runner.runs}, "
        "memory is the highest peak."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(python: Path, package: str) -> str:
    code = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    return subprocess.run(
        [python, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def _commit() -> str:
    """Return the commit of this checkout, if there is one."""
    command = ["git", "-C", str(CODE), "rev-parse", "--short", "HEAD"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    return f" ({found.stdout.strip()})" if found.returncode == 0 else ""
