"""Transactions on SQLite that are committed together."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from shared.database import sqlite_batches
from shared.database.port import Tell
from shared.database.sqlite import SqliteDatabase
from shared.database.steps import statement
from shared.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.database.port import Steps


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.connect(
        str(tmp_path / "some.db"), timeout=5.0, start_timeout=5.0
    )
    try:
        await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        yield database
    finally:
        await database.close()


class Commits:
    """Counts the commits of batches. They wait until they `may_end`, and raise `error`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.error: Exception | None = None
        self.may_end = threading.Event()
        self.may_end.set()
        self.begun = threading.Event()
        real = sqlite_batches.commit

        def commit(connection: sqlite3.Connection) -> None:
            self.count += 1
            self.begun.set()
            assert self.may_end.wait(20)
            if self.error:
                connection.rollback()
                raise self.error
            real(connection)

        monkeypatch.setattr(sqlite_batches, "commit", commit)


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> Commits:
    return Commits(monkeypatch)


async def insert(database: SqliteDatabase, id_: int) -> None:
    await database.perform(statement("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_))


async def ids(database: SqliteDatabase) -> list[int]:
    return [row["id"] for row in await database.read("SELECT id FROM notes ORDER BY id")]


async def test_a_write_that_fails_is_no_part_of_the_next_one(
    database: SqliteDatabase, commits: Commits
) -> None:
    await database.write("INSERT INTO notes (id, text) VALUES (1, 'x')")
    with pytest.raises(sqlite3.IntegrityError):
        await database.write("INSERT INTO notes (id, text) VALUES (1, 'x')")
    await database.write("INSERT INTO notes (id, text) VALUES (2, 'x')")
    assert commits.count == 3
    assert await ids(database) == [1, 2]


async def test_single_writes_that_wait_for_another_share_its_successor(
    database: SqliteDatabase, commits: Commits
) -> None:
    writes = [
        database.write("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_) for id_ in range(9)
    ]
    await asyncio.gather(*writes)
    assert commits.count == 1
    assert await ids(database) == list(range(9))


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_single_write_does_not_disturb_the_next_transaction(
    database: SqliteDatabase, turns: int
) -> None:
    cancelled = asyncio.create_task(database.write("INSERT INTO notes (id, text) VALUES (1, 'x')"))
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled.cancel()
    await insert(database, 2)
    assert set(await ids(database)) in ({2}, {1, 2})


async def test_transactions_that_wait_for_a_commit_share_the_next_one(
    database: SqliteDatabase, commits: Commits
) -> None:
    commits.may_end.clear()
    first = asyncio.create_task(insert(database, 0))
    await asyncio.to_thread(commits.begun.wait, 20)
    others = [asyncio.create_task(insert(database, id_)) for id_ in range(1, 21)]
    await asyncio.sleep(0)
    commits.may_end.set()
    await asyncio.gather(first, *others)
    assert commits.count == 2
    assert await ids(database) == list(range(21))


async def test_a_transaction_ends_after_its_commit_whether_it_fails_or_not(
    database: SqliteDatabase, commits: Commits
) -> None:
    commits.may_end.clear()
    good = asyncio.create_task(insert(database, 1))
    # It fails because of a row that is not committed yet.
    bad = asyncio.create_task(insert(database, 1))
    await asyncio.to_thread(commits.begun.wait, 20)
    assert await ids(database) == []
    assert not good.done()
    assert not bad.done()
    commits.may_end.set()
    await good
    with pytest.raises(sqlite3.IntegrityError):
        await bad
    assert commits.count == 1


async def test_a_commit_that_fails_fails_every_transaction_of_its_group(
    database: SqliteDatabase, commits: Commits
) -> None:
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    commits.error = failure
    outcomes = await asyncio.gather(
        insert(database, 1), insert(database, 1), insert(database, 2), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    commits.error = None
    assert await ids(database) == []
    await insert(database, 3)
    assert await ids(database) == [3]


async def test_what_a_failed_commit_would_tell_is_not_heard(
    database: SqliteDatabase, commits: Commits
) -> None:
    heard: list[str] = []

    async def tell() -> None:
        def steps() -> Steps[None]:
            yield Tell("news")

        await database.perform(steps())

    with database.listen(heard.append):
        commits.error = sqlite3.OperationalError("a defect")
        with pytest.raises(sqlite3.OperationalError):
            await tell()
        assert heard == []
        commits.error = None
        await tell()
        assert heard == ["news"]


async def test_a_full_disk_fails_what_sqlite_rolls_back_and_nothing_else(
    database: SqliteDatabase,
) -> None:
    async def insert_much(id_: int) -> None:
        await database.write("INSERT INTO notes (id, text) VALUES ($1, $2)", id_, "x" * (1 << 22))

    def limit(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA cache_size = 10")
        connection.execute("PRAGMA max_page_count = 100")

    await database._writer.wait(database._writer.submit(limit))
    works = [insert(database, 1), insert_much(2), insert(database, 3)]
    outcomes = await asyncio.gather(*works, return_exceptions=True)
    assert isinstance(outcomes[1], DatabaseUnavailable)
    kept = [id_ for id_, outcome in zip((1, 2, 3), outcomes, strict=True) if outcome is None]
    assert await ids(database) == kept
    await insert(database, 4)
    assert await ids(database) == [*kept, 4]


async def test_what_sqlite_has_rolled_back_by_itself_is_unavailable_to_the_whole_group(
    database: SqliteDatabase, commits: Commits
) -> None:
    async def lose() -> None:
        # As SQLite does on some errors of the disk.
        await database.perform(statement("ROLLBACK"))

    outcomes = await asyncio.gather(
        insert(database, 1), lose(), insert(database, 2), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    assert await ids(database) == []
    await insert(database, 3)
    assert await ids(database) == [3]


async def test_an_exclusive_transaction_is_not_waited_for_by_those_before_it(
    database: SqliteDatabase,
) -> None:
    may_end = asyncio.Event()

    async def migrate() -> None:
        async with database.transaction(exclusive=True) as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES (2, 'x')")
            await may_end.wait()

    before = asyncio.create_task(insert(database, 1))
    migration = asyncio.create_task(migrate())
    await before
    may_end.set()
    await migration
    assert await ids(database) == [1, 2]


async def test_a_transaction_waits_for_its_turn_for_a_limited_time(tmp_path: Path) -> None:
    database = await SqliteDatabase.connect(
        str(tmp_path / "some.db"), timeout=0.05, start_timeout=5.0
    )
    try:
        async with database.transaction():
            with pytest.raises(DatabaseUnavailable, match=r"locked for 0\.05 s"):
                await database.write("SELECT 1")
        await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    finally:
        await database.close()


async def test_closing_waits_for_the_commits_in_progress(tmp_path: Path, commits: Commits) -> None:
    path = str(tmp_path / "some.db")
    database = await SqliteDatabase.connect(path, timeout=5.0, start_timeout=5.0)
    await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    commits.may_end.clear()
    commits.begun.clear()
    writing = asyncio.create_task(insert(database, 1))
    await asyncio.to_thread(commits.begun.wait, 20)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    commits.may_end.set()
    await asyncio.gather(writing, closing)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT id FROM notes").fetchall() == [(1,)]
