from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from shared.blobs.blob import (
    BlobKey,
    attempt_of,
    group_of,
    parse_key,
    preview_key,
    rejects_key,
    result_key,
    upload_key,
    upload_of,
)
from shared.blobs.layout import blob_folder, key_at

JOB = UUID(int=7)
OF_AN_ATTEMPT = (result_key, rejects_key, preview_key)


@pytest.mark.parametrize("key", [key(JOB, 12) for key in OF_AN_ATTEMPT])
def test_the_attempt_is_found_in_its_keys(key: BlobKey) -> None:
    assert attempt_of(key) == (JOB, 12)
    assert upload_of(key) is None
    assert parse_key(key) == key
    assert key_at("results", blob_folder(Path(), key).name) == key


def test_result_rejects_and_preview_have_separate_folders() -> None:
    folders = {blob_folder(Path("/b"), key(JOB, 1)) for key in OF_AN_ATTEMPT}
    assert {folder.parent for folder in folders} == {Path("/b/results")}
    assert len(folders) == 3


@pytest.mark.parametrize(
    "key",
    [
        upload_key(JOB),
        f"results/{JOB}",
        f"results/{JOB}/1/other",
        f"results/{JOB}/rejects",
        f"results/{JOB}/one",
        f"uploads/{JOB}/1",
        "results/rejects",
    ],
)
def test_other_keys_have_no_attempt(key: str) -> None:
    assert attempt_of(BlobKey(key)) is None


@pytest.mark.parametrize("group", ["", "acme", "acme-2", "0"])
def test_the_upload_and_its_group_are_found_in_its_key(group: str) -> None:
    key = upload_key(JOB, group)
    assert (upload_of(key), group_of(key), attempt_of(key)) == (JOB, group, None)
    assert parse_key(key) == key
    assert key_at("uploads", blob_folder(Path(), key).name) == key


def test_uploads_of_two_groups_have_keys_of_their_own() -> None:
    keys = {upload_key(JOB, group) for group in ("", "acme", "acme-2")}
    assert len({blob_folder(Path(), key) for key in keys}) == 3


@pytest.mark.parametrize("key", [f"uploads/a/b/{JOB}", f"results/{JOB}", "uploads/acme"])
def test_other_keys_have_no_upload(key: str) -> None:
    assert upload_of(parse_key(key)) is None
