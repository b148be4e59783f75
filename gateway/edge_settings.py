"""Settings of what one client may hold of a gateway: connections, memory, time."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.http.least_rate import LeastRate


class EdgeSettings(BaseSettings):
    """Limits at the edge, each an environment variable `CSVMILL_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True)

    max_downloads: int = Field(default=256, ge=1)
    """Downloads that one gateway serves at the same time. Each holds less than 1 MiB."""
    max_tenant_downloads: int = Field(default=128, ge=1)
    """The same of one tenant."""
    min_download_rate: float = Field(default=1024.0, ge=0)
    """Bytes per second that a client has to take on average over `rate_window`; 0 is no limit."""
    rate_window: float = Field(default=60.0, gt=0)
    """Seconds over which rates are averaged."""

    @property
    def download_rate(self) -> LeastRate:
        """The rate below which a client is disconnected."""
        return LeastRate(self.min_download_rate, self.rate_window)
