"""What to compute of a file, as callers say it and the server takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.aggregation.spec import Aggregation
from shared.aggregation.wire_encoder import wire_json

Asked = Aggregation | Mapping[str, Any]
"""The value, or its JSON (docs/csv.md)."""


def as_json(asked: Asked) -> Mapping[str, Any]:
    """The JSON. What is in a mapping is the server's to judge."""
    return wire_json(asked) if isinstance(asked, Aggregation) else asked
