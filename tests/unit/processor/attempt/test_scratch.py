from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from processor.attempt.scratch import Scratch
from shared.errors import AttemptFailed

if TYPE_CHECKING:
    from pathlib import Path

LEAVE_SCRATCH_BEHIND = """
import os, sys
from pathlib import Path
from processor.attempt.scratch import Scratch
scratch = Scratch(Path(sys.argv[1]))
(scratch.path / "spilled").write_bytes(b"x" * 1000)
print(scratch.path, flush=True)
os.kill(os.getpid(), 9)
"""


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", LEAVE_SCRATCH_BEHIND, str(tmp_path)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert killed.returncode == -9
    left = tmp_path / killed.stdout.strip().rpartition("/")[2]
    assert (left / "spilled").exists()
    scratch = Scratch(tmp_path)
    assert not left.exists()
    scratch.close()


def test_the_folder_of_a_running_process_is_kept(tmp_path: Path) -> None:
    living = Scratch(tmp_path)
    other = Scratch(tmp_path)
    assert living.path.exists()
    assert living.path != other.path
    living.close()
    other.close()
    assert not list(tmp_path.glob("processor-*"))


async def test_an_attempt_whose_folder_cannot_be_created_fails_and_may_be_retried(
    tmp_path: Path,
) -> None:
    scratch = Scratch(tmp_path)
    scratch.close()
    with pytest.raises(AttemptFailed, match="scratch folder cannot be created: No such file"):
        async with scratch.folder("job-1"):
            raise AssertionError("there is no folder to work in")


async def test_a_folder_that_is_used_again_is_empty_and_of_one_user_at_a_time(
    tmp_path: Path,
) -> None:
    scratch = Scratch(tmp_path)
    async with scratch.reused_folder() as first, scratch.reused_folder() as second:
        assert first != second
        (first / "result").write_bytes(b"x" * 100)
        (first / "spilled").mkdir()
        (first / "spilled" / "0").write_bytes(b"x")
        (second / "large").write_bytes(b"x" * (1 << 21))
    async with scratch.reused_folder() as third, scratch.reused_folder() as fourth:
        assert {third, fourth} == {first, second}
        assert [list(folder.iterdir()) for folder in (third, fourth)] == [[], []]
    scratch.close()


async def test_a_folder_that_was_removed_meanwhile_is_not_used_again(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    async with scratch.reused_folder() as first:
        first.rmdir()
    async with scratch.reused_folder() as second:
        assert second.is_dir()
        assert second != first
    scratch.close()
