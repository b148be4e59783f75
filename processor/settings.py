"""The settings of a processor, each an environment variable `CSVMILL_<NAME>`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from processor.engines.confinement import Measure  # noqa: TC001 - pydantic evaluates it
from processor.engines.port import REJECTS, SCRATCH
from processor.engines.spark.settings import SparkSettings
from shared.blobs.servers.settings import StorageClientSettings
from shared.csv.compression import MAX_EXPANSION
from shared.database.settings import DatabaseSettings
from shared.http.elsewhere import ElsewhereSettings
from shared.http.object_storage import ObjectStorageSettings
from shared.telemetry.logs import LogSettings

SELDOM = 20
"""How many times longer the pause is between queries that are expected to find nothing."""


class WorkSettings(ElsewhereSettings, ObjectStorageSettings, SparkSettings):
    """The settings of a processor in any process: a service of its own, or standalone."""

    model_config = SettingsConfigDict(
        env_prefix="CSVMILL_", frozen=True, populate_by_name=True, defer_build=True
    )

    concurrency: int = Field(default=1, ge=1)
    """Jobs that one process runs at a time, without small ones."""
    small_jobs: int = Field(default=0, ge=0)
    """Small jobs, those with inputs of up to 4 MiB, that one process runs at a time beside the
    others; 0 means as many as fit cores and memory (see `processor.slots`)."""
    tenant_max_running: int | None = Field(default=None, ge=1)
    """Jobs of one tenant that all processors together run at a time; no limit by default. The table
    `tenants` may have another number for a tenant."""
    lease: float = Field(default=15.0, gt=0)
    """Seconds that a worker holds a job without a heartbeat. It sends one every third of it."""
    progress_interval: float = Field(default=1.0, gt=0)
    """Seconds between two records of a job's progress."""
    retry_delay: float = Field(default=5.0, ge=0)
    """Seconds between a failed attempt and the next."""
    max_attempts: int = Field(default=3, gt=0)
    """Attempts of a job that orphan recovery creates; the gateways have the same setting."""
    relay_interval: float = Field(default=5.0, gt=0)
    """Seconds between two queries for jobs that lack a wake-up."""
    wake_up_lost_after: float = Field(default=300.0, gt=0)
    """Seconds after which a wake-up counts as lost and is published again: those since it was
    published if the queue is empty, or else those by which later wake-ups have overtaken it."""
    upload_ttl: float = Field(default=86_400.0, gt=0)
    """Seconds for which an upload without a job is kept after its last use."""
    result_ttl: float = Field(default=7 * 86_400.0, gt=0)
    """Seconds for which the input and the result of a finished job are kept."""
    sweep_interval: float = Field(default=600.0, gt=0)
    """Seconds between two sweeps for expired jobs and blobs."""
    sweep_grace: float = Field(default=600.0, ge=0)
    """Seconds for which a blob that is not needed must have been idle before it is removed."""
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
    """Bytes of memory that one job may use; the rest is spilled to `scratch_dir`."""
    scratch_limit: int = Field(default=SCRATCH, ge=1 << 20)
    """Bytes of disk in `scratch_dir` that one job may use, including its result. An attempt that
    needs more fails."""
    rejects_limit: int = Field(default=REJECTS, ge=0)
    """Bytes of the file of rejects of a job, at most a tenth of `scratch_limit`. Rejected records
    beyond them are counted only."""
    cache: bool = True
    """Whether a job may get the result of an earlier one that asked the same of the same bytes."""
    threads: int = Field(default=0, ge=0)
    """Threads of the engine per job; 0 means one per core."""
    time_limit: float | None = Field(default=None, gt=0)
    """Seconds that the engine may take for one attempt, whatever the file; no limit by default. An
    attempt that takes longer fails, and the next one has the same limit."""
    min_rate: int = Field(default=1 << 20, ge=0)
    """Bytes of a file, decompressed, that an attempt must read a second on average, once it has
    taken 5 minutes; 0 for any number. So the time limit grows with the file."""
    max_expansion: int = Field(default=MAX_EXPANSION, ge=1)
    """The largest ratio of decompressed to compressed size, for files above 1 GiB decompressed."""
    fetches: int = Field(default=2, ge=0)
    """Inputs that one process fetches from elsewhere at a time; 0 for none."""
    fetch_interval: float = Field(default=0.5, gt=0)
    """Seconds between two queries for inputs that are to be fetched."""
    fetch_tries: int = Field(default=10, ge=1)
    """How often in succession a fetch may fail without a byte before its job fails."""
    fetch_min_rate: int = Field(default=1024, ge=0)
    """Bytes that a server must send a second, on average over a minute; 0 for any number."""
    head_starts: int = Field(default=1, ge=0)
    """Uploads that one process aggregates while they are received, beside its jobs. Each may use
    the memory and the scratch disk of a job."""
    tenant_head_starts: int = Field(default=4, ge=0)
    """Uploads of one tenant that all processors together aggregate while they are received."""
    head_start_interval: float = Field(default=0.5, gt=0)
    """Seconds between two queries for uploads that are offered."""
    head_start_stall: float = Field(default=60.0, gt=0)
    """Seconds without a byte of an upload after which it is no longer followed."""
    require_confinement: Annotated[tuple[Measure, ...], NoDecode] = ()
    """What has to confine the processes of jobs, separated by commas, such as `landlock,seccomp`: a
    processor does not start on a system that cannot. By default, what the system has is used."""
    notify_interval: float = Field(default=1.0, gt=0)
    """Seconds between two queries for notifications to send."""
    notify_timeout: float = Field(default=15.0, gt=0)
    """Seconds that the receiver of a notification has to answer. It is held three times as long: if
    the processor is killed, another sends it then."""
    notify_delays: Annotated[tuple[Annotated[float, Field(ge=0)], ...], NoDecode] = (
        5.0, 30.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0,
    )  # fmt: skip
    """Seconds after which a notification is sent again: after the first failure, the second, and so
    on, each a fifth more or less. After one failure more it is given up."""
    notification_ttl: float = Field(default=30 * 86_400.0, gt=0)
    """Seconds for which notifications are kept that were delivered or given up."""
    scratch_dir: Path = Field(default_factory=lambda: Path(tempfile.gettempdir()) / "csvmill")
    """Folder for spilled data and for output before it is sent to storage."""

    @property
    def pause_of_fetches(self) -> float:
        """Seconds between two queries for fetches: many, if no place is allowed that could have
        one, except for those of former settings."""
        return self.fetch_interval * (1 if self.fetch_hosts else SELDOM)

    @property
    def pause_of_deliveries(self) -> float:
        """The same for results that are sent elsewhere."""
        return self.fetch_interval * (1 if self.deliver_to else SELDOM)

    @field_validator("require_confinement", mode="before")
    @classmethod
    def _split_measures(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("notify_delays", mode="before")
    @classmethod
    def _split_delays(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value


class ProcessorSettings(WorkSettings, DatabaseSettings, StorageClientSettings, LogSettings):
    """The settings of a processor as a service of its own."""

    processor_host: str = "127.0.0.1"
    processor_port: int = Field(default=8002, ge=0, le=65535)
    """Port of health checks and metrics; 0 picks a free one."""
    broker_url: SecretStr
    blob_dir: Path | None = None
    """Storage's folder, if it is mounted on this machine: inputs are then read in place. Not used
    with several storage servers."""
    shutdown_timeout: float = Field(default=10.0, gt=0)
    """Seconds that open requests get after SIGTERM."""
