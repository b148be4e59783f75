"""The files of the page, as they are sent.

The page is what `page/` contains: HTML, ES modules and styles, which no tool builds. Its modules
are sent below a URL with the digest of the whole folder. So they are cached for ever, all modules
that a page loads are of one version, and a new version has new URLs. Only the HTML, which names the
digest, is asked for again each time.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""The media type of each suffix. A file with another suffix is not sent."""
HTML = "index.html"
FIRST = ("app.js", "home/view.js")
"""The modules that the first view needs: the browser loads them, and what they import, at once."""
PLACE = b"<!-- first -->"
"""Where the HTML names them, and contains the styles, so that it can be drawn at once."""
VERSION_DIGITS = 16

_IMPORT = re.compile(rb'^\s*(?:import|export)\b(?:[^"\';]*?\bfrom)?\s*"(\.[^"]+)"', re.MULTILINE)

_SHEET = re.compile(rb'<link rel="stylesheet" href="page/([^"]+)">\n')
_PART = re.compile(rb'\bneedStyle\("([\w-]+)"\)')


@dataclass(frozen=True, slots=True)
class File:
    """A file of the page."""

    content_type: str
    plain: bytes
    gzipped: bytes
    """The same, compressed."""
    digest: str
    """Of the plain bytes, in hexadecimal."""

    @classmethod
    def of(cls, name: str, plain: bytes) -> File:
        """Return the file of this name and content."""
        return cls(
            CONTENT_TYPES[_suffix(name)],
            plain,
            gzip.compress(plain, mtime=0),
            hashlib.sha256(plain).hexdigest()[:VERSION_DIGITS],
        )


@dataclass(frozen=True, slots=True)
class Page:
    """All files of the page, of one version."""

    version: str
    """The digest of all files, which is a part of the URLs of all but the HTML."""
    html: File
    files: Mapping[str, File]
    """The files besides the HTML, by their path."""
    style_digest: str
    """The SHA-256 of the styles within the HTML, in base64."""


@cache
def page() -> Page:
    """Return the page that is installed, which is read once."""
    return read_page(files(__package__).joinpath("page"))


def read_page(folder: Traversable) -> Page:
    """Read the page in `folder`."""
    contents = dict(_walk(folder, ""))
    html = contents.pop(HTML)
    digest = hashlib.sha256(html)
    for name, content in sorted(contents.items()):
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    version = digest.hexdigest()[:VERSION_DIGITS]
    modules = imported(contents, FIRST)
    style, named = _first_style(contents, html, modules)
    links = "\n".join(f'<link rel="modulepreload" href="page/{name}">' for name in modules)
    text = _SHEET.sub(b"", html).replace(PLACE, named + links.encode())
    return Page(
        version,
        File.of(HTML, text.replace(b'"page/', f'"page/{version}/'.encode())),
        {name: File.of(name, content) for name, content in contents.items()},
        b64encode(hashlib.sha256(style).digest()).decode(),
    )


def _first_style(
    contents: Mapping[str, bytes], html: bytes, modules: Iterable[str]
) -> tuple[bytes, bytes]:
    """Return the styles of the first view, and the element that contains them."""
    parts = dict.fromkeys(
        match[1].decode() for name in modules for match in _PART.finditer(contents[name])
    )
    sheets = [match[1].decode() for match in _SHEET.finditer(html)]
    sheets += [f"styles/{part}.css" for part in parts]
    style = b"".join(contents[name] for name in sheets)
    return style, f'<style data-parts="{" ".join(parts)}">'.encode() + style + b"</style>\n"


def imported(contents: Mapping[str, bytes], roots: tuple[str, ...]) -> list[str]:
    """Return the modules `roots` and all that they import statically, each once.

    `contents` are the files by path. Raises KeyError for a module that is not among them.
    """
    found: dict[str, None] = {}
    waiting = list(reversed(roots))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += [
                normpath(join(dirname(name), match[1].decode()))
                for match in _IMPORT.finditer(contents[name])
            ]
    return list(found)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif _suffix(name) in CONTENT_TYPES:
            yield name, entry.read_bytes()


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
