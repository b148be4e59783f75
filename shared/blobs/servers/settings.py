"""Settings of the services for storage, each an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from shared.blobs.mutual_tls import MutualTlsSettings


class StorageClientSettings(MutualTlsSettings):
    """The settings of a process that uses storage servers."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    storage_url: str
    """`http://...`, or `https://...` with mutual TLS, of the storage server, or of several,
    separated by commas. Each has to have the same URL for as long as it has blobs in flight, and in
    all services."""
    storage_token: Annotated[SecretStr, Field(min_length=1)]
    """The bearer token for storage; of several, the first."""
    storage_lost_after: Annotated[float, Field(ge=1.0)] = 60.0
    """Seconds without an answer after which uploads in flight are moved from one of several storage
    servers to another. Longer than a restart takes."""

    @field_validator("storage_url")
    @classmethod
    def _check_urls(cls, value: str) -> str:
        urls = _split(value)
        if not urls or len(set(urls)) != len(urls):
            raise ValueError("the URL of a storage server, or of several, separated by commas")
        return value

    @property
    def storage_urls(self) -> tuple[str, ...]:
        """The URL of each storage server."""
        return _split(self.storage_url)


def _split(value: str) -> tuple[str, ...]:
    return tuple(url.strip().rstrip("/") for url in value.split(",") if url.strip())
