"""The settings of object storage, each a variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ObjectStorageSettings(BaseSettings):
    """How object storage is reached."""

    model_config = SettingsConfigDict(
        env_prefix="CSVMILL_", frozen=True, populate_by_name=True, defer_build=True
    )

    s3_endpoint: str | None = Field(default=None, pattern=r"^https?://[^/\s]+$")
    """The URL of a server that speaks S3, such as `https://minio.internal:9000`; by default AWS."""
    s3_region: str = "us-east-1"
    s3_access_key_id: SecretStr | None = None
    """The key with which this service reads inputs and writes results; without one, only what
    everyone may read."""
    s3_secret_access_key: SecretStr | None = None
