"""The contract of every database adapter, and of migrations."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from shared.database import connect
from shared.database.migrate import migrate
from shared.database.scripts import Migration, load_migrations
from shared.errors import DatabaseUnavailable, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.database.port import Database

MIGRATE = """
import asyncio, sys
from shared.database import connect
from shared.database.migrate import migrate

async def main():
    database = await connect(sys.argv[1])
    try:
        print("connected", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await migrate(database)
    finally:
        await database.close()

asyncio.run(main())
"""


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = await connect(url)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def notes(database: Database) -> Database:
    """A database with a table to write to."""
    await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
    return database


def step(version: int, *statements: str, checksum: str = "") -> Migration:
    return Migration(version, f"{version:04}_test", statements, checksum or f"sum of {version}")


async def bind_ids(database: Database) -> list[int]:
    return [row["id"] for row in await database.read("SELECT id FROM notes ORDER BY id")]


async def test_a_write_returns_the_rows_of_its_returning_clause(notes: Database) -> None:
    written = await notes.write(
        "INSERT INTO notes (id, text) VALUES ($1, $2) RETURNING text, id", 7, "it's"
    )
    assert written == [{"text": "it's", "id": 7}]
    assert await notes.read("SELECT * FROM notes WHERE text = $1", "it's") == [
        {"id": 7, "text": "it's"}
    ]


async def test_an_exception_rolls_back_the_whole_transaction(notes: Database) -> None:
    async def write_and_raise() -> None:
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES (1, 'a')")
            await transaction.execute("INSERT INTO notes (id, text) VALUES (2, 'b')")
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_raise()
    assert await bind_ids(notes) == []
    await notes.write("INSERT INTO notes (id, text) VALUES (3, 'c')")
    assert await bind_ids(notes) == [3]


async def test_a_failing_statement_rolls_back_only_its_transaction(
    notes: Database,
) -> None:
    await notes.write("INSERT INTO notes (id, text) VALUES (1, 'a')")

    async def write_the_same_twice() -> None:
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES (2, 'b')")
            await transaction.execute("INSERT INTO notes (id, text) VALUES (1, 'again')")

    with pytest.raises(Exception, match=r"(?i)unique") as raised:
        await write_the_same_twice()
    assert not isinstance(raised.value, DatabaseUnavailable)
    assert await bind_ids(notes) == [1]


async def test_a_cancelled_transaction_is_rolled_back(notes: Database) -> None:
    inserted = asyncio.Event()

    async def linger() -> None:
        async with notes.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id, text) VALUES (1, 'a')")
            inserted.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(linger())
    await inserted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await bind_ids(notes) == []
    await notes.write("INSERT INTO notes (id, text) VALUES (2, 'b')")
    assert await bind_ids(notes) == [2]


async def test_cancelling_at_any_moment_leaves_a_transaction_complete_or_rolled_back(
    notes: Database,
) -> None:
    async def write_two(number: int) -> None:
        async with notes.transaction() as transaction:
            for id_ in (2 * number, 2 * number + 1):
                await transaction.execute("INSERT INTO notes (id, text) VALUES ($1, 'x')", id_)

    for number in range(60):
        task = asyncio.create_task(write_two(number))
        for _ in range(number % 20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await write_two(60)
    ids = await bind_ids(notes)
    assert [id_ + 1 for id_ in ids[::2]] == ids[1::2]
    assert all(id_ % 2 == 0 for id_ in ids[::2])
    assert ids[-2:] == [120, 121]


async def test_a_reader_does_not_see_uncommitted_rows(notes: Database) -> None:
    async with notes.transaction() as transaction:
        await transaction.execute("INSERT INTO notes (id, text) VALUES (1, 'a')")
        assert await bind_ids(notes) == []
    assert await bind_ids(notes) == [1]


async def test_exclusive_transactions_of_all_processes_run_one_after_the_other(
    notes: Database, url: str
) -> None:
    await notes.write("INSERT INTO notes (id, text) VALUES (1, '0')")
    other = await connect(url)

    async def count_up(database: Database) -> None:
        async with database.transaction(exclusive=True) as transaction:
            (row,) = await transaction.execute("SELECT text FROM notes WHERE id = 1")
            await transaction.execute(
                "UPDATE notes SET text = $1 WHERE id = 1", str(int(row["text"]) + 1)
            )

    try:
        await asyncio.gather(*(count_up(database) for database in (notes, other) * 10))
    finally:
        await other.close()
    assert await notes.read("SELECT text FROM notes") == [{"text": "20"}]


async def test_every_call_after_close_raises_database_unavailable(url: str) -> None:
    database = await connect(url)
    await database.close()
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        await database.ping()
    with pytest.raises(DatabaseUnavailable):
        await database.write("CREATE TABLE never (id INTEGER)")
    with pytest.raises(DatabaseUnavailable):
        async with database.transaction():
            pass


async def test_concurrent_migrations_are_applied_once(url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", MIGRATE, url,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"connected\n"
    await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0]
    database = await connect(url)
    try:
        applied = await database.read("SELECT version, checksum FROM schema_migrations")
        assert [(row["version"], row["checksum"]) for row in applied] == [
            (migration.version, migration.checksum) for migration in load_migrations()
        ]
        assert await database.read("SELECT * FROM jobs") == []
    finally:
        await database.close()


async def test_only_missing_migrations_are_applied(database: Database) -> None:
    first = step(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    await migrate(database, [first])
    await database.write("INSERT INTO notes (id) VALUES (1)")
    await migrate(database, [first, step(2, "INSERT INTO notes (id) VALUES (2)")])
    await migrate(database, [first, step(2, "INSERT INTO notes (id) VALUES (2)")])
    assert await bind_ids(database) == [1, 2]


async def test_a_missing_migration_with_a_lower_number_is_applied_once(
    database: Database,
) -> None:
    first = step(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    early = step(2, "INSERT INTO notes (id) VALUES (2)")
    late = step(7, "INSERT INTO notes (id) VALUES (7)")
    await migrate(database, [first, late])
    await migrate(database, [first, early, late])
    await migrate(database, [first, early, late])
    assert await bind_ids(database) == [2, 7]


async def test_failed_migrations_are_rolled_back(database: Database) -> None:
    good = step(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    with pytest.raises(Exception, match="nowhere"):
        await migrate(database, [good, step(2, "INSERT INTO nowhere (id) VALUES (1)")])
    await migrate(database, [good])
    assert await bind_ids(database) == []


async def test_a_migration_that_was_changed_after_it_was_applied_is_refused(
    database: Database,
) -> None:
    create = "CREATE TABLE notes (id INTEGER PRIMARY KEY)"
    await migrate(database, [step(1, create)])
    changed = step(1, create, checksum="another")
    with pytest.raises(SchemaMismatch, match="0001_test is not what was applied"):
        await migrate(database, [changed, step(2, "INSERT INTO notes (id) VALUES (2)")])
    assert await bind_ids(database) == []


async def test_a_database_with_additions_of_a_newer_version_is_used(database: Database) -> None:
    first = step(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    adds = step(2, "ALTER TABLE notes ADD COLUMN text TEXT")
    own = step(3, "INSERT INTO notes (id) VALUES (3)")
    await migrate(database, [first, adds])
    await migrate(database, [first, own])
    assert await bind_ids(database) == [3]


async def test_a_database_with_removals_of_a_newer_version_is_refused(
    database: Database,
) -> None:
    first = step(1, "CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    removes = Migration(2, "0002_test_after", ("DROP TABLE notes",), "sum of 2")
    await migrate(database, [first, removes])
    with pytest.raises(SchemaMismatch, match=r"has migration 0002_test_after.* does not know"):
        await migrate(database, [first, step(3, "CREATE TABLE never (id INTEGER)")])
    await database.write("CREATE TABLE never (id INTEGER)")


@pytest.mark.parametrize("url", ["mysql://user:secret@host/x", "jobs.db", "sqlite:///", "sqlite:"])
async def test_a_url_of_another_kind_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="starts with postgresql:// or sqlite:///") as raised:
        await connect(url)
    assert "secret" not in str(raised.value)
