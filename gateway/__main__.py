"""`python -m gateway`: the gateway as a process of its own."""

from __future__ import annotations

from gateway.app import build_process
from gateway.settings import GatewayProcessSettings
from shared.service import run_service
from shared.telemetry import configure_logging


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = GatewayProcessSettings.model_validate({})
    configure_logging(settings.log_level)
    run_service(
        lambda: build_process(settings),
        name="gateway",
        host=settings.host,
        port=settings.port,
        shutdown_timeout=settings.shutdown_timeout,
    )


if __name__ == "__main__":
    main()
