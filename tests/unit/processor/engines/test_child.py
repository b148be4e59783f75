"""Child processes and their control pipes."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from processor.engines.child import child_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
if sys.platform != "win32":
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_lines_for_a_child_that_has_ended_are_dropped(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def send_to_ended_child() -> str:
        async with child_process([sys.executable, "-c", "raise SystemExit(3)"], tmp_path) as child:
            await child.wait()
            for _ in range(3):
                child.send(b"line\n")
                await asyncio.sleep(0)  # the loop sees that the pipe is closed
            return await child.exit_message()

    with asyncio.Runner(loop_factory=loop) as runner:
        message = runner.run(send_to_ended_child())

    assert message == "the engine's process ended with status 3: it wrote no error"


@pytest.mark.parametrize("loop", LOOPS)
def test_the_control_pipe_is_a_socket(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    # uvloop closes the descriptor of a file and lets the file close it again, when it may be that
    # of a file which another thread has just opened. It detaches a socket.
    async def family_of_control_pipe() -> object:
        async with child_process(["/bin/true"], tmp_path) as child:
            return child._process.control.get_extra_info("socket").family

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(family_of_control_pipe()) == socket.AF_UNIX


@pytest.mark.parametrize("loop", LOOPS)
def test_what_a_child_has_left_behind_is_killed_with_it(
    tmp_path: Path, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    # The shell has ended; its child holds the other end of the pipe until it is killed.
    reading, writing = os.pipe()

    async def end_of_shell() -> int:
        command = ["/bin/sh", "-c", "sleep 600 & exit 0", "sh"]
        async with child_process(command, tmp_path, pass_fds=(writing,)) as child:
            os.close(writing)
            return await child.wait()

    with asyncio.Runner(loop_factory=loop) as runner, os.fdopen(reading, "rb") as left:
        assert runner.run(end_of_shell()) == 0
        assert left.read() == b""
