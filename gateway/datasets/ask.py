"""`POST /api/v1/jobs`: asks for a job of uploads that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from gateway.access.caller import require_scope
from gateway.access.webhook_secret import require_secret
from gateway.datasets.elsewhere import fetches_of, in_order
from gateway.datasets.header_fit import check_headers
from gateway.datasets.job_request import read_job_request
from gateway.datasets.names import find_inputs
from gateway.http.idempotency import idempotency_key
from gateway.http.public_url import public_path
from gateway.jobs.handlers import job_response
from gateway.uploads.context import UploadContext
from gateway.uploads.upload import upload_id_of
from shared.access.principal import Scope
from shared.errors import IdempotencyKeyReused, JobNotFound
from shared.http.elsewhere import check_target
from shared.jobs.job_request import JobRequest
from shared.telemetry.ids import bind_ids
from shared.uploads.ask_job import ask_job, complete_ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from gateway.datasets.job_request import AskedJob
    from shared.jobs.job import Job
    from shared.jobs.job_input import JobInput

_NAMESPACE = UUID("0d0f7c5e-9f6b-4f0e-8f0b-6f1d0c6a4e27")
"""That of the ids of jobs with an Idempotency-Key."""


async def ask(request: web.Request) -> web.Response:
    """Create a job and return it; the same request with the same key returns the same job.

    Who asks learns what others of the tenant have sent, and so needs the scope to read it too.
    """
    require_scope(request, Scope.READ)
    context = UploadContext.of(request)
    key = idempotency_key(request)
    asked = await read_job_request(request)
    job_id = uuid4() if key is None else upload_id_of(key, context.tenant, namespace=_NAMESPACE)
    bind_ids(job_id=job_id)
    known = None if key is None else await _known(context, job_id)
    job = known or await _create(context, job_id, asked)
    if job.request_digest != asked.digest:
        raise IdempotencyKeyReused(
            f"Idempotency-Key {key!r} belongs to another request; send the same request as before, "
            "or use a new key"
        )
    response = await job_response(request, job)
    if known is None:
        response.set_status(201)
        response.headers["Location"] = public_path(f"/api/v1/jobs/{job.id}")
    return response


async def _known(context: UploadContext, job_id: UUID) -> Job | None:
    """Return the job of an earlier request, which may have been interrupted."""
    try:
        job = await context.ports.jobs.get(job_id, tenant=context.tenant)
    except JobNotFound:
        return None
    return await complete_ask(context.ports, context.events, job)


async def _create(context: UploadContext, job_id: UUID, asked: AskedJob) -> Job:
    await context.quotas.check(context.tenant, 0)
    if asked.notify:
        await require_secret(context.ports.jobs.access, context.tenant)
    elsewhere = await fetches_of(context, job_id, asked.inputs)
    found, uploads = await find_inputs(context, [each for each in asked.inputs if not each.url])
    inputs = in_order(asked.inputs, found, elsewhere)
    # The spec names columns of the first file; with union, a later one may have them.
    union = len(inputs) > 1 and asked.spec.aggregation.input.columns == "union"
    unknown = union or bool(asked.inputs[0].url)
    await check_headers(context, [] if unknown else uploads[:1], asked.spec.aggregation)
    return await ask_job(
        context.ports,
        context.events,
        JobRequest(
            job_id,
            tuple(inputs),
            asked.spec.aggregation,
            asked.name or _name_of(inputs),
            context.settings.max_attempts,
            asked.digest,
            context.tenant,
            asked.cache,
            tuple(dict.fromkeys((*asked.notify, *context.notify))),
            asked.spec.name,
            _target(context, asked),
            elsewhere,
            asked.engine,
        ),
    )


def _target(context: UploadContext, asked: AskedJob) -> str | None:
    """Return where the result goes. Raises AddressRefused."""
    if asked.output_to is None:
        return None
    return check_target(context.settings, asked.output_to, context.tenant, field="output.to")


def _name_of(inputs: Sequence[JobInput]) -> str:
    """Return the name of a job that was given none."""
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f"{inputs[0].name}{more}"
