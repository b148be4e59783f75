"""The settings of requests to URLs that clients name, each a variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.http.outgoing import HTTP_TOO, HTTPS_ONLY, OutgoingPolicy
from shared.http.public_addresses import Network, read_networks


class OutgoingSettings(BaseSettings):
    """Where this service may send requests that clients ask for."""

    model_config = SettingsConfigDict(
        env_prefix="CSVMILL_", frozen=True, populate_by_name=True, defer_build=True
    )

    outgoing_networks: Annotated[tuple[Network, ...], NoDecode] = ()
    """Networks such as `10.1.0.0/16,fd00::/8` to which requests may go besides the public internet.
    By default none: no private, loopback or link-local address."""
    outgoing_http: bool = False
    """Whether they may go to `http://` URLs too, and not to `https://` alone."""

    @field_validator("outgoing_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        return read_networks(value) if isinstance(value, str) else value

    def outgoing_policy(self, hosts: tuple[str, ...] | None = None) -> OutgoingPolicy:
        """Return what is allowed; `hosts` restricts it to some names (see `OutgoingPolicy`)."""
        schemes = HTTP_TOO if self.outgoing_http else HTTPS_ONLY
        return OutgoingPolicy(schemes, self.outgoing_networks, hosts)
