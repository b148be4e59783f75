"""`GET /docs` and its files: Swagger UI, which shows `/openapi.json`.

The files are in `reference/`; those in `reference/vendor/` are copied by `scripts/vendor_page`
(docs/decisions/0038-api-reference.md).
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.web.files import CONTENT_TYPES, VERSION_DIGITS, File
from gateway.web.handlers import ASK_AGAIN, FOR_EVER, SECURITY, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the reference may load and run: its own files. Swagger UI writes styles into elements, and
its pictures are in its styles."""
HTML = "index.html"


@dataclass(frozen=True, slots=True)
class Reference:
    """All files of the reference, of one version."""

    version: str
    """The digest of all files, which is a part of the URLs of all but the HTML."""
    html: File
    files: Mapping[str, File]
    """The files besides the HTML, by their path."""


async def docs(request: web.Request) -> web.Response:
    """Return the HTML of the API reference."""
    found = await asyncio.to_thread(reference)
    policy = {"Content-Security-Policy": POLICY}
    return send(request, found.html, {"Cache-Control": ASK_AGAIN, **policy, **SECURITY})


async def docs_file(request: web.Request) -> web.Response:
    """Return a file of the API reference; in the URL of another version, that of this one."""
    found = await asyncio.to_thread(reference)
    file = found.files.get(request.match_info["path"])
    if file is None:
        raise web.HTTPNotFound
    same = request.match_info["version"] == found.version
    return send(request, file, {"Cache-Control": FOR_EVER if same else ASK_AGAIN})


@cache
def reference() -> Reference:
    """Return the reference that is installed: read and compressed once, which takes 0.1 s."""
    contents = dict(_walk(files(__package__).joinpath("reference"), ""))
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    version = digest.hexdigest()[:VERSION_DIGITS]
    html = contents.pop(HTML).replace(b'"docs/', f'"docs/{version}/'.encode())
    return Reference(
        version,
        File.of(HTML, html),
        {name: File.of(name, content) for name, content in contents.items()},
    )


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            yield from _walk(entry, f"{name}/")
        elif name[name.rfind(".") :] in CONTENT_TYPES:
            yield name, entry.read_bytes()
