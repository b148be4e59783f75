"""Child processes that are written in Python, confined: each attack is tried from inside."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from processor.engines.confinement import MEASURES, Measure, require
from processor.settings import WorkSettings
from shared.errors import AttemptFailed
from tests.contract.engines.sources import StalledSource
from tests.unit.processor.engines.test_native import (
    children,
    running_kernel,
    several_blocks,
    status_of,
)

ROOT = Path(__file__).parents[4]

_INSIDE = """
import json, os, socket, sys, threading
from processor.engines.confinement import confine

folder, foreign, parent = sys.argv[1], sys.argv[2], os.getppid()
data = open(os.path.join(folder, "source"), "rb")
force = confine(memory=64 << 20, file_size=1 << 20, folder=folder)

def thread():
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()

def attempt(action):
    try:
        action()
    except (OSError, MemoryError, RuntimeError) as error:
        return type(error).__name__
    return "done"

def write(path, size=1):
    with open(path, "wb") as file:
        file.write(bytes(size))

actions = {
    "read what is open": lambda: data.read(),
    "write to its folder": lambda: write(os.path.join(folder, "result")),
    "start a thread": thread,
    "open a socket": lambda: socket.socket(socket.AF_INET),
    "open a socket of files": lambda: socket.socket(socket.AF_UNIX),
    "read the environment of its parent": lambda: open(f"/proc/{parent}/environ", "rb"),
    "read the memory of its parent": lambda: open(f"/proc/{parent}/mem", "rb"),
    "read a foreign file": lambda: open(foreign, "rb"),
    "write to a foreign file": lambda: write(foreign),
    "remove a foreign file": lambda: os.unlink(foreign),
    "write beside its folder": lambda: write(folder + ".new"),
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork() or os._exit(0),
    "signal its parent": lambda: os.kill(parent, 0),
    "write a large file": lambda: write(os.path.join(folder, "large"), 2 << 20),
    "take much memory": lambda: bytearray(4 << 30),
}
print(json.dumps([force, {name: attempt(action) for name, action in actions.items()}]))
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[str], dict[str, str]]:
    """What is in force in a confined process, and the outcome of each attempt."""
    parent = tmp_path_factory.mktemp("confined")
    folder, foreign = parent / "folder", parent / "foreign"
    folder.mkdir()
    (folder / "source").write_text("known")
    foreign.write_text("secret")
    done = subprocess.run(
        [sys.executable, "-c", _INSIDE, str(folder), str(foreign)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert foreign.read_text() == "secret"
    force, outcomes = json.loads(done.stdout)
    return set(force), outcomes


@pytest.mark.parametrize("attempt", ["read what is open", "write to its folder", "start a thread"])
def test_a_confined_process_can_do_its_work(
    inside: tuple[set[str], dict[str, str]], attempt: str
) -> None:
    assert inside[1][attempt] == "done"


@pytest.mark.parametrize(
    ("attempt", "measure", "outcome"),
    [
        ("open a socket", "seccomp", "PermissionError"),
        ("open a socket of files", "seccomp", "PermissionError"),
        ("start a program", "seccomp", "PermissionError"),
        ("fork", "seccomp", "PermissionError"),
        ("signal its parent", "seccomp", "PermissionError"),
        ("read the environment of its parent", "landlock", "PermissionError"),
        ("read the memory of its parent", "landlock", "PermissionError"),
        ("read a foreign file", "landlock", "PermissionError"),
        ("write to a foreign file", "landlock", "PermissionError"),
        ("remove a foreign file", "landlock", "PermissionError"),
        ("write beside its folder", "landlock", "PermissionError"),
        ("write a large file", "rlimits", "OSError"),
        ("take much memory", "rlimits", "MemoryError"),
    ],
)
def test_a_confined_process_fails_to_attack(
    inside: tuple[set[str], dict[str, str]], attempt: str, measure: str, outcome: str
) -> None:
    in_force, outcomes = inside
    assert in_force <= set(MEASURES)
    if measure not in in_force:
        pytest.skip(f"this system has no {measure}")
    assert outcomes[attempt] == outcome


async def test_a_decompressor_is_confined(
    tmp_path: Path, inside: tuple[set[str], dict[str, str]]
) -> None:
    running, _ = await running_kernel(tmp_path, StalledSource(gzip.compress(several_blocks())))
    (decompressor,) = children(b"processor.engines.decompressor")
    status = status_of(decompressor)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (status["NoNewPrivs"] == "1") == ("no_new_privs" in inside[0])
    assert (status["Seccomp"] == "2") == ("seccomp" in inside[0])


def test_what_the_system_has_can_be_required(inside: tuple[set[str], dict[str, str]]) -> None:
    have: list[Measure] = [measure for measure in MEASURES if measure in inside[0]]
    require(have)
    require(())


def test_a_processor_does_not_start_where_a_required_measure_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CSVMILL_REQUIRE_CONFINEMENT", "rlimits, landlock,seccomp")
    settings = WorkSettings()
    assert settings.require_confinement == ("rlimits", "landlock", "seccomp")
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **__: subprocess.CompletedProcess([], 0, "rlimits no_new_privs\n", ""),
    )
    with pytest.raises(AttemptFailed, match=r"by landlock and seccomp, which CSVMILL_REQUIRE"):
        require(settings.require_confinement)


def test_an_unknown_measure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSVMILL_REQUIRE_CONFINEMENT", "selinux")
    with pytest.raises(ValidationError, match="require_confinement"):
        WorkSettings()
