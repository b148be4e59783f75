"""The URLs of the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.audit_handlers import list_audit
from gateway.access.key_handlers import create_key, list_keys, revoke_key, rotate_key
from gateway.access.tenant_handlers import change_tenant, list_tenants
from gateway.access.webhook_secret import create_secret, show_secret
from gateway.datasets.ask import ask
from gateway.datasets.keep import keep_upload
from gateway.datasets.list import list_uploads
from gateway.inspections.handlers import inspect_sample
from gateway.jobs.event_stream import job_events
from gateway.jobs.handlers import retry_job, show_job
from gateway.jobs.list import list_jobs
from gateway.jobs.status import file_status
from gateway.notifications.handlers import list_notifications, retry_notification
from gateway.openapi.handlers import openapi_json
from gateway.protocols import dispatch
from gateway.protocols.dropzone.handlers import upload_file
from gateway.protocols.native.handlers import cancel_job, cancel_upload, put_chunk, show_upload
from gateway.protocols.tus import handlers as tus
from gateway.results.delete import delete_result
from gateway.results.download import download_file, show_result
from gateway.results.links import create_link
from gateway.results.preview import show_preview
from gateway.results.rejects import show_rejects
from gateway.specs.handlers import delete_spec, list_specs, save_spec, show_spec
from gateway.uploads.inspect import inspect_upload
from gateway.web.api_reference import docs, docs_file
from gateway.web.handlers import client_module, index, page_file
from shared.runtime.health import health_routes
from shared.telemetry.metrics import show_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.runtime.health import Check


def routes(checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """Return the routes; `checks` are the health checks of the dependencies."""
    return [
        web.get("/", index),  # HEAD too
        web.get("/page/{version}/{path:.+}", page_file),  # HEAD too
        web.get("/csvmill.js", client_module),  # HEAD too
        web.get("/csvmill.d.ts", client_module),  # HEAD too
        web.get("/docs", docs),  # HEAD too
        web.get("/docs/{version}/{path:.+}", docs_file),  # HEAD too
        web.get("/openapi.json", openapi_json),
        web.post("/api/upload_file", upload_file),
        web.get("/api/file_status/{job_id}", file_status),
        web.get("/api/download_file/{job_id}", download_file),  # HEAD too
        web.get("/api/v1/jobs", list_jobs),  # HEAD too
        web.post("/api/v1/jobs", ask),
        web.get("/api/v1/jobs/{job_id}", show_job),  # HEAD too
        web.delete("/api/v1/jobs/{job_id}", cancel_job),
        web.get("/api/v1/jobs/{job_id}/events", job_events, allow_head=False),
        web.post("/api/v1/jobs/{job_id}/retry", retry_job),
        web.get("/api/v1/jobs/{job_id}/result", show_result),  # HEAD too
        web.delete("/api/v1/jobs/{job_id}/result", delete_result),
        web.get("/api/v1/jobs/{job_id}/rejects", show_rejects),  # HEAD too
        web.post("/api/v1/jobs/{job_id}/links", create_link),
        web.get("/api/v1/jobs/{job_id}/preview", show_preview),  # HEAD too
        web.post("/api/v1/inspections", inspect_sample),
        web.options("/api/v1/uploads", dispatch.options),
        web.get("/api/v1/uploads", list_uploads),  # HEAD too
        web.post("/api/v1/uploads", dispatch.post),
        web.put("/api/v1/uploads", dispatch.put),
        web.options("/api/v1/uploads/{upload}", dispatch.options_of_upload),
        web.get("/api/v1/uploads/{upload}", show_upload, allow_head=False),
        web.head("/api/v1/uploads/{upload}", dispatch.head),
        web.patch("/api/v1/uploads/{upload}", dispatch.patch),
        web.delete("/api/v1/uploads/{upload}", cancel_upload),
        web.post("/api/v1/uploads/{upload}/inspect", inspect_upload),
        web.put("/api/v1/uploads/{upload}/keep", keep_upload),
        web.put("/api/v1/uploads/{upload}/chunks/{offset}", put_chunk),
        web.get("/api/v1/audit", list_audit),  # HEAD too
        web.get("/api/v1/keys", list_keys),  # HEAD too
        web.post("/api/v1/keys", create_key),
        web.delete("/api/v1/keys/{key_id}", revoke_key),
        web.post("/api/v1/keys/{key_id}/rotate", rotate_key),
        web.get("/api/v1/tenants", list_tenants),  # HEAD too
        web.patch("/api/v1/tenants/{tenant}", change_tenant),
        web.get("/api/v1/specs", list_specs),  # HEAD too
        web.get("/api/v1/specs/{name}", show_spec),  # HEAD too
        web.put("/api/v1/specs/{name}", save_spec),
        web.delete("/api/v1/specs/{name}", delete_spec),
        web.get("/api/v1/notifications", list_notifications),  # HEAD too
        web.post("/api/v1/notifications/{notification_id}/retry", retry_notification),
        web.get("/api/v1/webhooks/secret", show_secret),  # HEAD too
        web.post("/api/v1/webhooks/secret", create_secret),
        web.get("/metrics", show_metrics, allow_head=False),
        web.options("/api/tus", tus.options),
        web.options("/api/tus/", tus.options),
        web.options("/api/tus/{upload}", tus.options),
        web.post("/api/tus", tus.require_version(tus.collection)),
        web.post("/api/tus/", tus.require_version(tus.collection)),
        web.head("/api/tus/{upload}", tus.require_version(tus.upload)),
        web.patch("/api/tus/{upload}", tus.require_version(tus.upload)),
        web.delete("/api/tus/{upload}", tus.require_version(tus.upload)),
        web.post("/api/tus/{upload}", tus.require_version(tus.upload)),
        *health_routes(checks),
    ]
