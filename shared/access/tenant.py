"""Tenants: the owners of uploads and jobs, who know nothing of each other."""

from __future__ import annotations

import re
from typing import NewType

Tenant = NewType("Tenant", str)
"""The name of a tenant: 1 to 63 lower-case letters, digits and hyphens, no hyphen first."""

DEFAULT_TENANT = Tenant("default")
"""The tenant of everything that names no other, such as uploads of an older csvmill."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def parse_tenant(text: str) -> Tenant:
    """Return the tenant with this name. Raises ValueError unless it is the name of one."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"{text!r} is not the name of a tenant; use up to 63 lower-case letters, digits and "
            "hyphens, the first not a hyphen"
        )
    return Tenant(text)
