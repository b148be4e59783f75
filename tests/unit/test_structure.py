"""`scripts/structure.py` on a package tree made for the test."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).parents[2] / "scripts/structure.py"

TREE = {
    "gateway/__init__.py": "",
    "gateway/app.py": "from gateway.http import forms\nfrom shared.errors import Broken\n",
    "gateway/http/__init__.py": "",
    "gateway/http/forms.py": "from . import digests\nimport gateway.http.digests\n",
    "gateway/http/digests.py": "import os\nfrom ..keys import KEY\n",
    "gateway/keys.py": "KEY = 1\n",
    "shared/errors.py": "class Broken(Exception): ...\n",
}


@pytest.fixture
def structure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, for a repository with the files of `TREE`."""
    spec = importlib.util.spec_from_file_location("structure", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in TREE.items():
        write(tmp_path, name, text)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return module


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(structure: Any, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["structure.py", *arguments])
    code: int = structure.main()
    return code


def test_absolute_and_relative_imports_of_modules_and_names_are_found(
    structure: Any, tmp_path: Path
) -> None:
    graph = structure.imports(tmp_path)
    assert graph == {
        "gateway": set(),
        "gateway.app": {"gateway.http.forms", "shared.errors"},
        "gateway.http": set(),
        "gateway.http.forms": {"gateway.http.digests"},
        "gateway.http.digests": {"gateway.keys"},
        "gateway.keys": set(),
        "shared.errors": set(),
    }
    assert structure.members_of("gateway", graph) == {
        "gateway.app": {"gateway.http"},
        "gateway.http": {"gateway.keys"},
        "gateway.keys": set(),
    }


def test_members_layers_and_imports_are_counted(
    structure: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(structure, monkeypatch, "--check", "--imports", "gateway") == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["package", "members", "layers", "imports"]
    assert [line.split() for line in lines] == [
        ["gateway", "3", "3", "2"],
        ["gateway.http", "2", "2", "1"],
        ["shared", "1", "1", "0"],
        ["no", "cycles"],
        ["gateway.app:", "gateway.http"],
        ["gateway.http:", "gateway.keys"],
        ["gateway.keys:", "-"],
    ]


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "gateway/http/digests.py",
            "from gateway.http.forms import parse\n",
            ["cycle of modules: gateway.http.digests, gateway.http.forms",
             "cycle of members: gateway.http.digests, gateway.http.forms"],
        ),
        (
            "gateway/keys.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import gateway.http.other\n",
            ["cycle of members: gateway.http, gateway.keys"],
        ),
    ],
    ids=["modules", "members, for type checking"],
)  # fmt: skip
def test_a_cycle_fails_the_check(
    structure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], name: str, text: str, lines: list[str],
) -> None:  # fmt: skip
    write(tmp_path, "gateway/http/other.py", "")
    write(tmp_path, name, text)
    assert run(structure, monkeypatch, "--check") == 1
    assert [line for line in capsys.readouterr().out.splitlines() if "cycle" in line] == lines
    assert run(structure, monkeypatch) == 0


@pytest.mark.parametrize(
    ("graph", "cycles", "layers"),
    [
        ({"a": set(), "b": {"a"}, "c": {"a", "b"}}, [], 3),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}, [["a", "b", "c"]], 4),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]], 2),
        ({}, [], 0),
    ],
)
def test_cycles_and_layers_of_a_graph(
    structure: Any, graph: dict[str, set[str]], cycles: list[list[str]], layers: int
) -> None:
    assert structure.cycles(graph) == cycles
    if not cycles:
        assert structure.layers(graph) == layers
