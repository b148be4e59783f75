"""The log of SQLite is moved into the file by another connection than that of the commits."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from shared.database import sqlite_checkpoints
from shared.database.sqlite import SqliteDatabase
from tests.services import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

EVERY = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteDatabase]:
    monkeypatch.setattr(sqlite_checkpoints, "EVERY", EVERY)
    database = await SqliteDatabase.connect(str(path), timeout=5.0, start_timeout=5.0)
    try:
        await database.write("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
        yield database
    finally:
        await database.close()


def without_log(path: Path) -> list[int]:
    """Return the rows of the file alone, as a copy of it that lacks the log shows them."""
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    connection = sqlite3.connect(copy)
    try:
        return [row[0] for row in connection.execute("SELECT id FROM notes ORDER BY id")]
    except sqlite3.OperationalError:
        return []  # not even the table
    finally:
        connection.close()


async def test_after_some_commits_the_file_holds_them_without_its_log(
    database: SqliteDatabase, path: Path
) -> None:
    for number in range(EVERY - 2):
        await database.write("INSERT INTO notes (id) VALUES ($1)", number)
    assert without_log(path) == []
    await database.write("INSERT INTO notes (id) VALUES ($1)", EVERY)

    async def moved() -> bool:
        return without_log(path) == [*range(EVERY - 2), EVERY]

    await until(moved)


async def test_transactions_count_as_commits_too(database: SqliteDatabase, path: Path) -> None:
    for number in range(EVERY):
        async with database.transaction() as transaction:
            await transaction.execute("INSERT INTO notes (id) VALUES ($1)", number)

    async def moved() -> bool:
        return without_log(path) != []

    await until(moved)


async def test_a_reader_of_an_old_state_stops_no_commit(
    database: SqliteDatabase, path: Path
) -> None:
    reader = sqlite3.connect(path, isolation_level=None)
    try:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
        for number in range(10 * EVERY):
            await database.write("INSERT INTO notes (id) VALUES ($1)", number)
        assert reader.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    finally:
        reader.close()
    assert len(await database.read("SELECT id FROM notes")) == 10 * EVERY
