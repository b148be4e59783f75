"""A Spark cluster, which the tests of a module share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.accounts import ProgramMissing
from tests.servers.spark import SparkCluster, use_client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def shared_spark() -> Iterator[SparkCluster]:
    """Two workers. A test that ends a process starts it again."""
    try:
        cluster = SparkCluster()
    except ProgramMissing as missing:
        pytest.skip(str(missing))
    use_client()
    with cluster:
        yield cluster
