"""Reads the logs of the services, which have `CSVMILL_LOG_FORMAT=text`."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from tests.chaos.schedule import PROCESSORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


_HEAD_START = re.compile(r"its head start was (\w+):")


def swept(logs: Path) -> int:
    """Return the number of blobs that sweepers removed."""
    return sum(
        path.read_text(errors="replace").count(": removed ")
        for name in PROCESSORS
        for path in logs.glob(f"{name}-*.log")
    )


def head_starts(logs: Path) -> Counter[str]:
    """Return how the head starts ended. Those of killed processors are not counted."""
    return Counter(
        outcome
        for name in PROCESSORS
        for path in logs.glob(f"{name}-*.log")
        for outcome in _HEAD_START.findall(path.read_text(errors="replace"))
    )


def tracebacks(logs: Path) -> Iterator[str]:
    """Yield each kind of traceback once, with the log that has it first.

    Libraries log lost connections with a traceback too, but as warnings; these are ignored.
    """
    seen = set()
    for path in sorted(logs.glob("*-*.log")):
        lines = path.read_text(errors="replace").splitlines()
        for number, (before, line) in enumerate(pairwise(["", *lines]), start=1):
            if line.startswith("Traceback") and before and " WARNING " not in before:
                end = next((text for text in lines[number:] if text[:1] not in (" ", "")), "")
                if end not in seen:
                    seen.add(end)
                    yield f"{path.name}, line {number}: {before}: {end}"
