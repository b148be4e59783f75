"""How the wheel's backend rewrites imports (docs/decisions/0016-one-name-in-the-wheel.md)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT / "scripts")
    spec = importlib.util.spec_from_file_location(
        "wheel_backend", ROOT / "scripts/wheel_backend.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("from shared.errors import X", "from csvmill.shared.errors import X"),
        ("from gateway import app", "from csvmill.gateway import app"),
        ("from  storage import (\n    a,\n)", "from  csvmill.storage import (\n    a,\n)"),
        ("import processor.app as app", "import csvmill.processor.app as app"),
        ("import os, shared.x as x", "import os, csvmill.shared.x as x"),
        ("'é'; from shared import x", "'é'; from csvmill.shared import x"),
        ("if x:\n    from shared import y", "if x:\n    from csvmill.shared import y"),
        ("from shared import x; import shared.y as y",
         "from csvmill.shared import x; import csvmill.shared.y as y"),
        ("from .shared import x", "from .shared import x"),
        ("from shared_code import x", "from shared_code import x"),
        ("'from shared import x'", "'from shared import x'"),
        ("# from shared import x\r\n", "# from shared import x\r\n"),
    ],
)  # fmt: skip
def test_absolute_imports_of_the_packages_get_the_parent(
    backend: ModuleType, code: str, expected: str
) -> None:
    assert backend.rewrite(code.encode()) == expected.encode()


@pytest.mark.parametrize(
    "code", ["import shared", "import os, shared.errors", "from\\\n shared import x"]
)
def test_an_import_that_cannot_be_rewritten_fails_the_build(backend: ModuleType, code: str) -> None:
    with pytest.raises(ValueError, match=r"a\.py:1: "):
        backend.rewrite(code.encode(), "a.py")


@pytest.mark.parametrize(
    "code", ["import shared.x as x", "from gateway import app", "CHILD = 'processor.child'"]
)
def test_a_remaining_top_level_name_fails_the_build(backend: ModuleType, code: str) -> None:
    with pytest.raises(ValueError, match=r"a\.py:1: names the top-level module"):
        backend.check(code.encode(), "a.py", {"processor.child"})


def test_strings_that_are_not_module_names_are_kept(backend: ModuleType) -> None:
    backend.check(b"a = 'storage'; b = 'processor.other'; c = 'csv.child'", "a.py", {"csv.child"})
