"""The settings of the Spark cluster, each a variable `CSVMILL_<NAME>`."""

from __future__ import annotations

from functools import partial

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from processor.engines.port import MIN_MEMORY
from processor.engines.spark.cluster import Cluster


class SparkSettings(BaseSettings):
    """Whether large files are aggregated on a Spark cluster, and how."""

    model_config = SettingsConfigDict(
        env_prefix="CSVMILL_", frozen=True, populate_by_name=True, defer_build=True
    )

    spark: SecretStr | None = None
    """The URL of Spark Connect, such as `sc://spark:15002`, which may have a token; none by
    default: all files are aggregated on this machine."""
    spark_min_input: int = Field(default=8 << 30, ge=0)
    """Bytes of the smallest file that is aggregated there."""
    spark_part_size: int = Field(default=64 << 20, ge=1 << 20)
    """Bytes of the file, about, that an executor reads as one task."""
    spark_memory: int = Field(default=MIN_MEMORY, ge=128 << 20)
    """Bytes of memory of the kernel of each task, beside the memory of the executor."""
    spark_wait: float = Field(default=60.0, ge=0)
    """Seconds for which a cluster that is away, or fails, is waited for since it last sent a part.
    Then the job runs on this machine."""
    spark_kernel: str | None = None
    """The path of `csvmill-kernel` on the machines of the cluster; by default that of this machine
    is sent there, which fits the same kind of processor."""
    spark_shared_files: bool = False
    """Whether these machines have the files of this one under the same paths, those of
    `CSVMILL_BLOB_DIR` among them. Otherwise they read from storage, at `CSVMILL_STORAGE_URL`."""

    @field_validator("spark")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if not value.get_secret_value().startswith("sc://"):
            raise ValueError("the URL of Spark Connect begins with sc://")
        return value

    def cluster(self) -> Cluster | None:
        """Return the cluster; None if there is none. Raises AttemptFailed without its client."""
        if self.spark is None:
            return None
        from processor.engines.spark.connect import (
            ConnectSession,
            check_installed,
        )

        check_installed()
        return Cluster(
            partial(ConnectSession, self.spark.get_secret_value(), self.spark_kernel),
            self.spark_min_input,
            part=self.spark_part_size,
            memory=self.spark_memory,
            wait=self.spark_wait,
            shared_files=self.spark_shared_files,
        )
