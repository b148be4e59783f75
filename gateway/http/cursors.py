"""The cursors of lists that are shown page by page, newest first."""

from __future__ import annotations

import base64
import math
import re
import struct
from typing import TYPE_CHECKING
from uuid import UUID

from multidict import MultiDict
from yarl import URL

from gateway.http.public_url import public_path
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import MultiMapping

_CURSOR = re.compile(r"[A-Za-z0-9_-]{32}")
_POSITION = struct.Struct(">d16s")


def cursor_of(created_at: float, id_: UUID) -> str:
    """Return the cursor of what follows a position: 32 characters that need no escape."""
    return base64.urlsafe_b64encode(_POSITION.pack(created_at, id_.bytes)).decode()


def parse_cursor(cursor: str) -> tuple[float, UUID]:
    """Return the position of a cursor: when what precedes was created, and its id.

    Raises InvalidInput.
    """
    if _CURSOR.fullmatch(cursor):
        created_at, id_ = _POSITION.unpack(base64.urlsafe_b64decode(cursor))
        if math.isfinite(created_at):
            return created_at, UUID(bytes=id_)
    raise InvalidInput(
        f"cursor is {cursor!r}, which is not valid; use the one of `next`, or none",
        field="cursor",
    )


def next_page(request: web.Request, cursor: str) -> str:
    """Return the path, with the query, of the page that begins at `cursor`, as clients reach it."""
    query = MultiDict(request.query)
    query["cursor"] = cursor
    return public_path(str(URL.build(path=request.path, query=query)))


def single_value(query: MultiMapping[str], field: str) -> str | None:
    """Return the value of a parameter; None if it is missing. Raises InvalidInput if repeated."""
    values = query.getall(field, [])
    if len(values) > 1:
        raise InvalidInput(f"{field} is given {len(values)} times; give it once", field=field)
    return values[0] if values else None
