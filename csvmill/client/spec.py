"""What to compute: an `Aggregation`, or the JSON of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.aggregation.json_codec import aggregation_json
from shared.aggregation.spec import Aggregation

Spec = Aggregation | Mapping[str, Any]
"""An aggregation as a value, or as JSON (docs/aggregation.md)."""
Asked = Spec
"""The former name of `Spec`."""


def spec_json(spec: Spec) -> Mapping[str, Any]:
    """Return the JSON of a spec. A mapping is passed on as it is: the server validates it."""
    return aggregation_json(spec) if isinstance(spec, Aggregation) else spec


def spec_or_name(spec: Spec | str) -> Mapping[str, Any] | str:
    """Return the JSON of a spec; the name of a saved one is passed on."""
    return spec if isinstance(spec, str) else spec_json(spec)
