"""`python -m storage`: the storage service as a process, set up by `CSVMILL_...` variables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shared.errors import CsvmillError
from shared.service import run_service
from shared.telemetry import configure_logging
from storage.app import build_app
from storage.blobs.filesystem import FilesystemBlobs
from storage.settings import StorageSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


def main() -> None:
    """Serve until SIGTERM; exit with a message if that cannot begin."""
    try:
        settings = StorageSettings.from_environment()
    except ValidationError as error:
        sys.exit(f"csvmill storage: {_explained(error)}")
    configure_logging(settings.log_level)

    def build() -> web.Application:
        blobs = FilesystemBlobs(settings.data_dir, settings.storage_fsync == "always")

        async def opened_blobs(_app: web.Application) -> AsyncIterator[None]:
            async with blobs:
                yield

        app = build_app(settings, blobs)
        app.cleanup_ctx.append(opened_blobs)
        return app

    try:
        run_service(
            build,
            name="storage",
            host=settings.storage_host,
            port=settings.storage_port,
            shutdown_timeout=settings.shutdown_timeout,
        )
    except (CsvmillError, OSError) as error:
        sys.exit(f"csvmill storage: {error}")


def _explained(error: ValidationError) -> str:
    # Without the input: it may be a secret.
    return "; ".join(
        f"CSVMILL_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )


if __name__ == "__main__":
    main()
