"""The composition root of the gateway."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.access.audit import Auditor
from gateway.access.authentication import Authentication, admit_all, require_private_token
from gateway.access.json_bodies import JSON_TURNS, json_turns
from gateway.access.known_keys import KNOWN_KEYS, KnownKeys
from gateway.access.links import LINKS, Links
from gateway.access.middleware import Middleware
from gateway.access.origins import Origins
from gateway.access.quotas import QUOTAS, Quotas, default_limits
from gateway.access.request_rate import RequestRate, show
from gateway.access.running import Running
from gateway.access.tenant_turns import TenantTurns
from gateway.events import EVENTS, GatewayEvents
from gateway.http.cors import Pages
from gateway.http.public_url import Reaching
from gateway.inspections.inspector import INSPECTOR, Inspector
from gateway.inspections.samples import SAMPLES, Samples
from gateway.jobs.watcher import JOB_WATCHER, JobWatcher
from gateway.keys import PORTS, SETTINGS
from gateway.metrics import GatewayMetrics
from gateway.protocols.tus import handlers as tus
from gateway.results.downloads import DOWNLOADS, Downloads
from gateway.results.preview import PREVIEWS, READ_AT_A_TIME
from gateway.results.sorts import SORTS, Sorts
from gateway.routes import routes
from gateway.uploads.header_check import HEADER_CHECKER, HeaderChecker
from gateway.uploads.offer import HEAD_START_OFFERS, HeadStartOffers
from shared.access.principal import Principal
from shared.bus.counted import BusMetrics, CountedBus
from shared.runtime.drain import ON_SHUTDOWN_STARTED
from shared.telemetry.http import instrument
from shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from gateway.access.tokens import Tokens
    from gateway.settings import GatewaySettings
    from shared.ports import Blobs, Ports


log = logging.getLogger(__name__)


def build_app(
    settings: GatewaySettings,
    ports: Ports,
    metrics: Metrics | None = None,
    *,
    private_token: str | None = None,
) -> web.Application:
    """Return the gateway on `ports`, which the caller has opened, and closes afterwards.

    `metrics` are those of the process, if other parts share them. With a `private_token` the
    gateway answers only to requests with this bearer token.
    """
    metrics = metrics or Metrics("gateway")
    metrics.sample(metrics.of(GatewayMetrics).queue_of(ports.jobs))
    metrics.sample(metrics.of(GatewayMetrics).notifications_of(ports.jobs.notifications))
    app = web.Application()
    instrument(app, metrics)
    app[SETTINGS] = settings
    app[PORTS] = replace(ports, bus=CountedBus(ports.bus, metrics.of(BusMetrics)))
    app[EVENTS] = GatewayEvents(metrics, named_tenants=settings.tenant_metrics)
    app[HEADER_CHECKER] = HeaderChecker()
    app[INSPECTOR], app[SAMPLES] = Inspector(), Samples()
    app[JSON_TURNS] = json_turns()
    _offer_uploads(app)
    _watch_jobs(app, metrics)
    _count_downloads(app, metrics)
    tus.install(app)
    _guard(app, private_token)
    checks: dict[str, Callable[[], Awaitable[None]]] = {
        "storage": partial(_storage_takes_uploads, ports.blobs),
        "database": ports.jobs.check_writable,
        "broker": ports.bus.ping,
    }
    app.add_routes(routes(checks))
    app.on_startup.append(_make_spool_dir)
    return app


async def _storage_takes_uploads(blobs: Blobs) -> None:
    await blobs.ping()
    await blobs.check_room()


def _guard(app: web.Application, private_token: str | None) -> None:
    """Let each request be refused before anything else looks at it."""
    settings = app[SETTINGS]
    app[LINKS] = Links(app[PORTS].jobs.access.signing)
    running: Running | None = None
    if private_token is not None:
        admit = require_private_token(private_token, Principal(settings.tenant))
    elif settings.demands_keys:
        admit = _authentication(app).admit
        running = _watch_keys(app)
    else:
        admit = admit_all(Principal(settings.tenant))
    pages = Pages(settings.cors_origins)
    if pages.origins:
        app.on_response_prepare.append(pages.grant)
    middleware = Middleware(
        origins=Origins.of(
            settings.host, settings.allowed_hosts, settings.cors_origins, settings.public_url
        ),
        reaching=Reaching(settings.public_url, settings.trusted_proxies),
        pages=pages,
        admit=admit,
        rate=_request_rate(app),
        auditor=_auditor(app),
        running=running,
    )
    app.middlewares.append(middleware.handle)


def _auditor(app: web.Application) -> Auditor | None:
    """Return what writes the audit trail; None if no entries are kept."""
    if not app[SETTINGS].audit_ttl:
        return None
    auditor = Auditor(app[PORTS].jobs.access.audit, app[SETTINGS].audit_ttl)
    auditor.install(app)
    return auditor


def _accept_tokens(app: web.Application) -> Tokens | None:
    """Return what verifies tokens of the issuer in the settings; None without one."""
    settings = app[SETTINGS]
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    # Imported here, because these packages are those of the extra `oidc`.
    from gateway.access.issuer_keys import IssuerKeys
    from gateway.access.tokens import Tokens

    keys = IssuerKeys(settings.oidc_issuer)

    async def read_keys(_app: web.Application) -> AsyncIterator[None]:
        async with keys:
            yield

    app.cleanup_ctx.append(read_keys)
    return Tokens(
        keys,
        issuer=settings.oidc_issuer,
        audience=settings.oidc_audience,
        tenant_claim=settings.oidc_tenant_claim,
        scope_claim=settings.oidc_scope_claim,
    )


def _authentication(app: web.Application) -> Authentication:
    settings, store = app[SETTINGS], app[PORTS].jobs.access.keys
    keys = app[KNOWN_KEYS] = KnownKeys(store, settings.key_cache)

    async def tell_if_there_is_none(_app: web.Application) -> None:
        if settings.oidc_issuer is None and not await store.exist(now=time.time()):
            log.warning(
                "API keys are demanded, and there is none: `csvmill keys create` creates one"
            )

    async def close(_app: web.Application) -> None:
        await keys.close()

    app.on_startup.append(tell_if_there_is_none)
    app.on_cleanup.append(close)
    return Authentication(
        keys,
        app[LINKS],
        anonymous=settings.anonymous_tenant,
        open_metrics=settings.open_metrics,
        tokens=_accept_tokens(app),
    )


def _watch_keys(app: web.Application) -> Running:
    running = Running(app[KNOWN_KEYS], app[SETTINGS].key_cache)

    async def watch(_app: web.Application) -> AsyncIterator[None]:
        watching = asyncio.create_task(running.watch())
        yield
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    app.cleanup_ctx.append(watch)
    return running


def _request_rate(app: web.Application) -> RequestRate:
    quotas = app[QUOTAS] = Quotas(app[PORTS].jobs.access.quotas, default_limits(app[SETTINGS]))
    app.on_response_prepare.append(show)

    async def close(_app: web.Application) -> None:
        await quotas.close()

    app.on_cleanup.append(close)
    return RequestRate(quotas)


def _offer_uploads(app: web.Application) -> None:
    offers = app[HEAD_START_OFFERS] = HeadStartOffers(
        app[PORTS].jobs.head_starts, min_size=app[SETTINGS].head_start_size
    )

    async def close(_app: web.Application) -> None:
        await offers.close()

    app.on_cleanup.append(close)


def _watch_jobs(app: web.Application, metrics: Metrics) -> None:
    settings = app[SETTINGS]
    watcher = app[JOB_WATCHER] = JobWatcher(
        app[PORTS].jobs,
        limit=settings.max_followers,
        tenant_limit=settings.max_tenant_followers,
        interval=settings.follow_interval,
    )
    metrics.of(GatewayMetrics).followers.set_function(lambda: len(watcher))

    async def watch(_app: web.Application) -> AsyncIterator[None]:
        with app[PORTS].jobs.on_end(watcher.ended):
            yield

    async def close(_app: web.Application) -> None:
        watcher.close()

    app[ON_SHUTDOWN_STARTED] = [watcher.close]
    app.cleanup_ctx.append(watch)
    app.on_shutdown.append(close)


def _count_downloads(app: web.Application, metrics: Metrics) -> None:
    settings = app[SETTINGS]
    downloads = app[DOWNLOADS] = Downloads(
        limit=settings.max_downloads, tenant_limit=settings.max_tenant_downloads
    )
    metrics.of(GatewayMetrics).downloads.set_function(lambda: len(downloads))
    app[SORTS] = Sorts(settings.max_sorts)
    app[PREVIEWS] = TenantTurns(READ_AT_A_TIME)


async def _make_spool_dir(app: web.Application) -> None:
    folder = app[SETTINGS].spool_dir
    if folder is not None:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
