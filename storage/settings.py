"""What can be set, from the environment: `CSVMILL_<NAME>`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic evaluates the annotations
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.telemetry.logs import LogSettings


class StorageSettings(LogSettings):
    """Settings of the storage service."""

    @classmethod
    def from_environment(cls) -> Self:
        """Raises pydantic's ValidationError, which names what is missing or wrong."""
        return cls.model_validate({})

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, populate_by_name=True)

    storage_host: str = "127.0.0.1"
    storage_port: Annotated[int, Field(ge=0, le=65535)] = 8001
    """0 picks a free port."""
    data_dir: Path
    """Folder of the blobs; one storage process owns it."""
    storage_token: Annotated[SecretStr, Field(min_length=1)]
    """What callers have to show."""
    storage_fsync: Literal["always", "never"] = "always"
    """`never`: what was acknowledged survives the death of the process, not a loss of power."""
    client_timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds for which a caller may send nothing within a request; thrice that, take nothing. It
    has to be no less than the gateways', who wait for their own clients."""
    shutdown_timeout: Annotated[float, Field(gt=0)] = 30.0
    """Seconds that requests in progress get after SIGTERM."""
