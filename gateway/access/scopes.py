"""Which scope a request needs, for every route of the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from shared.access.principal import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Need:
    """What a principal needs for a route: any of these scopes."""

    scopes: frozenset[Scope]
    operator: bool = False
    """Whether only an operator has it: what the route shows is of all tenants."""
    anonymous: bool = False
    """Whether the first clients use it, which have no key (`CSVMILL_ANONYMOUS_TENANT`)."""
    linked: bool = False
    """Whether a signed link authenticates a request for it."""
    key_only: bool = False
    """Whether tokens of an identity provider are refused: what they create could not be revoked."""


OPEN = None
"""The need of a route that everybody may use."""
READ = Need(frozenset({Scope.READ}))
MAKE_LINK = Need(frozenset({Scope.READ}), key_only=True)
READ_BY_LINK = Need(frozenset({Scope.READ}), linked=True)
UPLOAD = Need(frozenset({Scope.UPLOAD}))
STATE_OF_UPLOAD = Need(frozenset({Scope.UPLOAD, Scope.READ}))
"""Who sends a file needs its offset to continue. To ask for it by the IETF protocol ends an append
in progress, and needs `UPLOAD` (see `gateway.protocols.dispatch`)."""
SHOW_SPEC = Need(frozenset({Scope.UPLOAD, Scope.READ}))
"""Who may send a file with the name of a spec may know what it computes."""
ADMIN = Need(frozenset({Scope.ADMIN}))
METRICS = Need(frozenset({Scope.ADMIN}), operator=True, key_only=True)
"""Of this route alone, `CSVMILL_OPEN_METRICS` says whether it needs a key."""
OPERATE = Need(frozenset({Scope.ADMIN}), operator=True, key_only=True)
FIRST_UPLOAD = Need(frozenset({Scope.UPLOAD}), anonymous=True)
FIRST_READ = Need(frozenset({Scope.READ}), anonymous=True)
ANONYMOUS_SCOPES = FIRST_UPLOAD.scopes | FIRST_READ.scopes

NEEDS: Mapping[tuple[str, str], Need | None] = {
    ("GET", "/"): OPEN,
    ("GET", "/page/{version}/{path}"): OPEN,
    ("GET", "/csvmill.js"): OPEN,
    ("GET", "/csvmill.d.ts"): OPEN,
    ("GET", "/docs"): OPEN,
    ("GET", "/docs/{version}/{path}"): OPEN,
    ("GET", "/openapi.json"): OPEN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): METRICS,
    ("POST", "/api/upload_file"): FIRST_UPLOAD,
    ("GET", "/api/file_status/{job_id}"): FIRST_READ,
    ("GET", "/api/download_file/{job_id}"): FIRST_READ,
    ("GET", "/api/v1/jobs"): READ,
    ("POST", "/api/v1/jobs"): UPLOAD,  # and `READ`: see `gateway.datasets.ask`
    ("GET", "/api/v1/jobs/{job_id}"): READ,
    ("DELETE", "/api/v1/jobs/{job_id}"): UPLOAD,
    ("GET", "/api/v1/jobs/{job_id}/events"): READ,
    ("POST", "/api/v1/jobs/{job_id}/retry"): UPLOAD,
    ("GET", "/api/v1/jobs/{job_id}/result"): READ_BY_LINK,
    ("DELETE", "/api/v1/jobs/{job_id}/result"): UPLOAD,
    ("GET", "/api/v1/jobs/{job_id}/rejects"): READ_BY_LINK,
    ("POST", "/api/v1/jobs/{job_id}/links"): MAKE_LINK,
    ("GET", "/api/v1/jobs/{job_id}/preview"): READ,
    ("POST", "/api/v1/inspections"): UPLOAD,
    ("OPTIONS", "/api/v1/uploads"): OPEN,
    ("GET", "/api/v1/uploads"): READ,
    ("POST", "/api/v1/uploads"): UPLOAD,
    ("PUT", "/api/v1/uploads"): UPLOAD,
    ("OPTIONS", "/api/v1/uploads/{upload}"): OPEN,
    ("GET", "/api/v1/uploads/{upload}"): STATE_OF_UPLOAD,
    ("PATCH", "/api/v1/uploads/{upload}"): UPLOAD,
    ("DELETE", "/api/v1/uploads/{upload}"): UPLOAD,
    ("POST", "/api/v1/uploads/{upload}/inspect"): READ,
    ("PUT", "/api/v1/uploads/{upload}/keep"): UPLOAD,
    ("PUT", "/api/v1/uploads/{upload}/chunks/{offset}"): UPLOAD,
    ("GET", "/api/v1/audit"): ADMIN,
    ("GET", "/api/v1/keys"): ADMIN,
    ("POST", "/api/v1/keys"): ADMIN,
    ("DELETE", "/api/v1/keys/{key_id}"): ADMIN,
    ("POST", "/api/v1/keys/{key_id}/rotate"): ADMIN,
    ("GET", "/api/v1/tenants"): OPERATE,
    ("PATCH", "/api/v1/tenants/{tenant}"): OPERATE,
    ("GET", "/api/v1/specs"): SHOW_SPEC,
    ("GET", "/api/v1/specs/{name}"): SHOW_SPEC,
    ("PUT", "/api/v1/specs/{name}"): UPLOAD,
    ("DELETE", "/api/v1/specs/{name}"): UPLOAD,
    ("GET", "/api/v1/notifications"): ADMIN,
    ("POST", "/api/v1/notifications/{notification_id}/retry"): ADMIN,
    ("GET", "/api/v1/webhooks/secret"): ADMIN,
    ("POST", "/api/v1/webhooks/secret"): ADMIN,
    ("OPTIONS", "/api/tus"): OPEN,
    ("OPTIONS", "/api/tus/"): OPEN,
    ("OPTIONS", "/api/tus/{upload}"): OPEN,
    ("POST", "/api/tus"): UPLOAD,
    ("POST", "/api/tus/"): UPLOAD,
    ("GET", "/api/tus/{upload}"): UPLOAD,  # it ends an append in progress
    ("PATCH", "/api/tus/{upload}"): UPLOAD,
    ("DELETE", "/api/tus/{upload}"): UPLOAD,
    ("POST", "/api/tus/{upload}"): UPLOAD,
}
"""The need of each route, by method (`GET` stands for `HEAD` too) and path."""
UNKNOWN = Need(frozenset(Scope))
"""The need of a request without a route: strangers do not learn which there are."""


def need_of(request: web.Request) -> Need | None:
    """Return what a request needs; None if everybody may make it."""
    resource = request.match_info.route.resource
    if resource is None:
        # An open page has no secrets: another method is not allowed to anybody
        wrong_method = isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
        return OPEN if wrong_method and _is_open(request.path) else UNKNOWN
    method = "GET" if request.method == "HEAD" else request.method
    return NEEDS.get((method, resource.canonical), UNKNOWN)


def _is_open(path: str) -> bool:
    """Whether everybody may read what is at a path."""
    return NEEDS.get(("GET", path), UNKNOWN) is OPEN or path.startswith(_OPEN_FOLDERS)


_OPEN_FOLDERS = tuple(
    path.partition("{")[0]
    for (method, path), need in NEEDS.items()
    if need is OPEN and method == "GET" and "{" in path
)
