"""Specs that are saved under a name: values, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.access.tenant import Tenant
    from shared.aggregation.spec import Aggregation

MAX_SPECS = 1000
"""The most specs of a tenant, which are listed in one answer."""
NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
_NAME = re.compile(NAME_PATTERN[1:-1])


@dataclass(frozen=True, slots=True)
class SavedSpec:
    """A spec of a tenant. Times are Unix seconds."""

    tenant: Tenant
    name: str
    aggregation: Aggregation
    version: str
    """Another one after each change; hex digits."""
    created_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What a change demands of the spec that it changes (RFC 9110, 13.1). By default nothing."""

    versions: tuple[str, ...] | None = None
    """The spec has one of these versions; None for any version."""
    exists: bool = False
    """There is one."""
    is_new: bool = False
    """There is none."""


ANYTHING = Expected()


def is_spec_name(text: str) -> bool:
    """Whether a spec may have this name."""
    return _NAME.fullmatch(text) is not None
