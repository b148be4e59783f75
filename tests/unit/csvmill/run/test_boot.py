"""A run whose service does not sync the disk begins anew after the machine was restarted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from csvmill.run.request import RunRequest
from csvmill.run.run import Run
from csvmill.run.state import RunFolder, RunState
from shared.blobs import boot
from shared.blobs.boot import boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from csvmill.client import JobView, TransferProgress


class Listener:
    """Keeps the messages of a run."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def uploading(self, progress: TransferProgress) -> None:
        raise NotImplementedError

    def working(self, job: JobView) -> None:
        raise NotImplementedError

    def downloading(self, progress: TransferProgress) -> None:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _read_again() -> Iterator[None]:
    yield
    boot_id.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    (tmp_path / "plays.csv").write_text("Song,Date,Plays\na,2026-01-01,1\n")
    folder = RunFolder.beside(tmp_path / "totals.csv")
    with folder.locked(lambda: None):
        yield folder


def begun(folder: RunFolder, listener: Listener, *, server: str | None = None) -> RunState:
    """Begin a run, or continue it, as a new process does; return its state."""
    file, output = (folder.path.parent / name for name in ("plays.csv", "totals.csv"))
    Run(RunRequest(file, output, server), folder, listener).begin()
    state = folder.load()
    assert state is not None
    return state


def restart(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system name another boot."""
    (path := folder.path.parent / "boot_id").write_text("another\n")
    monkeypatch.setattr(boot, "_BOOT_ID", path)
    boot_id.cache_clear()


def test_a_run_is_continued_in_the_same_boot(folder: RunFolder) -> None:
    listener = Listener()
    first = begun(folder, listener)
    assert first.boot == boot_id()
    assert begun(folder, listener) == first
    assert listener.notes == []


def test_after_a_restart_of_the_machine_nothing_that_the_service_kept_is_used(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    first = begun(folder, listener)
    (folder.service / "blobs").mkdir(parents=True)
    for name in ("result", "result.json", "rejects"):
        (folder.path / name).write_bytes(b"old")
    restart(folder, monkeypatch)
    second = begun(folder, listener)
    assert (second.key == first.key, second.boot) == (False, "another")
    assert listener.notes == ["the machine was restarted; the run starts over"]
    assert sorted(path.name for path in folder.path.iterdir()) == ["lock", "run.json"]


def test_a_run_of_an_earlier_version_is_continued_and_bound_to_this_boot(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    first = begun(folder, listener)
    folder.save(replace(first, boot=None))
    assert begun(folder, listener) == first
    restart(folder, monkeypatch)
    assert begun(folder, listener).key != first.key


def test_a_run_on_a_server_of_its_own_does_not_depend_on_the_boot(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = Listener()
    first = begun(folder, listener, server="http://mill.example")
    assert first.boot is None
    restart(folder, monkeypatch)
    assert begun(folder, listener, server="http://mill.example") == first
