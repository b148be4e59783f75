"""Count the rooms of each package, the arrows between them, the floors and the import cycles.

A room is a module or folder directly in a package. An arrow leads from a room to another room that
it imports, no matter how often; imports under TYPE_CHECKING count. Floors are the levels of that
graph, the length of its longest path. A cycle is a set of modules or rooms that import each other.

    python scripts/house.py [--arrows PACKAGE] [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

PACKAGES = ("gateway", "storage", "processor", "shared", "csvmill")
ROOT = Path(__file__).resolve().parent.parent

Graph = dict[str, set[str]]
"""What each module, or room, imports."""


def modules(root: Path) -> dict[str, Path]:
    """The file of each module of the packages, by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path) -> Graph:
    """The modules that each module imports, those of other packages included."""
    files = modules(root)
    graph: Graph = {}
    for name, path in files.items():
        base = name if path.name == "__init__.py" else name.rpartition(".")[0]
        graph[name] = set()
        for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
            if isinstance(node, ast.Import):
                graph[name].update(alias.name for alias in node.names if alias.name in files)
            elif isinstance(node, ast.ImportFrom):
                origin = node.module or ""
                if node.level:
                    above = base.split(".")[: len(base.split(".")) - node.level + 1]
                    origin = ".".join([*above, origin]).rstrip(".")
                for alias in node.names:
                    submodule = f"{origin}.{alias.name}"
                    if submodule in files:
                        graph[name].add(submodule)
                    elif origin in files:
                        graph[name].add(origin)
        graph[name].discard(name)
    return graph


def rooms_of(package: str, graph: Graph) -> Graph:
    """The rooms of a package, and which of its rooms each imports."""
    depth = len(package.split("."))

    def room(module: str) -> str | None:
        parts = module.split(".")
        inside = module.startswith(package + ".")
        return ".".join(parts[: depth + 1]) if inside else None

    rooms: Graph = {}
    for module, imported in graph.items():
        here = room(module)
        if here is not None:
            there = {other for each in imported if (other := room(each)) is not None}
            rooms.setdefault(here, set()).update(there - {here})
    return rooms


def cycles(graph: Graph) -> list[list[str]]:
    """The strongly connected sets of more than one node, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def floors(graph: Graph) -> int:
    """The number of levels of a graph; a cycle counts as one level."""
    height: dict[str, int] = {}

    def of(node: str, above: frozenset[str]) -> int:
        if node not in height:
            below = [of(each, above | {node}) for each in graph[node] if each not in above]
            height[node] = 1 + max(below, default=0)
        return height[node]

    return max((of(node, frozenset()) for node in graph), default=0)


def main() -> int:
    """Print a line for each package and one for each cycle; 1 with --check if there is a cycle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arrows", metavar="PACKAGE", help="list its rooms and what each imports")
    parser.add_argument("--check", action="store_true", help="fail if modules or rooms form cycles")
    options = parser.parse_args()
    graph = imports(ROOT)
    print(f"{'package':<24}{'rooms':>6}{'floors':>8}{'arrows':>8}")
    circles = [("modules", each) for each in cycles(graph)]
    folders = sorted(
        {".".join(name.split(".")[:n]) for name in graph for n in range(1, name.count(".") + 1)}
    )
    for package in folders:
        rooms = rooms_of(package, graph)
        arrows = sum(len(each) for each in rooms.values())
        print(f"{package:<24}{len(rooms):>6}{floors(rooms):>8}{arrows:>8}")
        circles += [("rooms", each) for each in cycles(rooms)]
    for kind, circle in circles:
        print(f"cycle of {kind}: {', '.join(circle)}")
    if not circles:
        print("no cycles")
    if options.arrows:
        for name, imported in sorted(rooms_of(options.arrows, graph).items()):
            print(f"{name}: {', '.join(sorted(imported)) or '-'}")
    return 1 if options.check and circles else 0


if __name__ == "__main__":
    sys.exit(main())
