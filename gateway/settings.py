"""What can be set about the gateway, each as an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic evaluates the annotations
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.telemetry.logs import LogSettings

_TEBIBYTE = 1 << 40


class GatewaySettings(BaseSettings):
    """How the gateway behaves, wherever it runs."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True)

    cors_origins: Annotated[tuple[str, ...], NoDecode] = ("*",)
    """Origins whose pages may call the API, separated by commas; `*` is all, empty is none."""
    max_upload_size: int = Field(default=_TEBIBYTE, gt=0)
    """Bytes that one upload may have at the most."""
    upload_ttl: float = Field(default=86_400.0, gt=0)
    """Seconds that clients are told an unfinished upload is kept; the processors' setting."""
    max_attempts: int = Field(default=3, gt=0)
    """How often a job is tried before it is a FAILURE."""
    spool_dir: Path | None = None
    """Where a chunk waits whose place is not known yet; None is the system's temporary folder."""
    follow_interval: float = Field(default=0.5, gt=0)
    """Seconds between two looks at the jobs that are followed, if any are."""
    follow_heartbeat: float = Field(default=15.0, gt=0)
    """Seconds without an event after which a follower is sent a comment."""
    max_followers: int = Field(default=1000, ge=0)
    """Clients that may follow jobs through one gateway at a time."""
    client_timeout: float = Field(default=120.0, gt=0)
    """Seconds for which a client may neither send nor take a byte within a request. Storage has the
    same setting, which has to be no less."""

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value


class GatewayProcessSettings(GatewaySettings, LogSettings):
    """What the gateway needs to run as a process of its own, besides how it behaves."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free port."""
    database_url: str
    """`postgresql://...`, or the SQLite file that processes on one machine share."""
    broker_url: str
    """`amqp://...`"""
    storage_url: str
    """`http://...` of the storage service."""
    storage_token: Annotated[SecretStr, Field(min_length=1)]
    """What storage demands of its callers."""
    shutdown_timeout: float = Field(default=30.0, ge=0)
    """Seconds that requests in progress get after SIGTERM."""
