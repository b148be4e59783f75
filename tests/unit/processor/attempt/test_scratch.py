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
