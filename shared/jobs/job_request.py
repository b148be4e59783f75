"""A job that a client asks for, of uploads that are there. A value, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.access.tenant import DEFAULT_TENANT
from shared.jobs.engine_choice import EngineChoice

if TYPE_CHECKING:
    from uuid import UUID

    from shared.access.tenant import Tenant
    from shared.aggregation.spec import Aggregation
    from shared.jobs.fetch import FetchRequest
    from shared.jobs.job_input import JobInput


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job is to compute, and of which uploads."""

    id: UUID
    """The id of the job. That of a request that may be repeated is derived from its key."""
    inputs: tuple[JobInput, ...]
    """At least one, in order."""
    aggregation: Aggregation
    name: str
    """The name under which the job is listed."""
    max_attempts: int
    digest: str
    """The SHA-256 of the request as the client sent it, in lower-case hex digits."""
    tenant: Tenant = DEFAULT_TENANT
    cache: bool = True
    """Whether it may be answered by what another job has computed."""
    notify: tuple[str, ...] = ()
    """The URLs that are notified when the job ends."""
    spec_name: str | None = None
    """The saved spec that `aggregation` was, if it was one."""
    output_to: str | None = None
    """The URL of the object that the result is sent to."""
    fetches: tuple[FetchRequest, ...] = ()
    """What has to be fetched for those of the inputs that have a URL."""
    engine: EngineChoice = EngineChoice.AUTO
    """Where it is to be computed."""
