"""Fetches: inputs of jobs that come from URLs and object storage. Values, no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.blobs.blob import BlobKey

NEVER = math.inf
"""The `retry_at` of a job for which inputs are being fetched: until then nothing claims it."""


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """What is to be fetched for an input of a new job."""

    upload_id: UUID
    """The upload that it becomes."""
    position: int
    """Of the input, in the order in which the job reads them."""
    key: BlobKey
    name: str
    """The name of the file."""
    url: str
    """An `https`, `http` or `s3` URL. Its query may be a secret."""
    sha256: str | None = None
    """Lower-case hex digest that the file has to have."""
    max_size: int | None = None
    """The most bytes of the file."""
    max_bytes: int | None = None
    """The most bytes that the tenant may store."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A fetch that a processor has taken. Times are Unix seconds."""

    upload_id: UUID
    job_id: UUID
    tenant: Tenant
    key: BlobKey
    name: str
    url: str
    token: int
    """How often it was taken: the fencing token of who took it last."""
    created_at: float
    failures: int
    """How often in succession it has failed without a byte."""
    bytes_done: int
    sha256: str | None = None
    max_size: int | None = None
    max_bytes: int | None = None
    tag: str | None = None
    modified: str | None = None
    size: int | None = None
    """The file as the server described it when its first bytes came; None if it did not say."""
    reason: str | None = None
    """Why the last try failed."""
