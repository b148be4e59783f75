"""Settings of the services for their database, each an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.database.connections import Connections, Pooler


def _auto_if_empty(value: object) -> object:
    return Pooler.AUTO if value == "" else value


class DatabaseSettings(BaseSettings):
    """The settings of a process that has jobs in a database."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, defer_build=True)

    database_url: SecretStr
    """`postgresql://...`, or the SQLite file that processes on one machine share."""
    database_pool_size: int = Field(default=10, gt=0)
    """The most connections of one process to PostgreSQL, besides the one on which it listens."""
    database_pooler: Annotated[Pooler, BeforeValidator(_auto_if_empty)] = Pooler.AUTO
    """Whether a pooler such as PgBouncer is in front of PostgreSQL: `auto` finds out at the start,
    `transaction` and `none` say so."""

    @property
    def connections(self) -> Connections:
        """How the process connects."""
        return Connections(self.database_pool_size, self.database_pooler)
