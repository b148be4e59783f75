"""Principals: on whose behalf a request is made, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.access.tenant import Tenant


class Scope(StrEnum):
    """A kind of requests that a principal may make."""

    UPLOAD = "upload"
    """To create, fill and cancel uploads and jobs."""
    READ = "read"
    """To show and list uploads and jobs, and to download results."""
    ADMIN = "admin"
    """To administer the tenant, its API keys included."""


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request."""

    tenant: Tenant
    scopes: frozenset[Scope] = ALL_SCOPES
    key_id: str | None = None
    """The id of the API key that the request was authenticated with; None without a key."""
    is_operator: bool = False
    """Whether it manages the keys of all tenants, and reads their audit trail."""
    notify: tuple[str, ...] = ()
    """The URLs that are notified when a job that it creates ends."""
