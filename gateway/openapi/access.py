"""API keys, signed links and the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.access.key_handlers import MAX_LIFE, SCOPES
from gateway.access.scopes import NEEDS, OPEN
from gateway.openapi.examples import JOB_ID, UPLOAD_ID
from gateway.openapi.jobs import JOB_ID_IN_PATH
from gateway.openapi.nodes import or_null, text
from gateway.openapi.parts import (
    JSON,
    header,
    json_answer,
    operation,
    parameter,
    problems,
    reading,
    ref,
)
from gateway.openapi.requests import NOTIFY
from gateway.results.links import EXPIRES_IN, OUTPUTS
from shared.access.keys import MAX_KEYS, NAME_LIMIT
from shared.access.management import MAX_OVERLAP, OVERLAP
from shared.errors import (
    AddressRefused,
    InvalidInput,
    JobNotFound,
    KeyNotFound,
    NoWebhookSecret,
    TooManyKeys,
)
from shared.http.audit_query import LIMIT, MAX_LIMIT

if TYPE_CHECKING:
    from gateway.openapi.parts import Node

TAG = "Access"
KEY_ID = "8sYqP2LmZx"
SCHEME = "apiKey"
OIDC_SCHEME = "oidcToken"
LINK_SCHEME = "signedLink"
SECURITY_SCHEMES: Node = {
    SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer csvmill_<id>_<secret>`. The service "
        "demands one unless it listens on a loopback address, or runs with `CSVMILL_AUTH=off`.",
    },
    OIDC_SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token of the OpenID Connect provider that `CSVMILL_OIDC_ISSUER` "
        "names, if it names one. Its scopes are `csvmill:upload`, `csvmill:read` and "
        "`csvmill:admin`.",
    },
    LINK_SCHEME: {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": "A link made by `createLink`, with its parameters as they are.",
    },
}
"""How a request is authenticated."""
_LINK_PARAMETERS = [
    parameter(name, "query", f"{what} of a link made by `createLink`", {"type": "string"})
    for name, what in {"expires": "Expiry", "key": "Key", "signature": "Signature"}.items()
]
_EXAMPLE: Node = {
    "id": KEY_ID,
    "tenant": "acme",
    "name": "nightly import",
    "scopes": ["read", "upload"],
    "operator": False,
    "created_at": "2026-01-02T03:04:05.678Z",
    "expires_at": None,
    "last_used_at": "2026-01-03T03:04:05.678Z",
    "revoked_at": None,
    "rotated_at": None,
    "previous_until": None,
    "notify": [],
}
_NEW = {"key": {**_EXAMPLE, "last_used_at": None}, "secret": f"csvmill_{KEY_ID}_..."}
_ENTRY: Node = {
    "id": UPLOAD_ID,
    "at": "2026-01-02T03:04:05.678Z",
    "tenant": "acme",
    "key_id": KEY_ID,
    "address": "203.0.113.7",
    "action": "job.cancelled",
    "object": JOB_ID,
    "detail": None,
}
_KEY = parameter("key_id", "path", "The id of the key", {"type": "string"}, example=KEY_ID)
_OF_OPERATOR = "An operator's key manages those of all tenants, others those of their own tenant."


def secured(paths: Node) -> Node:
    """Return the paths with the scopes that each operation needs, one of them in each entry.

    Where a token would do, it is an entry too.

    The last entry is empty: a service that demands no key answers without one.
    """
    for path, item in paths.items():
        for method, shown in item.items():
            need = NEEDS["GET" if method == "head" else method.upper(), path]
            scopes = [] if need is OPEN else sorted(need.scopes)
            schemes = (SCHEME,) if need is OPEN or need.key_only else (SCHEME, OIDC_SCHEME)
            shown["security"] = [{name: [scope]} for name in schemes for scope in scopes] + [{}]
            if need is not OPEN and need.linked:
                shown["security"].insert(-1, {LINK_SCHEME: []})
                shown["parameters"] = [*shown["parameters"], *_LINK_PARAMETERS]
    return paths


def _seconds(description: str, at_most: float, *, at_least: int = 1) -> Node:
    return {
        "type": "integer",
        "minimum": at_least,
        "maximum": int(at_most),
        "description": description,
    }


def _body(schema: Node, example: Node, *, required: bool = True) -> Node:
    whole = {"type": "object", "additionalProperties": False, **schema}
    return {"required": required, "content": {JSON: {"schema": whole, "example": example}}}


LIST_KEYS = operation(
    "listKeys",
    "List the API keys",
    tag=TAG,
    description=f"The oldest first, also those that have expired or are revoked. {_OF_OPERATOR}",
    answers={
        **json_answer(200, "The keys", ref("KeyList"), example={"keys": [_EXAMPLE]}),
        **problems(),
    },
)
CREATE_KEY = operation(
    "createKey",
    "Create an API key",
    tag=TAG,
    description="The answer is the only one that shows the key: only its SHA-256 is stored. A "
    f"tenant has at most {MAX_KEYS} keys: then a new one takes the place of one that has "
    f"ended. {_OF_OPERATOR}",
    body=_body(
        {
            "properties": {
                "name": text("What the key is for", minLength=1, maxLength=NAME_LIMIT),
                "scopes": {
                    "type": "array",
                    "items": {"enum": SCOPES},
                    "minItems": 1,
                    "description": "What the key allows",
                },
                "tenant": or_null(
                    text("The tenant; that of the caller's key by default",
                         pattern="^[a-z0-9][a-z0-9-]{0,62}$")
                ),
                "operator": or_null(
                    {"type": "boolean", "description": "Whether it manages keys of all tenants"}
                ),
                "expires_in": or_null(
                    _seconds("Seconds for which it is valid; null forever", MAX_LIFE)
                ),
                "notify": or_null(
                    {**NOTIFY, "description": "URLs that are notified when a job created with it "
                     "ends (see the webhook `jobEnded`)"}
                ),
            },
            "required": ["name", "scopes"],
        },
        {"name": "nightly import", "scopes": ["upload", "read"]},
    ),
    answers={
        **json_answer(201, "The key", ref("NewKey"), example=_NEW),
        **problems(InvalidInput, AddressRefused, TooManyKeys, NoWebhookSecret),
    },
)  # fmt: skip
REVOKE_KEY = operation(
    "revokeKey",
    "Revoke an API key",
    tag=TAG,
    description="For good. Other gateways accept the key for some seconds (`CSVMILL_KEY_CACHE`). "
    "Repeating the request is harmless.",
    parameters=[_KEY],
    answers={
        **json_answer(
            200,
            "The key",
            ref("Key"),
            example={**_EXAMPLE, "revoked_at": "2026-01-04T00:00:00.000Z"},
        ),
        **problems(KeyNotFound),
    },
)
ROTATE_KEY = operation(
    "rotateKey",
    "Give an API key a new secret",
    tag=TAG,
    description="Id, name, scopes and expiry stay. The previous secret is valid for `overlap` "
    "seconds more; one of an earlier rotation is not valid any more.",
    parameters=[_KEY],
    body=_body(
        {
            "properties": {
                "overlap": or_null(
                    _seconds(
                        f"Seconds for which the previous secret is valid; {OVERLAP:.0f} by default",
                        MAX_OVERLAP,
                        at_least=0,
                    )
                )
            }
        },
        {"overlap": 3600},
        required=False,
    ),
    answers={
        **json_answer(200, "The key", ref("NewKey"), example=_NEW),
        **problems(InvalidInput, KeyNotFound),
    },
)

LIST_AUDIT = operation(
    "listAudit",
    "Show the audit trail",
    tag=TAG,
    description="What was created, downloaded, cancelled, deleted and changed, by whom, the newest "
    "first. An operator's key shows the entries of all tenants, others those of their own tenant.",
    parameters=[
        parameter("action", "query", "Only this action", text("An action"), example="job.created"),
        parameter("object", "query", "Only this upload, job or key", text("An id")),
        parameter("key", "query", "Only what was done with this key", text("An id of a key")),
        parameter(
            "since", "query", "Only at this time or later",
            text("A date-time (RFC 3339)", format="date-time"), example="2026-01-02T03:04:05Z",
        ),
        parameter(
            "until", "query", "Only before this time",
            text("A date-time (RFC 3339)", format="date-time"),
        ),
        parameter(
            "limit", "query", "The most entries on a page",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": LIMIT},
        ),
        parameter("cursor", "query", "The page: from `next`", text("A cursor")),
    ],
    answers={
        **json_answer(
            200, "A page", ref("AuditPage"), example={"entries": [_ENTRY], "next": None}
        ),
        **problems(InvalidInput),
    },
)  # fmt: skip

CREATE_LINK = operation(
    "createLink",
    "Create a link to the result of a job, which works without a key",
    tag=TAG,
    description="For browsers, and for programs such as `curl -O`. A client that has the link "
    "downloads this output, whole or in ranges, until the link expires, or the key with "
    "which it was made is "
    "revoked or expires.",
    parameters=[JOB_ID_IN_PATH],
    body=_body(
        {
            "properties": {
                "output": or_null({"type": "string", "enum": [*OUTPUTS, None]}),
                "expires_in": or_null(
                    {
                        "type": "integer",
                        "minimum": 1,
                        "description": f"Seconds for which it is valid; {EXPIRES_IN} by default, "
                        "at most `CSVMILL_MAX_LINK_LIFE`",
                    }
                ),
            }
        },
        {"output": "result", "expires_in": 600},
        required=False,
    ),
    answers={
        **json_answer(
            201,
            "The link",
            ref("Link"),
            headers={"Location": header("The link")},
            example={
                "url": f"/api/v1/jobs/{JOB_ID}/result?expires=1767323045&key={KEY_ID}&signature="
                "M4x8lDn1e0T7mJ3q2yPq8mVJQ0m2bZ8y1o9yT6sXh2A",
                "expires_at": "2026-01-02T03:04:05.000Z",
            },
        ),
        **problems(InvalidInput, JobNotFound),
    },
)

PATHS: Node = {
    "/api/v1/jobs/{job_id}/links": {"post": CREATE_LINK},
    "/api/v1/audit": reading(LIST_AUDIT),
    "/api/v1/keys": {**reading(LIST_KEYS), "post": CREATE_KEY},
    "/api/v1/keys/{key_id}": {"delete": REVOKE_KEY},
    "/api/v1/keys/{key_id}/rotate": {"post": ROTATE_KEY},
}
