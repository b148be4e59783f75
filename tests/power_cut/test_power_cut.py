"""Nothing that an answer promised is lost when the power is cut after it.

A service of one process runs under strace while a client uses it. Its system calls are replayed on
a disk that keeps only what was synced; and on one that keeps any part of the rest. After each
answer that promised something, a service starts on what such a disk has, and is asked.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from random import Random
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.ports import free_port
from tests.power_cut.disk import write_tree
from tests.power_cut.replay import Replay
from tests.power_cut.strace import calls, command
from tests.power_cut.workload import Promise, promises
from tests.processes import OwnedProcess, ServiceProcess

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
START = 60.0
"""Seconds: a traced process is slow."""
LISTENING = r"csvmill \S+ listening on (\S+)"


async def test_what_an_answer_promised_survives_a_power_cut(tmp_path: Path) -> None:
    kept = await _used(tmp_path)
    replay = Replay(tmp_path / "data")
    cuts = 0
    for at, call in calls(tmp_path / "calls"):
        replay.apply(call, at)
        if call.name not in ("write", "writev", "sendto", "sendmsg"):
            continue
        sent = b"".join(call.text(i) for i, _ in enumerate(call.arguments))
        answered = [each for each in kept if each.request_id.encode() in sent]
        if not sent.startswith(b"HTTP/1.1 ") or not answered:
            continue
        before = kept[: kept.index(answered[-1]) + 1]
        for chance in (None, Random(cuts)):
            cuts += 1
            folder = tmp_path / f"cut-{cuts}"
            write_tree(replay.root, folder, chance)
            await _check(folder, before)
            shutil.rmtree(folder)
    assert cuts >= 2 * len({each.request_id for each in kept})


async def _used(folder: Path) -> Sequence[Promise]:
    """Use a service whose system calls are written down; return what it promised."""
    arguments = ("-m", "csvmill", "serve", "--port", "0", "--data-dir", str(folder / "data"))
    traced = command(folder / "calls", sys.executable, *arguments)
    process = OwnedProcess(traced, log_path=folder / "traced.log", env=_environment(folder))
    with process:
        found = await asyncio.to_thread(process.wait_for_line, LISTENING, timeout=START)
        async with aiohttp.ClientSession(found[1]) as session:
            return [promise async for promise in promises(session)]


async def _check(folder: Path, kept: Sequence[Promise]) -> None:
    """Start a service on what a power cut has left, and ask it for everything."""
    arguments = ("serve", "--port", str(free_port()), "--data-dir", str(folder))
    log = folder.with_suffix(".log")
    with ServiceProcess("csvmill", *arguments, log_path=log, env=_environment(folder)) as service:
        url = await asyncio.to_thread(lambda: service.url)
        async with aiohttp.ClientSession(url) as session:
            await asyncio.gather(*(promise.check(session) for promise in kept))


def _environment(folder: Path) -> dict[str, str]:
    scratch = folder.with_name(f"{folder.name}-scratch")
    return {
        "PATH": "/usr/bin:/bin",
        "CSVMILL_SCRATCH_DIR": str(scratch),
        "CSVMILL_SPOOL_DIR": str(scratch / "spool"),
        "CSVMILL_LEASE": "2",
        "CSVMILL_RELAY_INTERVAL": "0.5",
    }
