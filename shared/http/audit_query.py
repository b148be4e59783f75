"""The query of a list of the audit trail: filters, page size and cursor."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from shared.access.audit import AuditFilter
from shared.errors import InvalidInput
from shared.http.list_parameters import parse_limit, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.access.audit import AuditEntry
    from shared.access.tenant import Tenant

LIMIT = 100
"""The default number of entries on a page."""
MAX_LIMIT = 1000
FIELDS = ("action", "object", "key", "since", "until", "limit", "cursor")
TEXT_LIMIT = 500
"""The most characters of a text to look for."""

_CURSOR = re.compile(r"(0x[01]\.[0-9a-f]{1,13}p[+-][0-9]{1,4})~([0-9a-f-]{36})")


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries to list, and how many on a page."""

    filter: AuditFilter
    limit: int

    def after(self, position: tuple[float, str]) -> Self:
        """Return the query of the page after the entry at `position`."""
        return replace(self, filter=replace(self.filter, before=position))


def audit_query(query: Mapping[str, str], tenant: Tenant | None = None) -> AuditQuery:
    """Read a query. `tenant` restricts it. Raises InvalidInput, which names the field."""
    if unknown := sorted(set(query) - set(FIELDS)):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; the parameters are {', '.join(FIELDS)}",
            field=unknown[0],
        )
    until = parse_time("until", query.get("until"))
    before = None if until is None else (until, "")
    return AuditQuery(
        AuditFilter(
            tenant=tenant,
            action=_text(query, "action"),
            object=_text(query, "object"),
            key_id=_text(query, "key"),
            since=parse_time("since", query.get("since")) or 0.0,
            before=_position(query) or before,
        ),
        parse_limit(query.get("limit"), default=LIMIT, most=MAX_LIMIT),
    )


def position_of(entry: AuditEntry) -> tuple[float, str]:
    """Return the position after which the next page begins."""
    return entry.at, str(entry.id)


def cursor_of(entry: AuditEntry) -> str:
    """Return the cursor of the page after an entry: characters that need no escape but `+`."""
    return f"{entry.at.hex()}~{entry.id}"


def _position(query: Mapping[str, str]) -> tuple[float, str] | None:
    cursor = query.get("cursor")
    if cursor is None:
        return None
    found = _CURSOR.fullmatch(cursor)
    at = math.inf if found is None else _finite(found[1])
    if found is None or not math.isfinite(at):
        raise InvalidInput(
            f"cursor is {cursor!r}, which is not valid; use the one of `next`, or none",
            field="cursor",
        )
    return at, found[2]


def _finite(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        return math.inf


def _text(query: Mapping[str, str], field: str) -> str | None:
    text = query.get(field)
    if text is not None and (len(text) > TEXT_LIMIT or not text.isprintable()):
        raise InvalidInput(
            f"{field} has more than {TEXT_LIMIT} characters, or some that no entry has",
            field=field,
        )
    return text
