"""Files for `csvmill run`, and what it leaves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from csvmill.client import AsyncClient, Refused
from tests.chaos.proxy import Link
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.processes import ServiceProcess

    Start = Callable[..., ServiceProcess]


WAIT = 60.0
ROWS = 30_000
"""Of a file of about 800 KB, which is sent in some 25 chunks."""
PART = 400_000
"""Bytes after which a connection stalls that sends such a file."""
CHUNK = 32 << 10
HEADER = "Song,Date,Number of Plays\n"


def write_distinct_rows(path: Path, rows: int) -> bytes:
    """Write a file in which each row is a group; return the expected result."""
    lines = [f"song {n * 7919 % rows},2026-01-01,{n}\n" for n in range(rows)]
    path.write_text(HEADER + "".join(lines))
    return result_of(lines)


def result_of(lines: Iterable[str]) -> bytes:
    """Return the result of lines each of which is a group."""
    return ("Song,Date,Total Number of Plays for Date\n" + "".join(sorted(lines))).encode()


def answer(process: ServiceProcess, exit_code: int = 0) -> dict[str, Any]:
    """Wait for a command; return the JSON that it printed."""
    assert process.wait(WAIT) == exit_code, process.tail()
    until_read = process.wait_for_line(r"^\{", timeout=WAIT).string
    parsed: dict[str, Any] = json.loads(until_read)
    return parsed


def leftovers(folder: Path) -> list[str]:
    """Return the names of files that a run has left beside its output."""
    return sorted({path.name for path in folder.glob("totals.csv*")} - {"totals.csv"})


async def is_there(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


def link_to(url: str) -> Any:
    """Return a proxy to the server at `url`, as a context manager."""
    return Link("gateway", int(url.rpartition(":")[2])).open()


async def settled(client: AsyncClient, key: str) -> int:
    """Return the size of an upload once the server has closed the broken connections."""
    seen = [-1, -2]

    async def steady() -> bool:
        seen.append((await client.upload_status(key)).received_bytes)
        await asyncio.sleep(0.1)
        return len(set(seen[-5:])) == 1

    await until(steady)
    return seen[-1]


async def exists(client: AsyncClient, key: str) -> bool:
    try:
        await client.upload_status(key)
    except Refused as error:
        if error.status != 404:
            raise
        return False
    return True
