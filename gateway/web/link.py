"""Joins the page's modules into a few, which are loaded together.

A browser finds a module's imports when it has the module, and asks for six files at a time. On a
slow network each step is a round trip. So modules that are always needed together are sent as one:
those of the first view as `start.js`, those of another view under the name of its own module, and
those that several views share as `shared-N.js`. A worker is sent with all that it imports.

This is no bundler: it knows the few forms of `import` and `export` that the page's modules use, and
refuses others. What is sent behaves as the modules themselves do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from posixpath import dirname, join, normpath, relpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JOINED = "start.js"
"""The path of the modules of the first view."""
CLIENT = "csvmill.js"
"""The client for other pages: a module with all that it imports."""
STYLES = "core/style.js"
"""The module that loads styles. It is one of the first view."""

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
            raise NotLinkable(f"{(*above, 'the page')[-1]} imports {name}, which is missing")
        if name not in found:
            for target in _static(name, modules[name]):
                visit(target, (*above, name))
            found[name] = None

    for root in roots:
        visit(root, ())
    return list(found)


def styles_of(module: str) -> list[str]:
    """Return the names of the styles that a module needs."""
    return _STYLE.findall(module)


def joined(modules: Mapping[str, str], first: Sequence[str]) -> dict[str, str]:
    """Return the modules as they are sent, by path; `first`, which is `in_order`, as `JOINED`.

    In place of each module that is a part of a joined one there is one that passes on what it
    exports. JSDoc is left out. Raises NotLinkable.
    """
    modules = {name: _JSDOC.sub("", code) for name, code in modules.items()}
    places = _places(modules, first)
    ids = _ids(modules)
    linker = _Linker(modules, places, ids)
    sent = dict(modules)  # what is loaded by no view stays as it is
    for name, place in places.items():
        sent[name] = linker.passing_on(name, place)
    for place in dict.fromkeys(places.values()):
        inside = in_order(modules, [name for name in places if places[name] == place])
        sent[place] = linker.one(place, [name for name in inside if places[name] == place])
    for name in _named(_WORKER, modules) | ({CLIENT} & modules.keys()):
        inside = in_order(modules, [name])
        sent[name] = _Linker(modules, dict.fromkeys(inside, name), ids).one(name, inside)
    return sent


def _ids(modules: Mapping[str, str]) -> dict[str, str]:
    """Return the id of each module, which is another one in each version of the page.

    So a tab that gets modules of another version than its own fails at once, and can say so.
    """
    digest = hashlib.sha256()
    for name, code in sorted(modules.items()):
        digest.update(f"{name} {len(code)}\n{code}".encode())
    return {
        name: f"m{number}_{digest.hexdigest()[:8]}" for number, name in enumerate(sorted(modules))
    }


def _places(modules: Mapping[str, str], first: Sequence[str]) -> dict[str, str]:
    """Return the path of the joined module that has each module.

    Modules that the same views need are together. What a module imports is needed by all views
    that need the module, so joined modules never import each other in a circle.
    """
    views: dict[str, set[str]] = {}
    for view in sorted(_named(_LAZY, modules) - set(first)):
        for name in in_order(modules, [view]):
            if name not in first:
                views.setdefault(name, set()).add(view)
    shared = sorted({tuple(sorted(found)) for found in views.values() if len(found) > 1})
    places = dict.fromkeys(first, JOINED)
    for name, found in views.items():
        key = tuple(sorted(found))
        places[name] = f"shared-{shared.index(key) + 1}.js" if len(key) > 1 else key[0]
    return places


@dataclass(frozen=True, slots=True)
class _Linker:
    """Writes joined modules. A module with the id `m7_0123abcd` is an object of this name there."""

    modules: Mapping[str, str]
    places: Mapping[str, str]
    ids: Mapping[str, str]

    def one(self, place: str, inside: Sequence[str]) -> str:
        """Return the joined module at `place` of the modules `inside`, each after its imports."""
        outside: dict[str, set[str]] = {}
        styles = [each for name in inside for each in styles_of(self.modules[name])]
        needed = [each for name in inside for each in _static(name, self.modules[name])]
        if place == JOINED:
            styles = []  # the HTML contains them
        elif styles:
            needed.append(STYLES)
        for name in needed:
            if self.places[name] != place:
                outside.setdefault(self.places[name], set()).add(self.ids[name])
        head = "".join(
            f'import {{ {", ".join(sorted(found))} }} from "{_relative(place, other)}";\n'
            for other, found in sorted(outside.items())
        )
        if styles:
            calls = ", ".join(f'{self.ids[STYLES]}.needStyle("{style}")' for style in styles)
            head += f"await Promise.all([{calls}]);\n"
        parts = "".join(self._part(name, place) for name in inside)
        listed = f"export {{ {', '.join(self.ids[name] for name in inside)} }};\n"
        return head + parts + listed + (self._names(place) if place in inside else "")

    def passing_on(self, name: str, place: str) -> str:
        """Return a module that exports what the module `name`, a part of `place`, exports."""
        return f'import {{ {self.ids[name]} }} from "{_relative(name, place)}";\n' + self._names(
            name
        )

    def _names(self, name: str) -> str:
        names = ", ".join(_DECLARED.findall(self.modules[name]))
        return f"export const {{ {names} }} = {self.ids[name]};\n" if names else ""

    def _part(self, name: str, place: str) -> str:
        """Return a module as a function that is called at once."""

        def bound(match: re.Match[str]) -> str:
            id_ = self.ids[_target(name, match["path"])]
            if match["space"]:
                return f"const {match['space']} = {id_};\n"
            listed = [each.strip() for each in (match["names"] or "").split(",") if each.strip()]
            names = ", ".join(each.replace(" as ", ": ") for each in listed)
            return f"const {{ {names} }} = {id_};\n" if names else ""

        code = self.modules[name].replace(_NOTHING, "")
        names = _DECLARED.findall(code)
        code = _DECLARED.sub("", _STYLE.sub("", _IMPORT.sub(bound, code)))
        code = _LAZY.sub(lambda match: self._lazy(_target(name, match[1]), place), code)
        code = _HERE.sub(f'new URL("{_relative(place, name)}", import.meta.url).href', code)
        if unknown := _FOREIGN.search(code):
            raise NotLinkable(f"{name} cannot be joined with others: {unknown[0]}")
        listed = ", ".join(names)
        return (
            f"// {name}\nconst {self.ids[name]} = (() => {{\n{code}return {{ {listed} }};\n}})();\n"
        )

    def _lazy(self, target: str, place: str) -> str:
        """Return what imports a module later, with the joined modules that it needs at once."""
        if target not in self.places:
            raise NotLinkable(f"{place} imports {target} later, which is a part of no view")
        needed = [self.places[target]]
        needed += [self.places[name] for name in in_order(self.modules, [target])]
        each = [
            f'import("{_relative(place, other)}")'
            for other in dict.fromkeys(needed)
            if other == needed[0] or other != JOINED
        ]
        if len(each) == 1:
            return f"{each[0]}.then((all) => all.{self.ids[target]})"
        return f"Promise.all([{', '.join(each)}]).then(([all]) => all.{self.ids[target]})"


def _static(name: str, code: str) -> list[str]:
    """Return the modules that a module imports."""
    return [_target(name, match["path"]) for match in _IMPORT.finditer(code)]


def _named(pattern: re.Pattern[str], modules: Mapping[str, str]) -> set[str]:
    """Return the modules that others name in the first group of the pattern."""
    return {
        target
        for name, code in modules.items()
        for match in pattern.finditer(code)
        if (target := _target(name, match[1])) in modules
    }


def _target(name: str, path: str) -> str:
    """Return the module that `name` means by a relative path."""
    return normpath(join(dirname(name), path))


def _relative(name: str, target: str) -> str:
    """Return how the module `name` names another module."""
    path = relpath(target, dirname(name) or ".")
    return path if path.startswith(".") else f"./{path}"
