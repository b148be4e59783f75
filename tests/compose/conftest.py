"""Whether a stack can be brought up on this machine, and the one that the tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.compose.stack import Stack, obstacle

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUIRED = "CSVMILL_TEST_COMPOSE"
"""Set to `required`, what stands in the way of these tests fails them; else they are skipped."""


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine with compose that has the images; or why these tests do not run."""
    if reason := obstacle():
        skip(f"no stack can be brought up: {reason}")


def skip(reason: str) -> NoReturn:
    """Skip a test, unless it was said that none may be."""
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(f"{REQUIRED}=required, but {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="module")
def stack(engine: None) -> Iterator[Stack]:
    """Two gateways behind the proxy, one processor, and the rest: up and healthy.

    Tests leave it as they found it, so that any of them can be run alone. Short leases, so that
    what was killed is soon taken over.
    """
    stack = Stack(CSVMILL_LEASE="3", CSVMILL_LOG_LEVEL="DEBUG")
    try:
        stack.up(gateway=2)
        yield stack
    except BaseException:
        print(stack.compose("ps", "--all"), stack.compose("logs", "--no-color", "--tail=40"))
        raise
    finally:
        stack.down()
