"""Settings of the tokens of an OpenID Connect provider."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.http.hosts import is_private_url

PACKAGES = ("cryptography", "jwt")
"""What the extra `oidc` installs."""


def none_if_empty(value: object) -> object:
    """Return None for an empty text: so a variable of the environment can be left empty."""
    return value or None


class OidcSettings(BaseSettings):
    """Whose tokens are accepted besides API keys, each an environment variable `CSVMILL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    oidc_issuer: Annotated[str | None, BeforeValidator(none_if_empty)] = None
    """The URL of the provider, exactly as its tokens have it in `iss`. Empty accepts no tokens."""
    oidc_audience: Annotated[
        str | None, BeforeValidator(none_if_empty), Field(validate_default=True)
    ] = None
    """What tokens for this service have in `aud`."""
    oidc_tenant_claim: str = Field(default="tenant", min_length=1)
    """The claim with the tenant; `a.b` is `b` in the object `a`."""
    oidc_scope_claim: str = Field(default="scope", min_length=1)
    """The claim with the scopes: a text with spaces between them, or a list of texts."""

    @field_validator("oidc_issuer")
    @classmethod
    def _check_issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not is_private_url(value) or "?" in value or "#" in value:
            raise ValueError("send an https URL, or an http URL of this machine, without a query")
        if missing := [package for package in PACKAGES if find_spec(package) is None]:
            raise ValueError(
                f"tokens need packages that are not installed ({', '.join(missing)}): install "
                "csvmill[oidc]"
            )
        return value

    @field_validator("oidc_audience")
    @classmethod
    def _check_audience(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("oidc_issuer") is not None:
            raise ValueError(
                "CSVMILL_OIDC_ISSUER needs CSVMILL_OIDC_AUDIENCE: otherwise tokens that the "
                "provider issues for other services would be accepted"
            )
        return value
