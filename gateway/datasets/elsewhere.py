"""Inputs that a job fetches from URLs and object storage: whether it may, and under which ids."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from shared.http.elsewhere import check_source, name_of, shown_url
from shared.jobs.fetch import FetchRequest
from shared.jobs.job_input import JobInput
from shared.uploads.keys import key_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.datasets.job_request import AskedInput
    from gateway.uploads.context import UploadContext


async def fetches_of(
    context: UploadContext, job_id: UUID, asked: Sequence[AskedInput]
) -> tuple[FetchRequest, ...]:
    """Return what has to be fetched for a job, in the order of its inputs.

    A request that is repeated gets the same uploads. Raises AddressRefused for a URL that this
    service may not fetch.
    """
    if not any(each.url for each in asked):
        return ()
    limits = await context.quotas.limits(context.tenant)
    found = []
    for position, each in enumerate(asked):
        if not each.url:
            continue
        url = check_source(context.settings, each.url, context.tenant, field=each.field)
        upload_id = uuid5(job_id, str(position))
        found.append(
            FetchRequest(
                upload_id,
                position,
                key_of(upload_id, context.tenant),
                each.name or name_of(url),
                url,
                each.sha256,
                limits.max_upload_size,
                limits.max_bytes,
            )
        )
    return tuple(found)


def in_order(
    asked: Sequence[AskedInput], uploads: Sequence[JobInput], fetches: Sequence[FetchRequest]
) -> list[JobInput]:
    """Return all inputs as a client has ordered them: uploads, and those that are fetched."""
    stored, fetched = iter(uploads), iter(fetches)
    return [_input_of(next(fetched)) if each.url else next(stored) for each in asked]


def _input_of(fetch: FetchRequest) -> JobInput:
    return JobInput(
        fetch.upload_id, fetch.key, fetch.name, 0, sha256=fetch.sha256, url=shown_url(fetch.url)
    )
