"""The query of a list of jobs: filters, limit and cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.http.cursors import parse_cursor, single_value
from shared.errors import InvalidInput
from shared.http.list_parameters import parse_limit, parse_time
from shared.jobs.job import JobFilter, JobPosition, JobState

if TYPE_CHECKING:
    from multidict import MultiMapping

    from shared.access.tenant import Tenant

LIMIT = 50
"""The default number of jobs on a page."""
MAX_LIMIT = 500
NAME_LIMIT = 500
"""The most characters of a part of a name to search for."""
FIELDS = ("state", "created_after", "created_before", "filename", "name", "limit", "cursor")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which jobs to list, after which one, and how many at most."""

    filter: JobFilter
    name: str | None
    """Only jobs whose file names contain this."""
    after: JobPosition | None
    limit: int


def list_query(query: MultiMapping[str], tenant: Tenant) -> ListQuery:
    """Parse the query of a URL for jobs of a tenant.

    Raises InvalidInput for malformed and unknown parameters.
    """
    if unknown := sorted(set(query) - set(FIELDS)):
        raise InvalidInput(
            f"unknown: {', '.join(unknown)}; the parameters are {', '.join(FIELDS)}",
            field=unknown[0],
        )
    single = {field: single_value(query, field) for field in FIELDS if field != "state"}
    return ListQuery(
        JobFilter(
            states=_states(query.getall("state", [])),
            created_from=parse_time("created_after", single["created_after"]),
            created_before=parse_time("created_before", single["created_before"]),
            filename=single["filename"],
            tenant=tenant,
        ),
        _name(single["name"], single["filename"]),
        _position(single["cursor"]),
        parse_limit(single["limit"], default=LIMIT, most=MAX_LIMIT),
    )


def _position(cursor: str | None) -> JobPosition | None:
    return None if cursor is None else JobPosition(*parse_cursor(cursor))


def _name(part: str | None, filename: str | None) -> str | None:
    if part is not None and filename is not None:
        raise InvalidInput("send name or filename, not both", field="name")
    if part is not None and not 1 <= len(part) <= NAME_LIMIT:
        raise InvalidInput(
            f"name has {len(part)} characters; send 1 to {NAME_LIMIT} that file names contain",
            field="name",
        )
    return part


def _states(values: list[str]) -> frozenset[JobState]:
    """Parse states that are repeated or separated by commas."""
    names = [name.strip() for value in values for name in value.split(",")]
    for name in names:
        if name not in list(JobState):
            raise InvalidInput(
                f"state is {name!r}; send {', '.join(JobState)}, repeated or separated by commas",
                field="state",
            )
    return frozenset(map(JobState, names)) or JobFilter().states
