"""The share and the limits of single tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.tenant_handlers import FIELDS, LEAST, MOST, MOST_REQUESTS, RATE
from gateway.openapi.access import TAG
from gateway.openapi.nodes import or_null
from gateway.openapi.parts import JSON, json_answer, operation, parameter, problems, reading, ref
from gateway.openapi.schemas import SCHEMAS
from shared.errors import InvalidInput

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

_EXAMPLE: Node = {
    "tenant": "acme",
    "weight": 3,
    "max_running": 8,
    "max_waiting": None,
    "max_bytes": 1_000_000_000_000,
    "max_uploads": None,
    "max_upload_size": None,
    "requests_per_second": None,
}


def _field(name: str) -> Node:
    described: Node = {"description": SCHEMAS["Tenant"]["properties"][name]["description"]}
    if name == RATE:
        limits: Node = {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_REQUESTS}
    else:
        limits = {"type": "integer", "minimum": LEAST[name], "maximum": MOST}
    return or_null({**limits, **described})


LIST_TENANTS = operation(
    "listTenants",
    "List what is set for single tenants",
    tag=TAG,
    description="By name. Only for an operator's key. A tenant exists as soon as it has a key: "
    "what is not set for it is as the settings of the services say.",
    answers={
        **json_answer(200, "The tenants", ref("TenantList"), example={"tenants": [_EXAMPLE]}),
        **problems(),
    },
)
CHANGE_TENANT = operation(
    "changeTenant",
    "Change what is set for a tenant",
    tag=TAG,
    description="Only the members that are sent change; null resets one. Only for an operator's "
    "key. Gateways know it within 5 seconds, processors from the next claim on.",
    parameters=[
        parameter(
            "tenant",
            "path",
            "The name of the tenant, which need not have a key yet",
            {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
            example="acme",
        )
    ],
    body={
        "required": True,
        "content": {
            JSON: {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "minProperties": 1,
                    "properties": {name: _field(name) for name in FIELDS},
                },
                "example": {"weight": 3, "max_running": 8, "max_uploads": None},
            }
        },
    },
    answers={
        **json_answer(200, "All that is set for it", ref("Tenant"), example=_EXAMPLE),
        **problems(InvalidInput),
    },
)

PATHS: Node = {
    "/api/v1/tenants": reading(LIST_TENANTS),
    "/api/v1/tenants/{tenant}": {"patch": CHANGE_TENANT},
}
