"""Reads the headers of tus requests (https://tus.io/protocols/resumable-upload, 1.0.0)."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from uuid import UUID

from gateway.protocols.common.request import fail_early
from gateway.uploads.filenames import base_name
from shared.aggregation.json_reader import parse_aggregation
from shared.aggregation.spec import SONG_PLAYS
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from shared.aggregation.spec import Aggregation

_NUMBER = re.compile(r"[0-9]{1,18}")
_PATH = re.compile(r"(?:/[^?#]*)?/api/tus/([0-9a-fA-F-]{36})/?")
"""The path of an upload, which may be below the prefix of a proxy."""
UNNAMED = "upload"
"""The name of a file without one; its suffix depends on the media type."""
_SUFFIXES = {
    "text/tab-separated-values": ".tsv",
    "application/gzip": ".csv.gz",
    "application/x-gzip": ".csv.gz",
    "application/zstd": ".csv.zst",
    "application/x-bzip2": ".csv.bz2",
    "application/zip": ".csv.zip",
}
"""Suffixes of file names, by media type; `.csv` for any other."""


def number(request: web.Request, name: str) -> int | None:
    """Return a header that is a number of bytes; None if it is absent. Raises InvalidInput."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text.strip()):
        raise InvalidInput(f"{name} is {text!r}; send a whole number of bytes", field=name)
    return int(text)


def declared_length(request: web.Request) -> int | None:
    """Return `Upload-Length`, or None for `Upload-Defer-Length: 1`.

    Raises InvalidInput unless exactly one of them is there.
    """
    length = number(request, "Upload-Length")
    defer = request.headers.get("Upload-Defer-Length")
    if defer is not None and defer.strip() != "1":
        raise InvalidInput(f"Upload-Defer-Length is {defer!r}; send 1", field="Upload-Defer-Length")
    if (length is None) == (defer is None):
        raise InvalidInput(
            "send either Upload-Length or Upload-Defer-Length", field="Upload-Length"
        )
    return length


def metadata(request: web.Request) -> dict[str, bytes]:
    """Return `Upload-Metadata`. Values are bytes; only those that are used have to be text.

    Raises InvalidInput that names the malformed pair.
    """
    field = "Upload-Metadata"
    found: dict[str, bytes] = {}
    text = ",".join(request.headers.getall(field, [])).strip()
    for pair in text.split(",") if text else ():
        key, _, encoded = pair.strip().partition(" ")
        if not key or not key.isascii() or key in found:
            raise InvalidInput(f"{field}: {pair!r} has no key, or one given before", field=field)
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True)
        except ValueError as error:  # not base64, or not even ASCII
            raise InvalidInput(f"{field}: {key} is not base64", field=field) from error
    return found


def filename(request: web.Request) -> str:
    """Return the name of the file: `filename` or `name` of the metadata.

    Without them, a name whose suffix fits `filetype`. Raises InvalidInput.
    """
    given = metadata(request)
    name = _text(given, "filename") or _text(given, "name")
    if not name:
        media_type = _text(given, "filetype").partition(";")[0].strip().lower()
        name = UNNAMED + _SUFFIXES.get(media_type, ".csv")
    return base_name(name, field="Upload-Metadata")


def aggregation(request: web.Request) -> Aggregation:
    """Return the aggregation: `spec` of the metadata, or the default. Raises InvalidInput."""
    spec = _text(metadata(request), "spec")
    return parse_aggregation(spec, "spec") if spec.strip() else SONG_PLAYS


def fails_early(request: web.Request) -> bool:
    """Return whether `fail_early` is true in the metadata, or in the URL. Raises InvalidInput."""
    given = _text(metadata(request), "fail_early").strip()
    if given not in ("", "true", "false"):
        raise InvalidInput(
            f"Upload-Metadata: fail_early is {given!r}; send true or false", field="fail_early"
        )
    return given == "true" if given else fail_early(request)


def _text(given: Mapping[str, bytes], key: str) -> str:
    try:
        return given.get(key, b"").decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"Upload-Metadata: {key} is not UTF-8 in base64", field="Upload-Metadata"
        ) from error


def parts_of_final(concat: str) -> list[UUID]:
    """Return the uploads that `final;<url> <url>...` names. Raises InvalidInput."""
    ids = []
    for url in concat.partition(";")[2].split():
        path = re.sub(r"^https?://[^/]*", "", url)
        try:
            ids.append(UUID(_PATH.fullmatch(path)[1]))  # type: ignore[index]  # None is TypeError
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"Upload-Concat: {url!r} is not an upload of this service", field="Upload-Concat"
            ) from error
    if not ids:
        raise InvalidInput("Upload-Concat names no upload", field="Upload-Concat")
    if len(set(ids)) < len(ids):
        # Its bytes would count once, and be stored as often as it is named.
        raise InvalidInput("Upload-Concat names an upload twice", field="Upload-Concat")
    return ids
