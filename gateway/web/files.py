"""The files of the page, as they are sent.

The page is what `page/` contains: HTML, ES modules and styles, which no tool builds. They are read
once, and sent below a URL with the digest of all of them. So they are cached for ever, all modules
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
from typing import TYPE_CHECKING

from gateway.web.link import JOINED, STYLES, in_order, joined, styles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".ts": "text/plain",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""The media type of each suffix. A file with another suffix is not sent."""
HTML = "index.html"
FIRST = ("app.js", "home/view.js")
"""The modules of the first view, which are joined with all that they import (`link`). The HTML
names the first of them."""
PLACE = b"<!-- first -->\n"
"""Where the HTML contains the styles of the first view, so that it can be drawn at once."""
VERSION_DIGITS = 16

_SHEET = re.compile(rb'<link rel="stylesheet" href="page/([^"]+)">\n')


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
    """Read the page in `folder`. Raises NotLinkable for modules that cannot be joined."""
    contents = dict(_walk(folder, ""))
    html = contents.pop(HTML)
    modules = {name: content.decode() for name, content in contents.items() if name.endswith(".js")}
    first = in_order(modules, (*FIRST, STYLES))
    contents |= {name: code.encode() for name, code in joined(modules, first).items()}
    parts = dict.fromkeys(part for name in first for part in styles_of(modules[name]))
    sheets = [match[1].decode() for match in _SHEET.finditer(html)]
    sheets += [f"styles/{part}.css" for part in parts]
    style = b"".join(contents[name] for name in sheets)
    element = f'<style data-parts="{" ".join(parts)}">'.encode() + style + b"</style>\n"
    text = _SHEET.sub(b"", html).replace(PLACE, element)
    text = text.replace(f'"page/{FIRST[0]}"'.encode(), f'"page/{JOINED}"'.encode())
    digest = hashlib.sha256(text)
    for name, content in sorted(contents.items()):
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    version = digest.hexdigest()[:VERSION_DIGITS]
    return Page(
        version,
        File.of(HTML, text.replace(b'"page/', f'"page/{version}/'.encode())),
        {name: File.of(name, content) for name, content in contents.items()},
        b64encode(hashlib.sha256(style).digest()).decode(),
    )


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif _suffix(name) in CONTENT_TYPES:
            yield name, entry.read_bytes()


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]
