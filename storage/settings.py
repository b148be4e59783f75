"""The settings of storage, read from environment variables `CSVMILL_<NAME>`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic evaluates the annotations
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.blobs.mutual_tls import MutualTlsSettings
from shared.http.object_storage import ObjectStorageSettings
from shared.telemetry.logs import LogSettings


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


class BackendSettings(ObjectStorageSettings):
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
    blobs: Annotated[
        Annotated[str, Field(pattern=r"^s3://[^/\s]+(/[^\s]*)?$")] | None,
        BeforeValidator(_none_if_empty),
    ] = None
    """`s3://bucket/prefix`: complete uploads and results are kept there, and the folder holds only
    uploads in flight. By default, everything is in the folder."""
    blobs_public_endpoint: Annotated[
        Annotated[str, Field(pattern=r"^https?://[^/\s]+$")] | None, BeforeValidator(_none_if_empty)
    ] = None
    """The URL of the server of object storage as clients reach it, such as
    `https://files.example.com`, for the redirections of `download_redirect`. By default
    `s3_endpoint`."""
    blobs_part_size: Annotated[int, Field(ge=5 << 20, le=1 << 30)] = 16 << 20
    """Bytes of a part that is sent to object storage; larger for files of more than 10,000."""
    blobs_orphan_age: Annotated[float, Field(gt=0)] = 86_400.0
    """Seconds after which parts and objects that no blob names are removed."""


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
