"""The aggregation, as it is sent and shown: the schema of `shared.aggregation.json_reader`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi.models import as_components
from shared.aggregation.json_reader import json_schema

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

NAME = "Aggregation"

AGGREGATION_EXAMPLE: Node = {
    "group_by": ["Song", {"column": "Date", "truncate": "month"}],
    "aggregates": [{"function": "sum", "column": "Number of Plays", "name": "Plays"}],
    "where": {"column": "Number of Plays", "op": ">", "value": 0},
    "order_by": [{"column": "Plays", "descending": True}],
    "limit": 100,
    "output": "csv",
}

SCHEMAS = as_components(NAME, json_schema())
SCHEMAS[NAME]["examples"] = [AGGREGATION_EXAMPLE]
