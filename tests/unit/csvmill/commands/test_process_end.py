"""A command ends its process with its exit code, and all that it printed is written."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, logging, sys
from csvmill.commands.process_end import exit_at_once
logging.basicConfig(stream=sys.stderr)
atexit.register(print, "objects were freed")
print("x" * 100_000)
logging.getLogger().error("logged")
exit_at_once(7)
"""


def test_output_is_written_before_the_process_ends_with_its_code() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert done.stdout == "x" * 100_000 + "\n"
    assert "logged" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["run"], 2), (["no-such-command"], 2)]
)
def test_the_command_line_exits_with_the_code_of_its_command(
    arguments: list[str], code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "csvmill", *arguments], capture_output=True, check=False
    )
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0)
    assert bool(done.stderr) == (code != 0)


def test_output_that_nobody_reads_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "csvmill", "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
