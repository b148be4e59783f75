"""Reads the JSON with which keys and secrets are changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.access.json_bodies import read_json
from shared.errors import InvalidInput
from shared.http.request_body import whole_number

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aiohttp import web

NO_STORE = {"Cache-Control": "no-store"}


async def fields_of(request: web.Request, known: Collection[str]) -> dict[str, Any]:
    """Return the JSON object in the body; an empty one without a body. Raises InvalidInput."""
    if not request.can_read_body:
        return {}
    fields = await read_json(request)
    if unknown := sorted(fields.keys() - set(known)):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; send {', '.join(sorted(known))}", field=unknown[0]
        )
    return fields


def seconds_in(
    fields: Mapping[str, Any], field: str, at_most: int, *, at_least: int = 1
) -> float | None:
    """Return a number of whole seconds, None if it is null or missing. Raises InvalidInput."""
    value = fields.get(field)
    seconds = whole_number(value)
    if value is None:
        return None
    if seconds is None or not at_least <= seconds <= at_most:
        raise InvalidInput(
            f"{field} is {value}; send whole seconds from {at_least} to {at_most}", field=field
        )
    return float(seconds)
