"""Who makes a request, by the claims of a token whose signature is verified."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from shared.access.principal import Principal, Scope
from shared.access.tenant import parse_tenant
from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "oidc:"
"""The ids of tokens in logs and the audit trail begin with this; no id of a key does."""
SCOPE_PREFIX = "csvmill:"
"""The scopes of csvmill among those of other services."""
SUBJECT_LENGTH = 80
"""The most characters of a subject that are shown."""
SCOPES = {f"{SCOPE_PREFIX}{scope}": scope for scope in Scope}

_PLAIN = re.compile(rf"[0-9A-Za-z._@|:+-]{{1,{SUBJECT_LENGTH}}}")
_OTHER = re.compile(r"[^0-9A-Za-z._@|:+-]")


def principal_of(claims: Mapping[str, Any], *, tenant_claim: str, scope_claim: str) -> Principal:
    """Return the principal of a token. Raises NotAuthenticated unless it names a tenant.

    Scopes of other services are ignored. A token is never that of an operator.
    """
    name = claim(claims, tenant_claim)
    if not isinstance(name, str):
        raise NotAuthenticated(f"the token has no tenant: its claim {tenant_claim} is not a string")
    try:
        tenant = parse_tenant(name)
    except ValueError:
        raise NotAuthenticated(
            f"the claim {tenant_claim} of the token is not the name of a tenant"
        ) from None
    return Principal(tenant, scopes_of(claim(claims, scope_claim)), id_of(str(claims["sub"])))


def is_of_token(principal: Principal) -> bool:
    """Whether a principal was found by a token."""
    return principal.key_id is not None and principal.key_id.startswith(PREFIX)


def claim(claims: Mapping[str, Any], path: str) -> object:
    """Return a claim by its name, or `b` of the object `a` for the path `a.b`; None without it."""
    if path in claims:
        return claims[path]
    first, dot, rest = path.partition(".")
    inner = claims.get(first)
    return claim(inner, rest) if dot and isinstance(inner, dict) else None


def scopes_of(value: object) -> frozenset[Scope]:
    """Return the scopes in a claim: a text with spaces between them, or a list of texts."""
    names = value.split(" ") if isinstance(value, str) else value
    if not isinstance(names, list):
        return frozenset()
    return frozenset(SCOPES[name] for name in names if isinstance(name, str) and name in SCOPES)


def id_of(subject: str) -> str:
    """Return the id under which a subject is logged: short, without characters that mislead.

    If something of the subject is not shown, a digest tells it from others.
    """
    if _PLAIN.fullmatch(subject):
        return PREFIX + subject
    digest = hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{PREFIX}{_OTHER.sub('_', subject)[: SUBJECT_LENGTH - 17]}~{digest}"
