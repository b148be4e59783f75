"""Reads what to compute: a spec, or the name of one that the tenant has saved."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.access.caller import tenant_of
from gateway.keys import PORTS
from shared.aggregation.json_reader import parse_aggregation, read_aggregation
from shared.aggregation.spec import SONG_PLAYS
from shared.errors import InvalidInput, SpecNotFound
from shared.jobs.saved_spec import is_spec_name

if TYPE_CHECKING:
    from aiohttp import web

    from shared.aggregation.spec import Aggregation


@dataclass(frozen=True, slots=True)
class NamedAggregation:
    """What to compute, and the name of the saved spec that it is, if it is one."""

    aggregation: Aggregation
    name: str | None = None


async def read_named(request: web.Request, given: object, field: str) -> NamedAggregation:
    """Return the aggregation that is `given` in the field of a body, or has this name now.

    Raises InvalidInput, and SpecNotFound for a name that the caller's tenant does not have.
    """
    if not isinstance(given, str):
        return NamedAggregation(read_aggregation(given, field))
    if not is_spec_name(given):  # no statement for a text of any length
        raise SpecNotFound(f"there is no saved spec {given[:100]!r}; send a spec, or its name")
    saved = await request.app[PORTS].jobs.specs.find(tenant_of(request), given)
    return NamedAggregation(saved.aggregation, given)


async def named_in_query(request: web.Request) -> NamedAggregation:
    """Return the aggregation of `?spec=`, which is JSON or a name; by default the plays of songs.

    A text that begins with neither a brace, a bracket nor a quotation mark is a name. Raises as
    `read_named`.
    """
    text = request.query.get("spec", "").strip()
    if not text:
        return NamedAggregation(SONG_PLAYS)
    if text[0] in "{[":
        return NamedAggregation(parse_aggregation(text, "spec"))
    name = text
    if text[0] == '"':
        try:
            name = json.loads(text)
        except ValueError as error:
            raise InvalidInput(f"spec is not JSON: {error}", field="spec") from error
    return await read_named(request, name, "spec")
