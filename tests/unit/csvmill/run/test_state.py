"""The folder of an unfinished run."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from csvmill.run import state as state_module
from csvmill.run.errors import RunBusy, RunDiffers
from csvmill.run.fingerprint import Fingerprint
from csvmill.run.state import RunFolder, RunState

if TYPE_CHECKING:
    from pathlib import Path

STATE = RunState("http://mill.example", Fingerprint(5, 7, "ab"), "key", job_id="j", failed=True)


def not_waiting() -> None:
    raise AssertionError("the lock was free, but `waiting` was called")


def test_a_saved_state_is_loaded_unchanged(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(not_waiting):
        assert folder.load() is None
        folder.save(STATE)
        folder.save(replace(STATE, failed=False))
    assert folder.path == tmp_path / "totals.csv.csvmill"
    assert RunFolder(folder.path).load() == replace(STATE, failed=False)


def test_a_state_without_a_spec_is_read_as_one_with_the_default_spec(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(not_waiting):
        folder.save(STATE)
        path = folder.path / "run.json"
        fields = json.loads(path.read_text())
        del fields["aggregation"]
        path.write_text(json.dumps(fields))
        assert folder.load() == STATE
        with_spec = replace(STATE, aggregation={"group_by": ["a"]})
        folder.save(with_spec)
        assert folder.load() == with_spec


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 99}', '{"version": 1}', "\x00"])
def test_an_unreadable_state_is_refused_with_a_hint(tmp_path: Path, content: str) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(not_waiting):
        (folder.path / "run.json").write_text(content)
        with pytest.raises(RunDiffers, match="--restart"):
            folder.load()


def test_clear_keeps_the_folder_and_its_lock_and_remove_keeps_nothing(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(not_waiting):
        folder.save(STATE)
        (folder.service / "blobs").mkdir(parents=True)
        folder.result.write_bytes(b"x")
        folder.clear()
        assert [path.name for path in folder.path.iterdir()] == ["lock"]
        folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_one_run_at_a_time_has_the_lock_and_a_waiting_one_is_notified_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "LOCK_TIMEOUT", 0.2)
    first, second = (RunFolder.beside(tmp_path / "totals.csv") for _ in range(2))
    notified = []
    with (
        first.locked(not_waiting),
        pytest.raises(RunBusy, match="another run"),
        second.locked(lambda: notified.append(1)),
    ):
        raise AssertionError("two runs had the lock")
    assert notified == [1]
    with second.locked(not_waiting):
        pass


def test_a_process_that_inherits_the_lock_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "LOCK_TIMEOUT", 0.2)
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(not_waiting):
        inherited = os.dup(folder.lock_fd)
    other = RunFolder.beside(tmp_path / "totals.csv")
    with pytest.raises(RunBusy), other.locked(lambda: None):
        raise AssertionError("the lock was free")
    os.close(inherited)
    with other.locked(not_waiting):
        pass


ROUNDS = 100
"""Enough for the processes to collide in every step."""


def test_runs_that_create_and_remove_the_folder_never_hold_the_lock_together(
    tmp_path: Path,
) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        entered = pool.map(_lock_and_remove, [str(tmp_path)] * 3)
    assert entered == [ROUNDS] * 3


def _lock_and_remove(folder: str) -> int:
    from pathlib import Path

    alone = Path(folder) / "alone"
    state_module.LOCK_TIMEOUT = 60.0  # the lock is not fair
    state_module.LOCK_INTERVAL = 0.0
    for _ in range(ROUNDS):
        mine = RunFolder.beside(Path(folder) / "totals.csv")
        with mine.locked(lambda: None):
            alone.touch(exist_ok=False)
            alone.unlink()
            mine.remove()
    return ROUNDS


def test_a_password_that_an_earlier_version_saved_is_not_kept(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.locked(lambda: None):
        folder.save(replace(STATE, server="http://me:secret@mill.example"))
        assert folder.load() == STATE
