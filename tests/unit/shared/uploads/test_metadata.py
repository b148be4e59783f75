"""The metadata of uploads is read as it was written."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.aggregation.spec import SONG_PLAYS, Aggregate, Aggregation, GroupColumn
from shared.uploads.metadata import (
    COMPLETION,
    CONCAT,
    EXPLICIT,
    PARTIAL,
    aggregation_of,
    awaits_mark,
    filename_of,
    is_part,
    metadata_of,
)

ID = UUID(int=7)
OTHER = Aggregation((GroupColumn("Song"),), (Aggregate("sum", "Plays", "plays", "number"),))


@pytest.mark.parametrize("aggregation", [SONG_PLAYS, OTHER])
def test_the_aggregation_is_read_from_the_metadata(aggregation: Aggregation) -> None:
    assert aggregation_of(metadata_of(aggregation)) == aggregation


def test_the_default_aggregation_needs_no_metadata() -> None:
    assert metadata_of(None) == metadata_of(SONG_PLAYS) == {}


def test_an_upload_without_a_name_is_named_after_its_id() -> None:
    assert filename_of(ID, {"filename": "plays.csv"}) == "plays.csv"
    assert filename_of(ID, {}) == f"{ID}.csv"


def test_parts_and_uploads_to_be_marked_are_recognised() -> None:
    assert is_part({CONCAT: PARTIAL})
    assert not is_part({CONCAT: f"final;{ID}"})
    assert not is_part({})
    assert awaits_mark({COMPLETION: EXPLICIT})
    assert not awaits_mark({})
