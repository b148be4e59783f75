"""A PEP 517 backend whose wheels install one top-level package.

In the repository `gateway`, `processor`, `storage` and `shared` are top-level packages. A wheel
must not install such common names, so this backend builds it from a copy of the project in which
they are subpackages of `csvmill` and their absolute imports start with `csvmill.`. The build
itself, sdists and editable installs are left to the backend that `[tool.wheel-backend]` names. See
docs/decisions/0016-one-name-in-the-wheel.md.

It also selects the compiler for the kernel, and reads the dependencies from a file of
requirements. See docs/decisions/0020-the-kernel-is-a-program.md.
"""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import tempfile
import tomllib
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import compiler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Settings = dict[str, Any] | None

_CONFIG = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["wheel-backend"]
PARENT: str = _CONFIG["parent"]
"""The one top-level package of the wheel."""
PACKAGES = frozenset(_CONFIG["packages"])
"""The top-level packages that become subpackages of it."""
FILES = ("pyproject.toml", *_CONFIG["files"])
"""What else the build reads: files and folders."""

_backend: Any = importlib.import_module(_CONFIG["backend"])
_DELEGATED = (
    "get_requires_for_build_sdist",
    "prepare_metadata_for_build_editable",
    "build_sdist",
)
globals().update({hook: getattr(_backend, hook) for hook in _DELEGATED})

_STAGED = {"wheel.packages": PARENT}
"""The settings of the real backend for a wheel."""


def dynamic_metadata(settings: Mapping[str, Any], project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dependencies, those of the file of requirements in `settings`."""
    lines = Path(settings["file"]).read_text(encoding="utf-8").splitlines()
    found = (line.partition("#")[0].strip() for line in lines)
    return {"dependencies": [line for line in found if line]}


def get_requires_for_build_wheel(settings: Settings = None) -> list[str]:
    """Return what builds a wheel, a compiler included if the machine has none."""
    return [*_backend.get_requires_for_build_wheel(settings), *compiler.requirements()]


def get_requires_for_build_editable(settings: Settings = None) -> list[str]:
    """Return what makes an editable install, a compiler included if the machine has none."""
    return [*_backend.get_requires_for_build_editable(settings), *compiler.requirements()]


def build_editable(
    wheel_directory: str, settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel of an editable install; return its file name.

    With the setting `wheel.cmake=false` it is without the kernel, as `make` builds that.
    """
    if (settings or {}).get("wheel.cmake") != "false":
        compiler.use_compiler()
    return str(_backend.build_editable(wheel_directory, settings, metadata_directory))


def prepare_metadata_for_build_wheel(metadata_directory: str, settings: Settings = None) -> str:
    """Write the wheel's `.dist-info`; return its name."""
    target = str(Path(metadata_directory).resolve())
    with staged():
        return str(_backend.prepare_metadata_for_build_wheel(target, (settings or {}) | _STAGED))


def build_wheel(
    wheel_directory: str, settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel; return its file name."""
    target = str(Path(wheel_directory).resolve())
    metadata = metadata_directory and str(Path(metadata_directory).resolve())
    compiler.use_compiler()
    with staged():
        return str(_backend.build_wheel(target, (settings or {}) | _STAGED, metadata))


@contextmanager
def staged() -> Iterator[None]:
    """Make a copy of the project, as the wheel has it, the current folder."""
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        stage(Path.cwd(), Path(folder))
        with chdir(folder):
            yield


def stage(source: Path, target: Path) -> None:
    """Copy the project at `source` to `target`, with its packages below the parent.

    Raises ValueError if a module names one of the packages in a way that cannot be rewritten.
    """
    destinations = {name: target / name for name in (*FILES, PARENT)}
    destinations |= {name: target / PARENT / name for name in PACKAGES}
    for name, destination in destinations.items():
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source / name, destination, ignore=ignored)
        else:
            shutil.copy2(source / name, destination)
    modules = {path: path.read_bytes() for path in (target / PARENT).rglob("*.py")}
    names = {_module_name(path.relative_to(target / PARENT)) for path in modules}
    for path, code in modules.items():
        where = str(path.relative_to(target))
        rewritten = rewrite(code, where)
        check(rewritten, where, names)
        path.write_bytes(rewritten)


def _module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def rewrite(code: bytes, where: str = "<code>") -> bytes:
    """Put the parent's name before the packages in the absolute imports of a module.

    `where` names the module in errors. Raises ValueError for `import shared.x`: it binds the name
    `shared`, and all uses of it would have to be rewritten as well. `import shared.x as y` is fine.
    """
    lines = code.splitlines(keepends=True)
    positions: list[tuple[int, int]] = []
    for node in ast.walk(ast.parse(code, where)):
        if isinstance(node, ast.ImportFrom) and not node.level and _moves(node.module):
            keyword = re.compile(rb"from[ \t]+").match(lines[node.lineno - 1], node.col_offset)
            if keyword is None:
                raise ValueError(f"{where}:{node.lineno}: put the module on the line of `from`")
            positions.append((node.lineno - 1, keyword.end()))
        elif isinstance(node, ast.Import):
            for alias in filter(lambda alias: _moves(alias.name), node.names):
                if alias.asname is None:
                    raise ValueError(f"{where}:{node.lineno}: `import {alias.name}` needs an `as`")
                positions.append((alias.lineno - 1, alias.col_offset))
    for number, column in sorted(positions, reverse=True):
        line = lines[number]
        lines[number] = line[:column] + f"{PARENT}.".encode() + line[column:]
    return b"".join(lines)


def check(code: bytes, where: str, modules: set[str]) -> None:
    """Raise ValueError if a rewritten module still names one of the packages as top-level.

    That is an absolute import, or a string that is the dotted name of one of the `modules`, as for
    `python -m` or `importlib.resources`: such names are to be derived from `__package__`.
    """
    for node in ast.walk(ast.parse(code, where)):
        names: list[str | None] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
            names = [node.value] if node.value in modules else []
        for name in filter(_moves, names):
            raise ValueError(f"{where}:{node.lineno}: names the top-level module {name!r}")


def _moves(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in PACKAGES
