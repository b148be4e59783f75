"""What a storage server remembers of blobs in object storage."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import UUID

from shared.blobs.blob import upload_key
from storage.s3.notes import Notes

if TYPE_CHECKING:
    from pathlib import Path

KEY = upload_key(UUID(int=1))


def test_of_epochs_that_are_remembered_at_once_the_highest_stays(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    epochs = list(range(1, 201))
    random.Random(1).shuffle(epochs)
    with ThreadPoolExecutor(8) as threads:
        known = list(threads.map(lambda epoch: notes.remember_epoch(KEY, epoch), epochs))
    assert notes.epoch(KEY) == max(known) == 200
    assert all(highest >= epoch for epoch, highest in zip(epochs, known, strict=True))


def test_a_forgotten_upload_has_no_epoch(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.remember_epoch(KEY, 7)
    notes.forget(KEY)
    assert notes.epoch(KEY) == 0
    assert notes.remember_epoch(KEY, 3) == 3
