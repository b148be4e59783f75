"""Problem details of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import ClientResponse


async def problem_of(response: ClientResponse, status: int, name: str) -> dict[str, Any]:
    """Return the problem details of an answer, which must have this type."""
    assert response.content_type == "application/problem+json"
    problem: dict[str, Any] = await response.json()
    assert (response.status, problem["status"]) == (status, status)
    assert problem["type"] == (name if ":" in name else f"urn:csvmill:problem:{name}")
    assert problem["title"]
    return problem
