"""Fixtures of the compose tests: the Docker engine and a stack that all of them share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.compose.stack import Stack, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = "CSVMILL_TEST_COMPOSE"
"""If `required`, these tests fail when no stack can be started; otherwise they are skipped."""


@pytest.fixture(scope="session")
def engine() -> None:
    """Require a Docker engine with compose and the images. Skips the test without them."""
    if reason := obstacle():
        skip(f"no stack can be brought up: {reason}")


def skip(reason: str) -> NoReturn:
    """Skip the test, or fail it if the tests are required."""
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"{REQUIRED}=required, but {reason}")
    pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first test of the stack includes building the image and starting the services.
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def stack(engine: None) -> Iterator[Stack]:
    """A healthy stack with two gateways behind the proxy, one processor and the other services.

    Each test restores the stack, so that any test can run alone; only the last one removes it.
    Leases are short, so that jobs of a killed processor are claimed soon.
    """
    stack = Stack(
        CSVMILL_LEASE="3", CSVMILL_LOG_LEVEL="DEBUG", CSVMILL_SMALL_JOBS="1", CSVMILL_AUTH="off"
    )
    try:
        stack.up(gateway=2)
        yield stack
    except BaseException:
        print(stack.compose("ps", "--all"), stack.compose("logs", "--no-color", "--tail=40"))
        raise
    finally:
        stack.down()
