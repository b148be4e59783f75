"""`/api/v1/keys`: the API keys of a tenant, or for an operator those of all tenants.

The keys of operators are managed by operators only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.addresses import client_address
from gateway.access.caller import principal_of
from gateway.access.key_fields import NO_STORE, fields_of, seconds_in
from gateway.access.known_keys import KNOWN_KEYS
from gateway.access.webhook_secret import require_secret
from gateway.http.notify_urls import read_notify
from gateway.keys import PORTS
from shared.access.acting import Acting
from shared.access.management import MAX_OVERLAP, OVERLAP, KeyManager
from shared.access.principal import Scope
from shared.access.tenant import parse_tenant
from shared.api.access import KeyListView, KeyView, NewKeyView
from shared.errors import InvalidInput, KeyNotFound, NotAuthenticated, ScopeMissing

if TYPE_CHECKING:
    from shared.access.keys import ApiKey, KeyText
    from shared.access.principal import Principal
    from shared.access.tenant import Tenant

MAX_LIFE = 100 * 365 * 86_400
"""Seconds of the longest life of a key that expires."""
FIELDS = ("name", "scopes", "tenant", "operator", "expires_in", "notify")
SCOPES = [scope.value for scope in Scope]


async def list_keys(request: web.Request) -> web.Response:
    """`GET /api/v1/keys`: list the keys, also those that have expired or are revoked."""
    keys = await _manager(request).listed()
    view = KeyListView(keys=tuple(map(KeyView.of_key, keys)))
    return web.json_response(view.as_json(), headers=NO_STORE)


async def create_key(request: web.Request) -> web.Response:
    """`POST /api/v1/keys`: create a key, and show it for the only time."""
    manager, principal = _manager(request), principal_of(request)
    fields = await fields_of(request, FIELDS)
    tenant = _tenant(fields.get("tenant"), principal)
    operator = fields.get("operator")
    operator = False if operator is None else operator
    if not isinstance(operator, bool):
        raise InvalidInput(f"operator is {operator!r}; send true or false", field="operator")
    if not principal.is_operator and (operator or tenant != principal.tenant):
        raise ScopeMissing(
            "only a key of an operator creates keys of operators and of other tenants",
            scopes=frozenset({Scope.ADMIN}),
        )
    notify = read_notify(request, fields.get("notify"))
    if notify:
        await require_secret(request.app[PORTS].jobs.access, tenant)
    try:
        key, text = await manager.create(
            _name(fields.get("name")),
            tenant,
            _scopes(fields.get("scopes")),
            is_operator=operator,
            expires_in=seconds_in(fields, "expires_in", MAX_LIFE),
            notify=notify,
        )
    except ValueError as error:
        raise InvalidInput(str(error), field="name") from error
    return _shown(request, key, text, status=201)


async def rotate_key(request: web.Request) -> web.Response:
    """`POST /api/v1/keys/{key_id}/rotate`: give a key a new secret, and show it."""
    fields = await fields_of(request, {"overlap"})
    overlap = seconds_in(fields, "overlap", int(MAX_OVERLAP), at_least=0)
    manager, key_id = _manager(request), request.match_info["key_id"]
    rotated = await manager.rotate(key_id, overlap=OVERLAP if overlap is None else overlap)
    if rotated is None:
        raise KeyNotFound(f"there is no key {key_id!r} that can be rotated")
    return _shown(request, *rotated)


async def revoke_key(request: web.Request) -> web.Response:
    """`DELETE /api/v1/keys/{key_id}`: revoke a key for good. Repeating is harmless."""
    key_id = request.match_info["key_id"]
    key = await _manager(request).revoke(key_id)
    if key is None:
        raise KeyNotFound(f"there is no key {key_id!r}")
    request.app[KNOWN_KEYS].forget(key.id)
    return web.json_response(KeyView.of_key(key).as_json(), headers=NO_STORE)


def _manager(request: web.Request) -> KeyManager:
    """Return the manager of the keys that the caller may manage. Raises NotAuthenticated."""
    principal = principal_of(request)
    if principal.key_id is None:
        raise NotAuthenticated(
            "keys are managed with a key, and this service demands none (CSVMILL_AUTH=off): use "
            "`csvmill keys` on its machine"
        )
    who = Acting(principal.tenant, principal.key_id, client_address(request))
    return KeyManager(
        request.app[PORTS].jobs.access.keys,
        who,
        None if principal.is_operator else principal.tenant,
    )


def _shown(request: web.Request, key: ApiKey, text: KeyText, *, status: int = 200) -> web.Response:
    request.app[KNOWN_KEYS].forget(key.id)
    view = NewKeyView(key=KeyView.of_key(key), secret=text.text)
    return web.json_response(view.as_json(), status=status, headers=NO_STORE)


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"name is {value!r}; send a text", field="name")
    return value


def _scopes(value: object) -> frozenset[Scope]:
    if isinstance(value, list) and value and all(each in SCOPES for each in value):
        return frozenset(map(Scope, value))
    raise InvalidInput(f"scopes is {value!r}; send a list of {', '.join(SCOPES)}", field="scopes")


def _tenant(value: object, principal: Principal) -> Tenant:
    if value is None:
        return principal.tenant
    if not isinstance(value, str):
        raise InvalidInput(f"tenant is {value!r}; send a text", field="tenant")
    try:
        return parse_tenant(value)
    except ValueError as error:
        raise InvalidInput(f"tenant: {error}", field="tenant") from error
