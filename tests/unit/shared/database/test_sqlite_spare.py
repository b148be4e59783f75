"""A database whose disk is full."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.database import sqlite_spare
from shared.database.sqlite import SqliteDatabase
from shared.database.sqlite_spare import SIZE, Spare
from shared.errors import DatabaseUnavailable
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job, open_store
from tests.tiny_disk import tiny_disk

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def test_space_is_given_up_when_it_is_needed_and_taken_when_there_is_plenty(
    tmp_path: Path,
) -> None:
    with tiny_disk(tmp_path / "tiny", 24 * MIB) as disk:
        file, spare = disk.path / "some.db-spare", Spare(str(disk.path / "some.db"))
        spare.adjust()
        assert file.stat().st_blocks * 512 == SIZE
        assert file.stat().st_mode & 0o777 == 0o600
        disk.fill(room=MIB)
        spare.adjust()
        assert file.exists()
        disk.free()
        disk.fill(room=0)
        spare.adjust()
        assert not file.exists()
        # It is not taken again from what is left
        spare.adjust()
        assert not file.exists()
        disk.free()
        spare.adjust()
        assert file.exists()


async def test_a_database_in_memory_has_no_spare_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = await SqliteDatabase.connect(":memory:", timeout=5, start_timeout=5)
    try:
        Spare(":memory:").adjust()
        assert not _files(tmp_path)
    finally:
        await database.close()


async def test_jobs_are_cancelled_and_fail_on_a_full_disk(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "tiny", 24 * MIB) as disk:
        async with open_store(f"sqlite:///{disk.path / 'jobs.sqlite'}") as jobs:
            ids = [(await make_job(jobs)).id for _ in range(50)]
            for id_ in ids:
                assert await jobs.claim(id_, worker="w", lease_until=1e12, now=time.time())
            # When others fill the disk
            disk.fill(room=0)
            # Then all jobs end, and can be seen
            for id_ in ids[::2]:
                await jobs.cancel(id_, now=time.time())
            for id_ in ids[1::2]:
                await jobs.fail(id_, 1, "the disk is full", final=True, now=time.time())
            states = [(await jobs.get(id_)).state for id_ in ids]
            assert states == [JobState.REVOKED, JobState.FAILURE] * 25


async def test_without_spare_space_a_full_disk_refuses_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_spare, "PLENTY", 1 << 60)
    with tiny_disk(tmp_path / "tiny", 24 * MIB) as disk:
        path = str(disk.path / "some.db")
        database = await SqliteDatabase.connect(path, timeout=5.0, start_timeout=5.0)
        await database.write("CREATE TABLE notes (text TEXT)")
        disk.fill(room=0)
        with pytest.raises(DatabaseUnavailable):
            await database.write("INSERT INTO notes VALUES ($1)", "x" * MIB)
        disk.free()
        await database.write("INSERT INTO notes VALUES ('y')")
        await database.close()


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())
