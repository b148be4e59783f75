"""Reads the JSON with which a client asks for a job."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.access.json_bodies import read_json
from gateway.http.engine_field import read_engine
from gateway.http.notify_urls import read_notify
from gateway.specs.named import read_named
from shared.errors import InvalidInput, UnsupportedMedia
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.input_limits import MAX_INPUTS

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.specs.named import NamedAggregation

FIELDS = ("inputs", "aggregation", "cache", "name", "notify", "output", "engine")
_SHA256 = re.compile("[0-9a-fA-F]{64}", re.ASCII)
NAME_LIMIT = 500
"""The most characters of the name of a job, and of an upload."""


@dataclass(frozen=True, slots=True)
class AskedInput:
    """An input as a client names it."""

    upload: str = ""
    """The id of an upload, or the name of its file; empty if it has a URL."""
    url: str = ""
    """Where it is to be fetched from; empty if it is an upload."""
    name: str = ""
    """The name that the file gets; empty for the one in the URL."""
    sha256: str | None = None
    """Lower-case hex digest that the file has to have, if the client said so."""
    field: str = "inputs"
    """Where the request has it."""


@dataclass(frozen=True, slots=True)
class AskedJob:
    """What a client asks for."""

    inputs: tuple[AskedInput, ...]
    spec: NamedAggregation
    cache: bool
    name: str | None
    notify: tuple[str, ...]
    """The URLs that are notified when the job ends."""
    digest: str
    """The SHA-256 of the request, whatever the order of its members."""
    output_to: str | None
    """The URL that the result is to be sent to."""
    engine: EngineChoice
    """Where it is to be computed."""


async def read_job_request(request: web.Request) -> AskedJob:
    """Read the body of a request for a job.

    Raises UnsupportedMedia, InvalidInput for a field that is missing, malformed or unknown,
    AddressRefused, and SpecNotFound.
    """
    if request.content_type != "application/json":
        raise UnsupportedMedia(f"the request is {request.content_type}; send application/json")
    fields = await read_json(request)
    if unknown := fields.keys() - set(FIELDS):
        raise InvalidInput(
            f"unknown: {', '.join(sorted(unknown))}; the request for a job has {', '.join(FIELDS)}",
            field=min(unknown),
        )
    canonical = json.dumps(fields, sort_keys=True, default=str)
    return AskedJob(
        _inputs(fields.get("inputs")),
        await _aggregation(request, fields.get("aggregation")),
        _cache(fields.get("cache", True)),
        _name(fields.get("name")),
        read_notify(request, fields.get("notify")),
        hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest(),
        _output_to(fields.get("output")),
        read_engine(fields.get("engine", EngineChoice.AUTO)),
    )


def _output_to(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.keys() != {"to"} or not isinstance(given["to"], str):
        raise InvalidInput('send output as {"to": "s3://bucket/key"}', field="output")
    return str(given["to"])


def _inputs(given: object) -> tuple[AskedInput, ...]:
    if not isinstance(given, list) or not given:
        raise InvalidInput(
            "inputs is missing; send a list of uploads, by their ids or names", field="inputs"
        )
    if len(given) > MAX_INPUTS:
        raise InvalidInput(
            f"there are {len(given)} inputs; a job has at most {MAX_INPUTS}", field="inputs"
        )
    return tuple(_input(each, f"inputs[{number}]") for number, each in enumerate(given))


def _input(given: object, field: str) -> AskedInput:
    if isinstance(given, dict) and "url" in given:
        return _elsewhere(given, field)
    if isinstance(given, dict) and given.keys() == {"upload"}:
        given, field = given["upload"], f"{field}.upload"
    if not isinstance(given, str) or not 1 <= len(given) <= NAME_LIMIT:
        raise InvalidInput(
            f"{field} is {json.dumps(given, default=str)[:100]}; send the id or the name of an "
            'upload, {"upload": ...}, or {"url": ...}',
            field=field,
        )
    return AskedInput(given)


def _elsewhere(given: dict[Any, Any], field: str) -> AskedInput:
    if unknown := given.keys() - {"url", "name", "sha256"}:
        raise InvalidInput(
            f"{field} has {', '.join(sorted(map(str, unknown)))[:100]}; an input with a url has "
            "name and sha256 besides",
            field=field,
        )
    url, name, sha256 = given["url"], given.get("name"), given.get("sha256")
    if not isinstance(url, str) or not url:
        raise InvalidInput(f"{field}.url is not a string; send a URL", field=f"{field}.url")
    if name is not None and (not isinstance(name, str) or not 1 <= len(name.strip()) <= NAME_LIMIT):
        raise InvalidInput(
            f"{field}.name is not a string of 1 to {NAME_LIMIT} characters", field=f"{field}.name"
        )
    if sha256 is not None and not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise InvalidInput(
            f"{field}.sha256 is not a SHA-256; send 64 hexadecimal digits", field=f"{field}.sha256"
        )
    return AskedInput(
        url=url,
        name=(name or "").strip(),
        sha256=None if sha256 is None else sha256.lower(),
        field=f"{field}.url",
    )


async def _aggregation(request: web.Request, given: Any) -> NamedAggregation:
    if given is None:
        raise InvalidInput("aggregation is missing; send what to compute", field="aggregation")
    return await read_named(request, given, "aggregation")


def _cache(given: object) -> bool:
    if not isinstance(given, bool):
        raise InvalidInput(f"cache is {given!r}; send true or false", field="cache")
    return given


def _name(given: object) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or not 1 <= len(given.strip()) <= NAME_LIMIT:
        raise InvalidInput(
            f"name is not a text of 1 to {NAME_LIMIT} characters; send the name of the job",
            field="name",
        )
    return given.strip()
