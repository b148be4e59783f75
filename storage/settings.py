"""The settings of storage, read from environment variables `CSVMILL_<NAME>`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic evaluates the annotations
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.blobs.mutual_tls import MutualTlsSettings
from shared.telemetry.logs import LogSettings


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class BackendSettings(BaseSettings):
    """Settings of the backend that holds the blobs (see `storage.backends`)."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    storage_fsync: Literal["always", "never"] = "always"
    """`always`: acknowledged bytes survive a power loss. `never`: they survive a crash of the
    process only."""
    disk_reserve: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_none_if_empty)] = (
        None
    )
    """Bytes of the disk that are kept free of uploads, for results and the database. By default a
    twentieth of the disk, and at most 1 GiB."""


class StorageSettings(BackendSettings, MutualTlsSettings, LogSettings):
    """Settings of the storage service."""

    model_config = SettingsConfigDict(
        env_prefix="CSVMILL_", frozen=True, populate_by_name=True, defer_build=True
    )

    storage_host: str = "127.0.0.1"
    storage_port: Annotated[int, Field(ge=0, le=65535)] = 8001
    """0 picks a free port."""
    data_dir: Path
    """Folder of the blobs. Only one storage process may use it."""
    storage_token: Annotated[SecretStr, Field(min_length=1)]
    """The bearer token that callers have to send. While it is replaced there are two, separated by
    a comma or a line end."""
    client_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds without a byte after which a request body is given up. Must not be less than the
    gateway's, which waits for its own client."""
    shutdown_timeout: Annotated[float, Field(gt=0)] = 30.0
    """Seconds for requests in progress to finish after SIGTERM."""
