"""The thread of a connection to SQLite."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest

from shared.database.loop_thread import LoopThread


async def test_work_is_done_in_the_order_in_which_it_is_given_in_one_thread() -> None:
    thread, done = LoopThread("worker"), list[tuple[int, str]]()

    def work(number: int) -> None:
        done.append((number, threading.current_thread().name))

    await asyncio.gather(*(thread.run(partial(work, number)) for number in range(20)))
    thread.stop()
    assert done == [(number, "worker") for number in range(20)]


async def test_an_error_is_raised_to_its_caller_and_ends_nothing() -> None:
    thread = LoopThread("worker")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 / 0)
    assert await thread.run(lambda: 7) == 7
    thread.stop()


async def test_work_is_done_although_its_caller_was_cancelled() -> None:
    thread, may_begin, done = LoopThread("worker"), threading.Event(), list[int]()
    first = thread.run(may_begin.wait)
    second = thread.run(lambda: done.append(2))
    second.cancel()
    may_begin.set()
    assert await first
    await thread.run(lambda: done.append(3))
    thread.stop()
    assert done == [2, 3]


def test_work_whose_event_loop_is_closed_ends_nothing() -> None:
    thread, may_begin = LoopThread("worker"), threading.Event()

    async def leave() -> None:
        thread.run(may_begin.wait)

    async def ask() -> int:
        return await thread.run(lambda: 7)

    asyncio.run(leave())
    may_begin.set()
    assert asyncio.run(ask()) == 7
    thread.stop()


async def test_what_was_given_before_the_stop_is_done() -> None:
    thread = LoopThread("worker")
    last = thread.run(lambda: 7)
    thread.stop()
    assert await last == 7
