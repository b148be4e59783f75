"""Joins the modules that the first view needs into one, and names the imports of other views.

A browser finds a module's imports when it has the module, and asks for six files at a time. On a
slow network each step is a round trip. So the modules that are always loaded are sent as one,
`start.js`, and all others import from it. The module of another view names all that it needs, what
its imports need too, so that it is asked for at once.

This is no bundler: it knows the few forms of `import` and `export` that the page's modules use, and
refuses others. What is sent behaves as the modules themselves do.
"""

from __future__ import annotations

import re
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

JOINED = "start.js"
"""The path of the joined module."""

_IMPORT = re.compile(
    r'^import\s+(?:(?:\{(?P<names>[^}]*)\}|\*\s+as\s+(?P<space>\w+))\s+from\s+)?"(?P<path>\.[^"]+)";\n',
    re.MULTILINE,
)
_DECLARED = re.compile(r"^export (?=(?:async )?(?:function\*? |class |const )(\w+))", re.MULTILINE)
_NOTHING = "export {};\n"
"""What makes a module of a file that exports nothing."""
_LAZY = re.compile(r'\bimport\("(\.[^"]+)"\)')
_WORKER = re.compile(r'\bnew Worker\(new URL\("(\.[^"]+)", import\.meta\.url\)')
_STYLE = re.compile(r'^await needStyle\("([\w-]+)"\);\n', re.MULTILINE)
_JSDOC = re.compile(r"^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/\n", re.MULTILINE)
"""What is written for readers and for the checker of types: a third of what is sent."""
_HERE = re.compile(r"\bimport\.meta\.url\b")
_FOREIGN = re.compile(r"^(?:import|export|await)\b.*", re.MULTILINE)


class NotLinkable(Exception):
    """A module has a form of import or export that is not known."""


def in_order(modules: Mapping[str, str], roots: Iterable[str]) -> list[str]:
    """Return the modules `roots` and all that they import statically, each after its imports.

    `modules` are all modules by path. Raises NotLinkable for an import of a module that does not
    exist, or that leads back to the module itself.
    """
    found: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise NotLinkable(f"{name} imports itself: {' -> '.join((*above, name))}")
        if name not in modules:
            raise NotLinkable(
                f"{above[-1] if above else 'the page'} imports {name}, which is missing"
            )
        if name not in found:
            for match in _IMPORT.finditer(modules[name]):
                visit(_target(name, match["path"]), (*above, name))
            found[name] = None

    for root in roots:
        visit(root, ())
    return list(found)


def styles_of(module: str) -> list[str]:
    """Return the names of the styles that a module needs."""
    return _STYLE.findall(module)


def joined(modules: Mapping[str, str], first: Iterable[str]) -> dict[str, str]:
    """Return the modules as they are sent: those of `first`, which is `in_order`, as one.

    In place of each of these there is a module that passes on what it exports. A worker is joined
    with all that it imports, since it shares nothing with the page. JSDoc is left out. Raises
    NotLinkable.
    """
    first = list(first)
    modules = {name: _JSDOC.sub("", code) for name, code in modules.items()}
    exports = {name: _DECLARED.findall(modules[name]) for name in first}
    _check_unique(exports)
    whole = _as_one(modules, first, JOINED)
    for number, names in enumerate(exports.values()):
        whole += f"export const {{ {', '.join(names)} }} = m{number};\n" if names else ""
    sent = {JOINED: whole}
    for name, names in exports.items():
        sent[name] = f'export {{ {", ".join(names)} }} from "{_relative(name, JOINED)}";\n'
    for name in modules.keys() - exports.keys():
        sent[name] = _redirected(name, modules[name], exports)
    for name in _named(_LAZY, modules) - exports.keys():
        needed = [each for each in in_order(modules, [name]) if each not in (*exports, name)]
        ahead = "".join(f'import "{_relative(name, each)}"; ' for each in needed)
        sent[name] = ahead + sent[name]
    for name in _named(_WORKER, modules):
        sent[name] = _as_one(modules, in_order(modules, [name]), name)
    return sent


def _check_unique(exports: Mapping[str, Iterable[str]]) -> None:
    """Raise NotLinkable if two modules export the same name."""
    found: dict[str, str] = {}
    for name, names in exports.items():
        for each in names:
            if each in found:
                raise NotLinkable(f"{name} and {found[each]} export the same name: {each}")
            found[each] = name


def _named(pattern: re.Pattern[str], modules: Mapping[str, str]) -> set[str]:
    """Return the modules that others name in the first group of the pattern."""
    return {
        target
        for name, code in modules.items()
        for match in pattern.finditer(code)
        if (target := _target(name, match[1])) in modules
    }


def _as_one(modules: Mapping[str, str], order: Iterable[str], at: str) -> str:
    """Return modules, each after its imports, as one module with the path `at`.

    What the module with the number N exports is in `mN`.
    """
    places = {name: f"m{number}" for number, name in enumerate(order)}
    return "".join(_part(name, modules[name], places, at) for name in places)


def _part(name: str, code: str, places: Mapping[str, str], at: str) -> str:
    """Return a module as a function that is called at once, in the joined module at `at`."""

    def bound(match: re.Match[str]) -> str:
        place = places[_target(name, match["path"])]
        if match["space"]:
            return f"const {match['space']} = {place};\n"
        listed = ", ".join(each.replace(" as ", ": ") for each in _names(match["names"]))
        return f"const {{ {listed} }} = {place};\n" if listed else ""

    def lazy(match: re.Match[str]) -> str:
        target = _target(name, match[1])
        return f'import("{_relative(at, at if target in places else target)}")'

    names = _DECLARED.findall(code)
    code = _STYLE.sub("", _IMPORT.sub(bound, code))  # the HTML contains the styles
    code = _LAZY.sub(lazy, _DECLARED.sub("", code.replace(_NOTHING, "")))
    code = _HERE.sub(f'new URL("{_relative(at, name)}", import.meta.url).href', code)
    if unknown := _FOREIGN.search(code):
        raise NotLinkable(f"{name} cannot be joined with others: {unknown[0]}")
    return (
        f"// {name}\nconst {places[name]} = (() => {{\n{code}"
        f"return {{ {', '.join(names)} }};\n}})();\n"
    )


def _redirected(name: str, code: str, places: Container[str]) -> str:
    """Return a module with its imports of joined modules changed to those of the joined one."""
    here = _relative(name, JOINED)

    def static(match: re.Match[str]) -> str:
        if _target(name, match["path"]) not in places:
            return match[0]
        if match["space"]:
            raise NotLinkable(f"{name} imports everything that a joined module exports: {match[0]}")
        return match[0].replace(match["path"], here)

    def lazy(match: re.Match[str]) -> str:
        return f'import("{here}")' if _target(name, match[1]) in places else match[0]

    return _LAZY.sub(lazy, _IMPORT.sub(static, code))


def _names(listed: str | None) -> list[str]:
    return [each.strip() for each in (listed or "").split(",") if each.strip()]


def _target(name: str, path: str) -> str:
    """Return the module that `name` means by a relative path."""
    return normpath(join(dirname(name), path))


def _relative(name: str, target: str) -> str:
    """Return how the module `name` names another module."""
    path = relpath(target, dirname(name) or ".")
    return path if path.startswith(".") else f"./{path}"
