"""Fixtures of the tests in a browser: the service, a page of it, and what must not happen there.

The browser is shared by the tests of a process; each test has a context of its own, with its own
storage. All these tests run in one event loop, which is that of the browser.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import pytest_asyncio
from playwright.async_api import Error, expect

from tests.web.chromium import Chromium
from tests.web.service import Service
from tests.web.watch import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from playwright.async_api import BrowserContext, Page

HERE = Path(__file__).parent
TIMEOUT = 20_000
"""Milliseconds that an action or an expectation may take, on a busy machine too."""
FAILED = pytest.StashKey[bool]()

expect.set_options(timeout=TIMEOUT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marker = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(marker, append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


class OpenContext(Protocol):
    """Opens a further context: `await open_context(viewport={"width": 390, "height": 844})`.

    Its options are those of Playwright's `Browser.new_context`. The test fails on the faults of its
    pages, as on those of `page`.
    """

    async def __call__(self, **options: object) -> BrowserContext: ...


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    """The browser of all tests of this process."""
    async with Chromium() as shared:
        yield shared


class StartService(Protocol):
    """Starts a standalone service: `await start_service(auth="keys")`.

    Keywords are settings, and may replace those of `Service`. Pages may use its origin.
    """

    async def __call__(self, **settings: object) -> Service: ...


@pytest.fixture
def watch() -> Watch:
    """The faults of the test's pages, some of which the test may `expect` or `allow`."""
    return Watch()


@pytest_asyncio.fixture(loop_scope="session")
async def start_service(watch: Watch, tmp_path: Path) -> AsyncIterator[StartService]:
    """Yield a function that starts services, each with a folder of its own; end them."""
    async with AsyncExitStack() as started:
        numbers = count(1)

        async def start(**settings: object) -> Service:
            service = Service(tmp_path / f"service-{next(numbers)}", **settings)
            started.push_async_callback(service.kill)
            await service.start()
            watch.origins.add(service.origin)
            return service

        yield start


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The standalone service of a module."""
    shared = Service(tmp_path_factory.mktemp("service"))
    try:
        await shared.start()
        yield shared
    finally:
        await shared.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def service(shared_service: Service, watch: Watch) -> Service:
    """A running standalone service, which other tests of the module use too."""
    if shared_service.process is None:  # a test that failed has ended it
        await shared_service.start()
    watch.origins.add(shared_service.origin)
    return shared_service


@pytest_asyncio.fixture(loop_scope="session")
async def own_service(start_service: StartService) -> Service:
    """A standalone service with a folder of its own, to `kill()` and `restart()`."""
    return await start_service()


@pytest_asyncio.fixture(loop_scope="session")
async def open_context(
    chromium: Chromium,
    watch: Watch,
    start_service: StartService,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> AsyncIterator[OpenContext]:
    """Yield a function that opens contexts; close them and fail on unexpected faults.

    They are closed before the services end, of which pages would complain.
    """
    async with AsyncExitStack() as opened:
        contexts = []

        async def open_one(**options: object) -> BrowserContext:
            browser = await chromium.browser()
            context = await browser.new_context(**options)  # type: ignore[arg-type]
            context.set_default_timeout(TIMEOUT)
            watch.attach(context)
            # Dialogs for files are caught from the start, not from when a test first expects one.
            context.on("page", lambda page: page.on("filechooser", lambda _: None))
            opened.push_async_callback(context.close)
            contexts.append(context)
            return context

        yield open_one
        if request.node.stash.get(FAILED, True):
            pages = [page for context in contexts for page in context.pages]
            for number, page in enumerate(pages, 1):
                await describe(page, request.node, tmp_path / f"page-{number}.png")
    assert watch.unexpected() == []


async def describe(page: Page, item: pytest.Item, picture: Path) -> None:
    """Add to the report of a failed test what its page shows."""
    try:
        shown = await page.locator("body").aria_snapshot(timeout=2000)
        await page.screenshot(path=picture, timeout=5000)
    except Error as error:
        shown = f"the page cannot be described: {error}"
    item.add_report_section("call", "page", f"{page.url} ({picture})\n{shown}")


@pytest_asyncio.fixture(loop_scope="session")
async def context(open_context: OpenContext) -> BrowserContext:
    """A new context, 1280 pixels wide: no cookies, storage or cache of other tests."""
    return await open_context(viewport={"width": 1280, "height": 800})


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    """An empty page in a new context: `await page.goto(service.url)`.

    The test fails on errors in the console, uncaught exceptions, violations of the
    Content-Security-Policy and requests to another origin, unless `watch` was told.
    """
    return await context.new_page()
