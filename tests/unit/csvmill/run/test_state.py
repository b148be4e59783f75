"""What a run keeps beside its output."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from csvmill.run import state as state_module
from csvmill.run.fingerprint import Fingerprint
from csvmill.run.state import RunBusy, RunDiffers, RunFolder, RunState

if TYPE_CHECKING:
    from pathlib import Path

STATE = RunState("http://mill.example", Fingerprint(5, 7, "ab"), "key", job_id="j", failed=True)


def nobody() -> None:
    raise AssertionError("nobody was in")


def test_it_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(nobody):
        assert folder.load() is None
        folder.save(STATE)
        folder.save(replace(STATE, failed=False))
    assert folder.path == tmp_path / "totals.csv.csvmill"
    assert RunFolder(folder.path).load() == replace(STATE, failed=False)


def test_a_state_of_before_aggregations_could_be_asked_for_asks_for_none(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(nobody):
        folder.save(STATE)
        path = folder.path / "run.json"
        fields = json.loads(path.read_text())
        del fields["aggregation"]
        path.write_text(json.dumps(fields))
        assert folder.load() == STATE
        asked = replace(STATE, aggregation={"group_by": ["a"]})
        folder.save(asked)
        assert folder.load() == asked


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": 99}', '{"version": 1}', "\x00"])
def test_a_state_that_is_not_ours_is_refused_with_a_remedy(tmp_path: Path, content: str) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(nobody):
        (folder.path / "run.json").write_text(content)
        with pytest.raises(RunDiffers, match="--restart"):
            folder.load()


def test_clearing_leaves_the_folder_and_its_lock_and_removing_nothing(tmp_path: Path) -> None:
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(nobody):
        folder.save(STATE)
        (folder.service / "blobs").mkdir(parents=True)
        folder.result.write_bytes(b"x")
        folder.clear()
        assert [path.name for path in folder.path.iterdir()] == ["lock"]
        folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_one_is_in_at_a_time_and_who_waits_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_module, "LOCK_WAIT", 0.2)
    first, second = (RunFolder.beside(tmp_path / "totals.csv") for _ in range(2))
    told = []
    with (
        first.locked(nobody),
        pytest.raises(RunBusy, match="another run"),
        second.locked(lambda: told.append(1)),
    ):
        raise AssertionError("two were in")
    assert told == [1]
    with second.locked(nobody):
        pass


def test_who_inherits_the_lock_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "LOCK_WAIT", 0.2)
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(nobody):
        heir = os.dup(folder.lock_fd)
    other = RunFolder.beside(tmp_path / "totals.csv")
    with pytest.raises(RunBusy), other.locked(lambda: None):
        raise AssertionError("the lock was free")
    os.close(heir)
    with other.locked(nobody):
        pass


ROUNDS = 100
"""Enough to meet each other in every step."""


def test_many_that_come_and_remove_the_folder_are_never_in_together(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        entered = pool.map(_come_and_go, [str(tmp_path)] * 3)
    assert entered == [ROUNDS] * 3


def _come_and_go(folder: str) -> int:
    from pathlib import Path

    alone = Path(folder) / "alone"
    state_module.LOCK_WAIT = 60.0  # the lock is not fair
    state_module.LOCK_PAUSE = 0.0
    for _ in range(ROUNDS):
        mine = RunFolder.beside(Path(folder) / "totals.csv")
        with mine.locked(lambda: None):
            alone.touch(exist_ok=False)
            alone.unlink()
            mine.remove()
    return ROUNDS
