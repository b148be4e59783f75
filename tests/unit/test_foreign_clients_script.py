"""`scripts/install_foreign_clients`, on machines with and without Node.js."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/install_foreign_clients"
NODE = "#!/bin/sh\necho true\n"
OLD_NODE = "#!/bin/sh\necho false\n"
NPM = """#!/bin/sh
echo "npm $*" >>"$0.calls"
mkdir -p "$2/node_modules"
"""
PROGRAMS = ("cat", "cmp", "cp", "dirname", "mkdir")


class Machine:
    """A checkout with the script, and all programs that the script can find."""

    def __init__(self, folder: Path, script: Path = SCRIPT) -> None:
        self.script = script
        self.bin = folder / "bin"
        self.scripts = folder / "scripts"
        self.clients = folder / "tests/e2e/foreign"
        for each in (self.bin, self.scripts, self.clients):
            each.mkdir(parents=True)
        shutil.copy(script, self.scripts)
        (self.clients / "package-lock.json").write_text("{}")
        for program in PROGRAMS:
            found = shutil.which(program)
            assert found
            (self.bin / program).symlink_to(found)
        self.has("id", "#!/bin/sh\necho 1000\n")

    def has(self, program: str, text: str, *, folder: Path | None = None) -> None:
        path = (folder or self.bin) / program
        path.write_text(text)
        path.chmod(0o755)

    def is_debian_as_root(self, *, packages: dict[str, str]) -> None:
        """Provide apt-get. `packages` maps each package to the program that it installs."""
        self.has("id", "#!/bin/sh\necho 0\n")
        self.has("apt-get", "#!/bin/sh\nexit 1\n")
        made = "".join(
            f"cat >'{self.bin / name}' <<'END'\n{text}END\n" for name, text in packages.items()
        )
        chmod = shutil.which("chmod")
        made += f"{chmod} 755 {' '.join(str(self.bin / name) for name in packages)}\n"
        install = f'#!/bin/sh\necho "apt_install $*" >>"$0.calls"\n{made}'
        self.has("apt_install", install, folder=self.scripts)

    def run(self, **env: str) -> tuple[int, str]:
        done = subprocess.run(
            [self.scripts / self.script.name], env={"PATH": str(self.bin), **env},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    @property
    def calls(self) -> list[str]:
        """The calls of the package managers, sorted."""
        return sorted(
            line
            for folder in (self.bin, self.scripts)
            for path in folder.glob("*.calls")
            for line in path.read_text().splitlines()
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("node", [None, OLD_NODE], ids=["missing", "too old"])
def test_without_node_tests_are_skipped_unless_they_are_required(
    machine: Machine, node: str | None
) -> None:
    if node:
        machine.has("node", node)
        machine.has("npm", NPM)
    code, printed = machine.run()
    assert code == 3
    assert "apt-get install nodejs npm" in printed
    code, printed = machine.run(CSVMILL_TEST_FOREIGN="required")
    assert code == 1
    assert "apt-get install nodejs npm" in printed
    assert "CSVMILL_TEST_FOREIGN=required" in printed
    assert machine.calls == []


@pytest.mark.parametrize("demand", ["", "required"])
def test_the_clients_are_installed_once_and_again_after_their_versions_change(
    machine: Machine, demand: str
) -> None:
    machine.has("node", NODE)
    machine.has("npm", NPM)
    for text, times in (("{}", 1), ("{}", 1), ('{"other": 1}', 2)):
        (machine.clients / "package-lock.json").write_text(text)
        assert machine.run(CSVMILL_TEST_FOREIGN=demand) == (0, "")
        assert [" ci " in call for call in machine.calls] == [True] * times


def test_root_on_debian_installs_node_first(machine: Machine) -> None:
    machine.is_debian_as_root(packages={"node": NODE, "npm": NPM})
    assert machine.run(CSVMILL_TEST_FOREIGN="required") == (0, "")
    apt, npm = machine.calls
    assert apt == "apt_install nodejs npm"
    assert " ci " in npm


def test_a_node_package_that_is_too_old_is_not_used(machine: Machine) -> None:
    machine.is_debian_as_root(packages={"node": OLD_NODE, "npm": NPM})
    assert machine.run()[0] == 3
    assert machine.run(CSVMILL_TEST_FOREIGN="required")[0] == 1


def test_a_failed_installation_fails_instead_of_skipping(machine: Machine) -> None:
    machine.is_debian_as_root(packages={})
    machine.has("apt_install", "#!/bin/sh\nexit 100\n", folder=machine.scripts)
    assert machine.run()[0] == 100
    machine.has("node", NODE)
    machine.has("npm", "#!/bin/sh\nexit 7\n")
    assert machine.run()[0] == 1
