"""Settings of the standalone service: `CSVMILL_<NAME>`, or options of `csvmill serve`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from gateway.settings import GatewaySettings
from processor.settings import WorkSettings
from shared.telemetry.logs import LogSettings
from storage.settings import BackendSettings


class StandaloneSettings(GatewaySettings, WorkSettings, BackendSettings, LogSettings):
    """Settings of all three services, which share one process, and of its HTTP server."""

    port: int = Field(default=8000, ge=0, le=65535)
    """0 picks a free port."""
    private_token: SecretStr | None = None
    """If set, the service answers only to requests with this bearer token, as the one of
    `csvmill run`."""
    data_dir: Path = Path("data")
    """Folder of uploads, results, jobs and scratch files. One process owns it."""
    shutdown_timeout: float = Field(default=30.0, ge=0)
    """Seconds that requests in progress have to finish after SIGTERM."""

    def in_data_dir(self) -> StandaloneSettings:
        """Return a copy whose scratch and spool folders, unless set, are below `data_dir`."""
        folders = {"scratch_dir": "scratch", "spool_dir": "spool"}
        return self.model_copy(
            update={
                field: self.data_dir / name
                for field, name in folders.items()
                if field not in self.model_fields_set
            }
        )
