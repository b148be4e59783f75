"""The blobs of each adapter, with real storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.blob_backends import BACKENDS
from tests.replicas import replicated_blobs, s3_replicas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from shared.ports import Blobs
    from tests.blob_backends import OpenBlobs


REPLICAS = "replicas"
S3_REPLICAS = "two on s3"
ONE_FOLDER = frozenset(
    {
        "test_a_blob_is_assembled_of_others",
        "test_a_blob_of_no_bytes_is_complete_at_once",
        "test_a_chunk_in_progress_never_reaches_beyond_a_size_declared_meanwhile",
        "test_appends_sizes_and_assemblies_survive_a_restart",
        "test_concurrent_assemblies_create_one_blob",
        "test_declaring_the_size_completes_the_blob",
        "test_folders_that_are_not_blobs_are_ignored",
        "test_only_complete_parts_are_assembled",
        "test_the_local_file_exists_once_the_blob_is_complete",
        "test_the_time_of_completion_never_changes",
    }
)
"""Tests of adapters with all complete blobs in one folder: they look for a local file, or assemble
parts, which the servers of `tests.replicas` do not share."""

NOT_OF_S3_REPLICAS = frozenset(
    {
        "test_a_blob_expires_when_it_was_not_used_for_long_enough_and_not_before",
        "test_a_blob_that_was_used_since_it_was_listed_is_kept_however_long_ago_that_is",
        "test_a_complete_upload_whose_chunk_is_repeated_does_not_expire",
        "test_a_peek_describes_the_blob_and_is_not_a_use",
        "test_a_use_during_expiration_keeps_the_blob_or_finds_none",
        "test_a_walk_yields_all_blobs_of_a_kind_with_their_idle_time",
        "test_an_upload_does_not_expire_during_a_chunk_however_long_it_takes",
        "test_an_upload_that_is_used_again_does_not_expire",
        "test_folders_that_are_not_blobs_are_ignored",
        "test_the_time_of_last_use_survives_the_process",
    }
)
"""Tests that change files in the one folder of an adapter: a folder there, or the note of a use,
which is at the server that has stored the blob, and not at the one that is asked."""

LEFT_OUT = {REPLICAS: ONE_FOLDER, S3_REPLICAS: NOT_OF_S3_REPLICAS}

ADAPTERS = {**BACKENDS, REPLICAS: replicated_blobs, S3_REPLICAS: s3_replicas}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the tests that adapters over several servers cannot pass."""
    items[:] = [
        item
        for item in items
        if not any(
            f"[{name}" in item.name and item.name.partition("[")[0] in tests
            for name, tests in LEFT_OUT.items()
        )
    ]


@pytest.fixture(
    params=[
        pytest.param(name, marks=[pytest.mark.long] if name in (REPLICAS, S3_REPLICAS) else [])
        for name in sorted(ADAPTERS)
    ]
)
def open_blobs(request: pytest.FixtureRequest) -> OpenBlobs:
    return ADAPTERS[request.param]


@pytest.fixture
async def blobs(open_blobs: OpenBlobs, tmp_path: Path) -> AsyncIterator[Blobs]:
    async with open_blobs(tmp_path) as opened:
        yield opened
