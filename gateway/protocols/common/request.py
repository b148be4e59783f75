"""Reads files in request bodies: their names, specs, keys and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

from aiohttp import content_disposition_filename, parse_content_disposition

from gateway.http.idempotency import idempotency_key
from gateway.http.notify_urls import notify_in_query
from gateway.keys import SETTINGS
from gateway.specs.named import named_in_query
from gateway.uploads.create import NewUpload, create_once
from gateway.uploads.filenames import base_name
from gateway.uploads.keeping import keep_in_query
from shared.errors import InvalidInput
from shared.http.request_body import body_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web

    from gateway.uploads.context import UploadContext
    from gateway.uploads.upload import Upload
    from shared.blobs.socket_part import Piece


_PARAMETERS = ("name", "spec", "fail_early", "job", "keep", "notify")


def refuse_unknown_parameters(request: web.Request) -> None:
    """Raise InvalidInput for a parameter of the URL that a creation does not have.

    If one like `?aggregation=` was ignored, something else would be computed than was asked.
    """
    if unknown := sorted(set(request.query) - set(_PARAMETERS)):
        hint = "; what to compute is spec" if "aggregation" in unknown else ""
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; the parameters are {', '.join(_PARAMETERS)}{hint}",
            field=unknown[0],
        )


async def create_from_headers(
    request: web.Request,
    context: UploadContext,
    size: int | None,
    sha256: str | None,
    *,
    awaits_mark: bool = False,
) -> Upload:
    """Create the upload of a request that declares it as `declared_by_headers` reads it.

    With an Idempotency-Key, the same key gives the same upload. Raises InvalidInput for what is
    missing or malformed, SpecNotFound, and as `create_once`.
    """
    new = await declared_by_headers(request, size, sha256, awaits_mark=awaits_mark)
    return await create_once(context, idempotency_key(request), new)


async def declared_by_headers(
    request: web.Request, size: int | None, sha256: str | None, *, awaits_mark: bool = False
) -> NewUpload:
    """Return what a request declares whose content is a file, or the first bytes of one.

    The file's name is `?name=` or in Content-Disposition (RFC 6266), its spec `?spec=` or
    the saved one of that name, and it may be `?fail_early=true`, `?job=false` and `?keep=`. Each
    `?notify=` is a URL that is notified when the job ends. Raises InvalidInput for what is missing,
    malformed or unknown, and SpecNotFound.
    """
    refuse_unknown_parameters(request)
    name, named = _filename(request), await named_in_query(request)
    return NewUpload(
        name,
        size,
        sha256,
        named.aggregation,
        awaits_mark,
        fail_early(request),
        notify_in_query(request),
        becomes_job(request),
        keep_in_query(request.query.get("keep")),
        named.name,
    )


def fail_early(request: web.Request) -> bool:
    """Return whether the URL has `?fail_early=true`. Raises InvalidInput for another value."""
    given = request.query.get("fail_early", "false")
    if given not in ("true", "false"):
        raise InvalidInput(f"fail_early is {given!r}; send true or false", field="fail_early")
    return given == "true"


def becomes_job(request: web.Request) -> bool:
    """Return whether an upload becomes a job, which `?job=false` denies. Raises InvalidInput.

    One that does not has no spec, nor can it fail early.
    """
    given = request.query.get("job", "true")
    if given not in ("true", "false"):
        raise InvalidInput(f"job is {given!r}; send true or false", field="job")
    if given == "false":
        refuse_question(
            request.query.get("spec", "").strip() or None,
            fails_early=fail_early(request),
            notifies="notify" in request.query,
        )
    return given == "true"


def refuse_question(
    spec: object, *, fails_early: bool, notifies: bool, engine: object = None
) -> None:
    """Raise InvalidInput if an upload that becomes no job has what only jobs have."""
    if spec is not None or fails_early or notifies or engine is not None:
        raise InvalidInput(
            "job is false, and an aggregation, fail_early, notify or engine is given; send them "
            "with the request for a job",
            field="job",
        )


def _filename(request: web.Request) -> str:
    given = request.query.get("name")
    if not given:
        with catch_warnings():
            simplefilter("ignore")  # a malformed field names no file
            _, parameters = parse_content_disposition(request.headers.get("Content-Disposition"))
            given = content_disposition_filename(parameters)
    if not given:
        raise InvalidInput(
            "the file has no name; add ?name= to the URL, or a filename in Content-Disposition",
            field="name",
        )
    return base_name(given, field="name")


def plain_body(request: web.Request) -> AsyncGenerator[Piece, None]:
    """Yield the bytes of a file in the body.

    Iterating raises InvalidInput if the body ends early, or the client stalls or is too slow.
    """
    settings = request.app[SETTINGS]
    return body_pieces(request, settings.client_timeout, least=settings.upload_rate)
