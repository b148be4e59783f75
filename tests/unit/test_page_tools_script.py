"""`scripts/install_page_tools`, on machines with and without Node.js."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.test_foreign_clients_script import NODE, NPM, OLD_NODE, Machine

ROOT = Path(__file__).parents[2]


class Checkout(Machine):
    """A machine with a checkout that has the script and the lists of what it installs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ROOT / "scripts/install_page_tools")
        self.wanted = folder / "requirements/page"
        self.wanted.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            (self.wanted / name).write_text("{}")
        self.tools = folder / "build/page"


@pytest.fixture
def machine(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_tools_are_installed_once_and_again_after_their_versions_change(
    machine: Checkout,
) -> None:
    machine.has("node", NODE)
    machine.has("npm", NPM)
    for text, times in (("{}", 1), ("{}", 1), ('{"other": 1}', 2)):
        (machine.wanted / "package-lock.json").write_text(text)
        assert machine.run() == (0, "")
        assert [" ci " in call for call in machine.calls] == [True] * times
        assert (machine.tools / "package-lock.json").read_text() == text


@pytest.mark.parametrize("node", [None, OLD_NODE], ids=["missing", "too old"])
def test_without_node_it_says_what_to_install(machine: Checkout, node: str | None) -> None:
    if node:
        machine.has("node", node)
        machine.has("npm", NPM)
    code, printed = machine.run()
    assert code == 3
    assert "apt-get install nodejs npm" in printed
    assert machine.calls == []


def test_root_on_debian_installs_node_first(machine: Checkout) -> None:
    machine.is_debian_as_root(packages={"node": NODE, "npm": NPM})
    assert machine.run() == (0, "")
    apt, npm = machine.calls
    assert apt == "apt_install nodejs npm"
    assert " ci " in npm


def test_what_could_not_be_installed_is_installed_the_next_time(machine: Checkout) -> None:
    machine.has("node", NODE)
    machine.has("npm", "#!/bin/sh\nexit 7\n")
    assert machine.run()[0] == 1
    machine.has("npm", NPM)
    assert machine.run()[0] == 0
    assert len(machine.calls) == 1
