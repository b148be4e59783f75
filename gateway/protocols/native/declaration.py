"""Reads the JSON with which native clients declare files."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from gateway.access.json_bodies import read_json
from gateway.http.engine_field import read_engine
from gateway.http.notify_urls import notify_in_query, read_notify
from gateway.protocols.common.request import (
    becomes_job,
    fail_early,
    refuse_question,
    refuse_unknown_parameters,
)
from gateway.specs.named import named_in_query, read_named
from gateway.uploads.create import NewUpload
from gateway.uploads.filenames import base_name
from gateway.uploads.keeping import keep_in_query, seconds_to_keep
from shared.errors import InvalidInput
from shared.http.request_body import whole_number
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from aiohttp import web

_FIELDS = ("name", "size", "sha256", "aggregation", "fail_early", "notify", "job", "keep", "engine")
_SHA256 = re.compile(r"[0-9a-f]{64}")


async def read_declaration(request: web.Request) -> NewUpload:
    """Read the body of a creation. All but name, size, digest and engine may be in its
    URL instead.

    Raises InvalidInput for a field that is missing, malformed or unknown, AddressRefused, and
    SpecNotFound.
    """
    refuse_unknown_parameters(request)
    fields = await read_json(request)
    if unknown := fields.keys() - set(_FIELDS):
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; an upload has {', '.join(_FIELDS)}",
            field=min(unknown),
        )
    name, size, sha256, spec, fails_early, notify, job, keep, engine = (
        fields.get(field) for field in _FIELDS
    )
    if not isinstance(name, str):
        raise InvalidInput(f"name is {name!r}; send the name of the file", field="name")
    if not isinstance(fails_early, bool | None):
        raise InvalidInput(f"fail_early is {fails_early!r}; send true or false", field="fail_early")
    if not isinstance(job, bool | None):
        raise InvalidInput(f"job is {job!r}; send true or false", field="job")
    if "size" not in fields:
        raise InvalidInput("size is missing; send null if it is not known yet", field="size")
    # Checked even if the body has them.
    named, of_url = await named_in_query(request), (fail_early(request), becomes_job(request))
    kept_by_url = keep_in_query(request.query.get("keep"))
    job = of_url[1] if job is None else job
    if not job:
        refuse_question(
            spec or request.query.get("spec"),
            fails_early=bool(fails_early or of_url[0]),
            notifies=bool(notify) or "notify" in request.query,
            engine=engine,
        )
    if spec is not None:
        named = await read_named(request, spec, "aggregation")
    return NewUpload(
        base_name(name, field="name"),
        None if size is None else _size(size),
        _sha256(sha256),
        named.aggregation,
        fail_early=of_url[0] if fails_early is None else fails_early,
        notify=read_notify(request, notify) or notify_in_query(request),
        job=job,
        keep=kept_by_url if keep is None else seconds_to_keep(keep),
        spec_name=named.name,
        engine=EngineChoice.AUTO if engine is None else read_engine(engine),
    )


async def read_size(request: web.Request) -> int:
    """Read the body `{"size": n}`, in bytes. Raises InvalidInput."""
    fields = await read_json(request)
    if unknown := fields.keys() - {"size"}:
        raise InvalidInput(
            f"{', '.join(sorted(unknown))} cannot be changed; send only size",
            field=min(unknown),
        )
    return _size(fields.get("size"))


def _size(value: object) -> int:
    whole = whole_number(value)
    if whole is None or whole < 0:
        shown = str(value) if isinstance(value, Decimal) else repr(value)
        raise InvalidInput(
            f"size is {shown}; send the bytes of the file, a whole number", field="size"
        )
    return whole


def _sha256(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _SHA256.fullmatch(value.lower()):
        return value.lower()
    raise InvalidInput(f"sha256 is {value!r}; send 64 hex digits, or nothing", field="sha256")
