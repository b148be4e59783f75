"""The settings of the gateway, each an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path  # noqa: TC003 - pydantic evaluates the annotations
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gateway.edge_settings import EdgeSettings
from gateway.oidc_settings import OidcSettings, none_if_empty
from shared.access.tenant import DEFAULT_TENANT, Tenant, parse_tenant
from shared.blobs.linking import LONGEST_LIFE
from shared.blobs.servers.settings import StorageClientSettings
from shared.database.settings import DatabaseSettings
from shared.http.elsewhere import ElsewhereSettings
from shared.http.forwarded import is_authority, prefix_of
from shared.http.hosts import is_loopback
from shared.telemetry.logs import LogSettings

_TEBIBYTE = 1 << 40


class GatewaySettings(EdgeSettings, OidcSettings, ElsewhereSettings):
    """Settings of the gateway as a service and in standalone."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    host: str = "127.0.0.1"
    """Address to listen on."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names by which clients reach the service, separated by commas, besides those of this machine
    (and, unless it listens on a loopback address, any IP address). `*.example.com` is every name
    below `example.com`; `*` is any name, which admits DNS rebinding."""
    public_url: Annotated[str | None, BeforeValidator(none_if_empty)] = None
    """The URL at which clients reach the service, such as `https://example.com/csv`, if a proxy is
    before it. Links begin with its path. Empty: as trusted proxies state, or as the request."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins besides the service's own whose pages may call the API, separated by commas; `*` is
    all."""
    auth: Annotated[Literal["keys", "off"] | None, BeforeValidator(none_if_empty)] = None
    """`keys` demands an API key of every request; `off` answers to everybody. By default `off` on a
    loopback address without `oidc_issuer`, and otherwise `keys`."""
    anonymous_tenant: Annotated[Tenant | None, BeforeValidator(none_if_empty)] = None
    """The tenant of the first clients, which send no key; empty demands one of them too."""
    open_metrics: bool = False
    """Whether `/metrics` needs no key: for networks that only the operator reaches."""
    max_link_life: int = Field(default=604_800, gt=0)
    """The most seconds for which a link to a result is valid."""
    download_redirect: bool = False
    """Whether downloads by `/api/v1` are redirected to object storage, if storage keeps blobs
    there."""
    download_redirect_life: int = Field(default=300, ge=1, le=LONGEST_LIFE)
    """Seconds in which such a download has to begin."""
    audit_ttl: float = Field(default=7_776_000.0, ge=0)
    """Seconds for which entries of the audit trail are kept; with 0, none are written."""
    key_cache: float = Field(default=5.0, ge=0)
    """Seconds for which an API key is remembered; so long a revoked one is still accepted."""
    tenant: Annotated[Tenant, AfterValidator(parse_tenant)] = DEFAULT_TENANT
    """The tenant of requests that are not authenticated, such as those of the first clients."""
    tenant_metrics: int = Field(default=0, ge=0)
    """How many tenants have series of their own in the metrics; the others are counted together."""
    max_upload_size: int = Field(default=_TEBIBYTE, gt=0)
    """The largest size of an upload, in bytes."""
    tenant_max_bytes: int | None = Field(default=None, ge=0)
    """Bytes that a tenant may store: uploads, as large as they were declared, and results. No limit
    by default. This and the settings of tenants below are overridden by the table `tenants`."""
    tenant_max_uploads: int | None = Field(default=1000, ge=0)
    """Uploads that a tenant may have in progress."""
    tenant_max_waiting: int | None = Field(default=None, ge=0)
    """Jobs of a tenant that may wait for an attempt; then new uploads are refused. No limit by
    default."""
    tenant_requests_per_second: float | None = Field(default=None, gt=0)
    """Requests a second that one gateway answers to a tenant, on average over ten seconds. No limit
    by default."""
    upload_ttl: float = Field(default=86_400.0, gt=0)
    """Seconds for which an incomplete upload is kept, as clients see it; equal to the setting of
    the processors, which remove it."""
    max_attempts: int = Field(default=3, gt=0)
    """Attempts at a job before it is a FAILURE."""
    spool_dir: Path | None = None
    """Folder for chunks whose offset is not known yet; None is the system's temporary folder."""
    head_start_size: int = Field(default=64 << 20, gt=0)
    """Bytes of the smallest upload that is offered to processors while it is received."""
    follow_interval: float = Field(default=0.5, gt=0)
    """Seconds between two queries for the jobs that clients follow."""
    follow_heartbeat: float = Field(default=15.0, gt=0)
    """Seconds without an event after which a subscription gets a comment."""
    max_followers: int = Field(default=1000, ge=0)
    """The most clients that may follow jobs through one gateway."""
    client_timeout: float = Field(default=120.0, gt=0)
    """Seconds without a byte sent or received after which a client is disconnected. Storage has the
    same setting, which must not be smaller."""

    @field_validator("trusted_proxies")
    @classmethod
    def _check(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if (
            parts.scheme not in ("http", "https")
            or not is_authority(parts.netloc)
            or prefix_of(parts.path) is None
            or parts.query
            or parts.fragment
        ):
            raise ValueError("send an http or https URL with a host, and perhaps a path")
        return value

    @field_validator("anonymous_tenant")
    @classmethod
    def _parse(cls, value: Tenant | None) -> Tenant | None:
        return None if value is None else parse_tenant(value)

    @property
    def demands_keys(self) -> bool:
        """Whether requests need an API key, or a token of the configured issuer."""
        if self.auth is None:
            return self.oidc_issuer is not None or not is_loopback(self.host)
        return self.auth == "keys"

    @field_validator("allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


class GatewayProcessSettings(GatewaySettings, DatabaseSettings, StorageClientSettings, LogSettings):
    """Settings of the gateway as a process of its own."""

    port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free port."""
    broker_url: SecretStr
    """`amqp://...`"""
    shutdown_timeout: float = Field(default=30.0, ge=0)
    """Seconds for requests in progress to finish after SIGTERM."""
