"""A process that runs out of file descriptors says so."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from shared.runtime.descriptors import REMINDER, Shortage
from tests.processes import OwnedProcess

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_service_without_descriptors_leaves_a_log_line(tmp_path: Path) -> None:
    command = (
        f"ulimit -n 80; exec {sys.executable} -m csvmill serve --port 0 --data-dir {tmp_path}/d"
    )
    with OwnedProcess(
        ["bash", "-c", command],
        log_path=tmp_path / "log",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as service:
        url = URL(service.wait_for_line(r"listening on (http://\S+)", timeout=30)[1])
        clients = []
        try:
            for _ in range(100):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex((url.host, url.port))
                clients.append(client)
            await asyncio.to_thread(
                service.wait_for_line, "out of file descriptors.*limit 80", timeout=30
            )
        finally:
            for client in clients:
                client.close()


@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE])
def test_the_line_is_repeated_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def refuse(_fd: int) -> int:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "dup", refuse)
    # Each look asks once, and once more if it logs.
    times = iter([0.0, 0.0, 1.0, REMINDER - 1, REMINDER, REMINDER, REMINDER + 1])
    shortage = Shortage(100, clock=lambda: next(times))
    for _ in range(5):
        shortage.look()
    lines = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lines) == 2
    assert all(line.startswith("out of file descriptors") for line in lines)


def test_few_descriptors_are_told_before_there_are_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading, writing = os.pipe()
    try:
        Shortage(1000, clock=lambda: 0.0).look()
        assert not caplog.records
        Shortage(writing, clock=lambda: 0.0).look()
        assert "file descriptors are short" in caplog.text
    finally:
        os.close(reading)
        os.close(writing)


def test_a_process_may_open_as_many_files_as_the_system_permits() -> None:
    code = (
        "import resource; from shared.runtime.descriptors import raise_limit; raise_limit();"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    printed = subprocess.run(
        ["bash", "-c", f"ulimit -Sn 100; ulimit -Hn 500; exec {sys.executable} -c '{code}'"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert printed.split() == ["500", "500"]
