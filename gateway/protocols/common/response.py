"""Responses that describe uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import http_sf
from aiohttp import web

from gateway.protocols.common.view import job_path, upload_path, upload_view

if TYPE_CHECKING:
    from gateway.settings import GatewaySettings
    from gateway.uploads.upload import Upload

MAX_INTEGER = 999_999_999_999_999
"""The largest Integer of a structured field (RFC 9651, section 3.3.1)."""


def upload_response(upload: Upload, status: int = 200) -> web.Response:
    """Return the JSON of an upload, with Location if the request created it."""
    response = web.json_response(
        upload_view(upload).as_json(), status=status, headers=job_header(upload)
    )
    if status == 201:
        response.headers["Location"] = upload_path(upload)
    return response


def job_header(upload: Upload) -> dict[str, str]:
    """Return `Csvmill-Job`, which names the job of an upload, if it has one."""
    return {} if upload.job is None else {"Csvmill-Job": job_path(upload.job)}


def upload_limit(settings: GatewaySettings) -> str:
    """Return `Upload-Limit`: the limits of an upload. A single append has none of its own."""
    limits = {
        "max-size": min(settings.max_upload_size, MAX_INTEGER),
        "max-age": min(int(settings.upload_ttl), MAX_INTEGER),
    }
    return http_sf.ser(dict(limits))
