"""Ctrl-C while the command line starts."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from csvmill.commands.exit_codes import Exit

PROGRAM = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
sys.argv = ["csvmill", "inspect", "none.csv"]
from csvmill.__main__ import main
main()
"""


def interrupted_at(module: str) -> subprocess.CompletedProcess[str]:
    """Run a command in which Ctrl-C is pressed when a module is imported."""
    program = PROGRAM.format(module=module)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def test_ctrl_c_before_a_command_is_known_ends_the_process_without_a_message() -> None:
    done = interrupted_at("click")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_ctrl_c_while_a_command_is_imported_is_reported_without_a_traceback() -> None:
    done = interrupted_at("csvmill.commands.inspect")
    assert (done.returncode, done.stdout) == (Exit.INTERRUPTED, "")
    assert done.stderr == "Error: interrupted (Ctrl-C); run the same command again\n"


@pytest.mark.parametrize("ignored", [True, False])
def test_ctrl_c_stays_ignored_if_it_was(ignored: bool) -> None:
    program = (
        "import signal\n"
        f"if {ignored}: signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from csvmill.commands.interrupts import end_silently, restore_interrupts\n"
        "end_silently(); restore_interrupts()\n"
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{ignored}\n"
