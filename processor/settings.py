"""What can be set for a processor, each as an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from processor.engines.port import SCRATCH
from shared.csv.compression import MAX_EXPANSION
from shared.telemetry.logs import LogSettings


class WorkSettings(BaseSettings):
    """How a processor works, wherever it runs: as a service or inside the standalone process."""

    model_config = SettingsConfigDict(env_prefix="CSVMILL_", frozen=True, populate_by_name=True)

    concurrency: int = Field(default=1, ge=1)
    """Jobs run at a time by one process."""
    lease: float = Field(default=15.0, gt=0)
    """Seconds after which a worker that stays silent loses its job; renewed at a third of it."""
    progress_interval: float = Field(default=1.0, gt=0)
    """Seconds between two records of how far a job has come."""
    retry_delay: float = Field(default=5.0, ge=0)
    """Seconds between a failed attempt and the next."""
    max_attempts: int = Field(default=3, gt=0)
    """Attempts of a job that orphan recovery creates; the gateways have the same setting."""
    relay_interval: float = Field(default=5.0, gt=0)
    """Seconds between two looks for jobs that lack a wake-up."""
    wake_up_lost_after: float = Field(default=300.0, gt=0)
    """Seconds by which a wake-up that nobody has taken is behind those that were, or older than the
    last if the queue is empty, until it counts as lost and is repeated."""
    upload_ttl: float = Field(default=86_400.0, gt=0)
    """Seconds after its last use for which an upload is kept that has not become a job."""
    result_ttl: float = Field(default=7 * 86_400.0, gt=0)
    """Seconds for which input and result of a finished job are kept."""
    sweep_interval: float = Field(default=600.0, gt=0)
    """Seconds between two looks for what is not kept any longer."""
    sweep_grace: float = Field(default=600.0, ge=0)
    """Seconds for which what nobody needs has to be idle before it is removed."""
    orphan_recovery_interval: float = Field(
        default=60.0,
        gt=0,
        validation_alias=AliasChoices("CSVMILL_ORPHAN_RECOVERY_INTERVAL", "CSVMILL_ADOPT_INTERVAL"),
    )
    """Seconds between two scans for complete uploads without a job."""
    orphan_recovery_after: float = Field(
        default=30.0,
        ge=0,
        validation_alias=AliasChoices("CSVMILL_ORPHAN_RECOVERY_AFTER", "CSVMILL_ADOPT_AFTER"),
    )
    """Seconds since its last use for which a complete upload is left to its gateway."""
    memory_limit: int = Field(default=1 << 30, ge=256 << 20)
    """Bytes of memory that one job may use; what does not fit is spilled to `scratch_dir`."""
    scratch_limit: int = Field(default=SCRATCH, ge=1 << 20)
    """Bytes of disk in `scratch_dir` that one job may use at a time, its result included; an
    attempt that needs more fails."""
    threads: int = Field(default=0, ge=0)
    """Threads of the engine for one job; 0 means one for each core."""
    time_limit: float | None = Field(default=None, gt=0)
    """Seconds that the engine has for one attempt at a job; no limit by default. An attempt that
    takes longer fails, and the next one has as long again."""
    max_expansion: int = Field(default=MAX_EXPANSION, ge=1)
    """How many times its size a compressed file may grow, if it holds more than 1 GiB."""
    scratch_dir: Path = Field(default_factory=lambda: Path(tempfile.gettempdir()) / "csvmill")
    """Where jobs spill and build their output before it goes to storage."""


class ProcessorSettings(WorkSettings, LogSettings):
    """The processor as a service of its own."""

    processor_host: str = "127.0.0.1"
    processor_port: int = Field(default=8002, ge=0, le=65535)
    """Port of health checks; 0 picks a free one."""
    database_url: str
    broker_url: str
    storage_url: str
    storage_token: SecretStr = Field(min_length=1)
    blob_dir: Path | None = None
    """Storage's folder where it is mounted on this machine too: inputs are then read in place."""
    shutdown_timeout: float = Field(default=10.0, gt=0)
    """Seconds given to open requests at SIGTERM."""
