"""Count the members of each package, the imports between them, the layers and the import cycles.

A member is a module or package directly in a package. An import of one member by another counts
once, however often it is written; imports under TYPE_CHECKING count. Layers are the levels of that
graph, the length of its longest path. A cycle is a set of modules or members that import each
other.

    python scripts/structure.py [--imports PACKAGE] [--check]
"""

from __future__ import annotations

import argparse
import ast
import sys
from pathlib import Path

PACKAGES = ("gateway", "storage", "processor", "shared", "csvmill")
ROOT = Path(__file__).resolve().parent.parent

Graph = dict[str, set[str]]
"""What each module, or member, imports."""


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


def members_of(package: str, graph: Graph) -> Graph:
    """The members of a package, and which of them each imports."""
    depth = len(package.split("."))

    def member(module: str) -> str | None:
        parts = module.split(".")
        inside = module.startswith(package + ".")
        return ".".join(parts[: depth + 1]) if inside else None

    members: Graph = {}
    for module, imported in graph.items():
        here = member(module)
        if here is not None:
            there = {other for each in imported if (other := member(each)) is not None}
            members.setdefault(here, set()).update(there - {here})
    return members


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


def layers(graph: Graph) -> int:
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
    parser.add_argument(
        "--imports", metavar="PACKAGE", help="list its members and what each imports"
    )
    parser.add_argument(
        "--check", action="store_true", help="fail if modules or members form cycles"
    )
    options = parser.parse_args()
    graph = imports(ROOT)
    print(f"{'package':<24}{'members':>8}{'layers':>8}{'imports':>9}")
    circles = [("modules", each) for each in cycles(graph)]
    folders = sorted(
        {".".join(name.split(".")[:n]) for name in graph for n in range(1, name.count(".") + 1)}
    )
    for package in folders:
        members = members_of(package, graph)
        imported = sum(len(each) for each in members.values())
        print(f"{package:<24}{len(members):>8}{layers(members):>8}{imported:>9}")
        circles += [("members", each) for each in cycles(members)]
    for kind, circle in circles:
        print(f"cycle of {kind}: {', '.join(circle)}")
    if not circles:
        print("no cycles")
    if options.imports:
        for name, imported in sorted(members_of(options.imports, graph).items()):
            print(f"{name}: {', '.join(sorted(imported)) or '-'}")
    return 1 if options.check and circles else 0


if __name__ == "__main__":
    sys.exit(main())
