"""Settings of what one client may hold of a gateway: connections, memory, time."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.http.connection_limits import HEAD_TIMEOUT, IDLE_TIMEOUT, ConnectionLimits
from shared.http.least_rate import LeastRate


class EdgeSettings(BaseSettings):
    """Limits at the edge, each an environment variable `CSVMILL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    max_downloads: int = Field(default=256, ge=1)
    """Downloads that one gateway serves at the same time. Each holds less than 1 MiB."""
    max_tenant_downloads: int = Field(default=128, ge=1)
    """The same of one tenant."""
    max_sorts: int = Field(default=1, ge=1)
    """Results that one gateway sorts for previews at the same time, at most one of each tenant."""
    max_sort_size: int = Field(default=128 << 20, ge=0)
    """Bytes, without compression, of the largest result that is sorted for previews."""
    max_tenant_followers: int = Field(default=500, ge=0)
    """Clients of one tenant that may follow jobs, or wait for their end, through one gateway."""
    min_download_rate: float = Field(default=1024.0, ge=0)
    """Bytes per second that a client has to take on average over `rate_window`; 0 is no limit."""
    min_upload_rate: float = Field(default=128.0, ge=0)
    """Bytes per second that a client has to send on average over `rate_window`, while a body is
    waited for; 0 is no limit."""
    rate_window: float = Field(default=60.0, gt=0)
    """Seconds over which rates are averaged."""

    idle_timeout: float = Field(default=IDLE_TIMEOUT, gt=0)
    """Seconds without a request after which a connection is closed. A proxy before the service has
    to close its own idle connections sooner, or to repeat requests."""
    head_timeout: float = Field(default=HEAD_TIMEOUT, gt=0)
    """Seconds from the first byte of a request to the end of its head."""
    max_connections_per_address: int = Field(default=256, ge=0)
    """Connections of one address at the same time; 0 is no limit. Addresses of this machine and
    those of `trusted_proxies` have no limit."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks of the proxies before the service, such as `10.0.0.0/8`, separated by
    commas. What they write into `X-Forwarded-...` and `Forwarded` is believed."""

    @property
    def upload_rate(self) -> LeastRate:
        """The rate below which a body is given up."""
        return LeastRate(self.min_upload_rate, self.rate_window)

    @property
    def connection_limits(self) -> ConnectionLimits:
        """What a connection may take."""
        return ConnectionLimits(
            idle_timeout=self.idle_timeout,
            head_timeout=self.head_timeout,
            write_timeout=self.rate_window,
            per_address=self.max_connections_per_address,
            proxies=tuple(ip_network(each) for each in self.trusted_proxies),
        )

    @property
    def download_rate(self) -> LeastRate:
        """The rate below which a client is disconnected."""
        return LeastRate(self.min_download_rate, self.rate_window)
