"""Finds environment variables that look like settings and are none, such as misspelt ones."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "CSVMILL_"
_NAMES = """
ADOPT_AFTER ADOPT_INTERVAL ALLOWED_HOSTS ANONYMOUS_TENANT API_KEY AUDIT_TTL AUTH BIND BLOB_DIR
BROKER_URL CLIENT_TIMEOUT COMPLETE CONCURRENCY CORS_ORIGINS DATABASE_POOLER DATABASE_POOL_SIZE
DATABASE_URL DATA_DIR DISK_RESERVE
FOLLOW_HEARTBEAT FOLLOW_INTERVAL HEAD_STARTS HEAD_START_INTERVAL HEAD_START_SIZE HEAD_START_STALL
HEAD_TIMEOUT HOST HTTPS_PORT HTTP_PORT IDLE_TIMEOUT IMAGE KEY_CACHE LEASE LOG_FORMAT LOG_LEVEL
MAX_ATTEMPTS MAX_CONNECTIONS_PER_ADDRESS MAX_DOWNLOADS MAX_EXPANSION MAX_FOLLOWERS MAX_LINK_LIFE
MAX_SORTS MAX_SORT_SIZE MAX_TENANT_DOWNLOADS MAX_TENANT_FOLLOWERS MAX_UPLOAD_SIZE MEMORY_LIMIT
MIN_DOWNLOAD_RATE MIN_RATE MIN_UPLOAD_RATE OIDC_AUDIENCE OIDC_ISSUER OIDC_SCOPE_CLAIM
OIDC_TENANT_CLAIM OPEN_METRICS ORPHAN_RECOVERY_AFTER ORPHAN_RECOVERY_INTERVAL OUTGOING_HTTP
OUTGOING_NETWORKS PORT PRIVATE_TOKEN
PROCESSOR_HOST PROCESSOR_PORT PROGRESS_INTERVAL RATE_WINDOW REJECTS_LIMIT RELAY_INTERVAL
REQUIRE_CONFINEMENT RESULT_TTL RETRY_DELAY SCRATCH_DIR SCRATCH_LIMIT SECRETS SERVER
SHUTDOWN_TIMEOUT SMALL_JOBS SOURCE_CONNECTIONS SOURCE_REQUESTS SPOOL_DIR STATE_DIR STORAGE_FSYNC
STORAGE_HOST STORAGE_PORT STORAGE_TOKEN STORAGE_URL SWEEP_GRACE SWEEP_INTERVAL TENANT
TENANT_MAX_BYTES TENANT_MAX_RUNNING TENANT_MAX_UPLOADS TENANT_MAX_WAITING TENANT_METRICS
TENANT_REQUESTS_PER_SECOND THREADS TIME_LIMIT TLS_CERTIFICATE TRUSTED_PROXIES UPLOAD_TTL
WAKE_UP_LOST_AFTER
"""
KNOWN = frozenset(_NAMES.split())
"""The settings of all services, of the commands and of the deployment, without the prefix: services
that share an environment get each other's."""
_FILE = "_FILE"
"""The ending of a variable that names a file with the value."""


def unknown_settings(variables: Iterable[str]) -> list[str]:
    """Return a message for each of these names that begins like a setting and is none."""
    found = []
    for variable in sorted(variables):
        name = variable.removeprefix(PREFIX)
        if name == variable or name.startswith("TEST_"):
            continue
        if name not in KNOWN and name.removesuffix(_FILE) not in KNOWN:
            close = get_close_matches(name, KNOWN, 1)
            hint = f"; did you mean {PREFIX}{close[0]}?" if close else ""
            found.append(f"{variable} is set, and there is no such setting{hint}")
    return found
