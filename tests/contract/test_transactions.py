"""Concurrent transactions of every database adapter: what is kept, and what listeners receive."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from shared.database import connect
from shared.errors import DatabaseUnavailable
from tests.contract.listening import Ear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.database.port import Database

WRITE_AND_ACKNOWLEDGE = """
import asyncio, itertools, os, sys
from shared.database import connect

async def main():
    database = await connect(sys.argv[1])
    numbers = itertools.count()

    async def write():
        for number in numbers:
            async with database.transaction() as transaction:
                for id in (2 * number, 2 * number + 1):
                    await transaction.execute("INSERT INTO notes (id, text) VALUES ($1, 'x')", id)
            os.write(1, b"%d\\n" % number)

    await asyncio.gather(*(write() for _ in range(16)))

asyncio.run(main())
"""


@pytest.fixture
async def notes(url: str) -> AsyncIterator[Database]:
    """A database with a table to write to."""
    database = await connect(url)
    try:
        await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        yield database
    finally:
        await database.close()


async def insert(database: Database, id_: int) -> None:
    await database.write("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_)


async def ids(database: Database) -> list[int]:
    return [row["id"] for row in await database.read("SELECT id FROM notes ORDER BY id")]


async def test_concurrent_transactions_are_kept_but_for_those_that_fail(notes: Database) -> None:
    await insert(notes, -1)

    async def write(number: int) -> None:
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES ($1, 'x')", number)
            if number % 3 == 1:
                await transaction.execute("INSERT INTO notes (id, text) VALUES (-1, 'again')")
            if number % 3 == 2:
                raise LookupError

    outcomes = await asyncio.gather(
        *(write(number) for number in range(30)), return_exceptions=True
    )
    for number, outcome in enumerate(outcomes):
        assert (outcome is None) == (number % 3 == 0)
        assert isinstance(outcome, LookupError) == (number % 3 == 2)
        assert not isinstance(outcome, DatabaseUnavailable)
    assert await ids(notes) == [-1, *range(0, 30, 3)]


@pytest.mark.parametrize("seed", range(10))
async def test_each_of_many_transactions_is_complete_or_rolled_back_whatever_is_cancelled(
    notes: Database, seed: int
) -> None:
    choices = random.Random(seed)
    acknowledged: set[int] = set()
    failed: set[int] = set()

    async def write_two(number: int, *, fails: bool) -> None:
        async with notes.transaction() as transaction:
            for id_ in (2 * number, 2 * number + 1):
                await transaction.execute("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_)
            if fails:
                failed.add(number)
                raise LookupError
        acknowledged.add(number)

    tasks = []
    for number in range(40):
        tasks.append(asyncio.create_task(write_two(number, fails=choices.random() < 0.2)))
        for _ in range(choices.randrange(8)):
            await asyncio.sleep(0)
        if choices.random() < 0.3:
            choices.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await insert(notes, 1000)
    *kept, last = await ids(notes)
    assert last == 1000
    assert [id_ + 1 for id_ in kept[::2]] == kept[1::2]
    numbers = {id_ // 2 for id_ in kept[::2]}
    assert acknowledged <= numbers
    assert not failed & numbers


@pytest.mark.parametrize("seed", range(10))
async def test_single_writes_and_transactions_at_any_moment_are_all_kept(
    notes: Database, seed: int
) -> None:
    choices = random.Random(seed)

    async def write(id_: int) -> None:
        for _ in range(choices.randrange(40)):
            await asyncio.sleep(0)
        if choices.random() < 0.5:
            await insert(notes, id_)
            return
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_)
            await transaction.execute("UPDATE notes SET text = 'y' WHERE id = $1", id_)

    await asyncio.gather(*map(write, range(60)))
    assert await ids(notes) == list(range(60))


async def test_another_connection_sees_a_transaction_when_it_has_ended(
    notes: Database, url: str
) -> None:
    other = await connect(url)

    async def write_and_read(id_: int) -> None:
        await insert(notes, id_)
        assert id_ in await ids(other)

    try:
        await asyncio.gather(*map(write_and_read, range(40)))
    finally:
        await other.close()


async def test_each_transaction_sees_what_those_before_it_have_written(notes: Database) -> None:
    await notes.write("INSERT INTO notes (id, text) VALUES (1, '0')")

    async def count_up() -> None:
        async with notes.transaction() as transaction:
            (row,) = await transaction.execute(
                "UPDATE notes SET text = CAST(CAST(text AS INTEGER) + 1 AS TEXT) RETURNING text"
            )
            seen.append(int(row["text"]))

    seen: list[int] = []
    await asyncio.gather(*(count_up() for _ in range(30)))
    assert sorted(seen) == list(range(1, 31))
    assert await notes.read("SELECT text FROM notes") == [{"text": "30"}]


async def test_every_acknowledged_transaction_survives_a_kill(notes: Database, url: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITE_AND_ACKNOWLEDGE, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    lines = [await process.stdout.readline() for _ in range(100)]
    process.send_signal(signal.SIGKILL)
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    acknowledged = {int(line) for line in lines if line.endswith(b"\n")}
    kept = await ids(notes)
    assert [id_ + 1 for id_ in kept[::2]] == kept[1::2]
    assert len(acknowledged) >= 100
    assert acknowledged <= {id_ // 2 for id_ in kept}


async def test_what_a_committed_transaction_tells_is_heard(notes: Database) -> None:
    one, other = Ear(), Ear()
    with notes.listen(one), notes.listen(other):
        await one.opened(notes)
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES (1, 'x')")
            await transaction.tell("it's")
            await transaction.tell("two")
        assert [await one.next(), await one.next()] == ["it's", "two"]
    while await other.next() != "it's":
        pass
    assert await other.next() == "two"


async def test_what_a_transaction_tells_that_is_rolled_back_is_not_heard(notes: Database) -> None:
    ear = Ear()

    async def tell_and_raise() -> None:
        async with notes.transaction() as transaction:
            await transaction.tell("never")
            raise LookupError

    with notes.listen(ear):
        await ear.opened(notes)
        with pytest.raises(LookupError):
            await tell_and_raise()
        async with notes.transaction() as transaction:
            await transaction.tell("afterwards")
        assert await ear.next() == "afterwards"


async def test_nothing_is_heard_after_the_context_was_left(notes: Database) -> None:
    ear, other = Ear(), Ear()
    with notes.listen(other):
        with notes.listen(ear):
            await ear.opened(notes)
        async with notes.transaction() as transaction:
            await transaction.tell("late")
        while await other.next() != "late":
            pass
    assert ear.hears_nothing_more
