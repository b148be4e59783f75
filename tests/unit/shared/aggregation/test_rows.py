from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.aggregation.rows import decode_aggregation, encode_aggregation
from shared.aggregation.spec import SONG_PLAYS
from shared.csv.dialect import Input
from tests.aggregations import Case, cases


@given(cases(max_rows=0), st.sampled_from([Input(), Input(";", "", header=False, decimal=",")]))
def test_any_aggregation_comes_back_as_it_was(case: Case, declared: Input) -> None:
    aggregation = replace(case.aggregation, input=declared)

    assert decode_aggregation(encode_aggregation(aggregation)) == aggregation


def test_rows_of_the_first_version_are_still_read() -> None:
    text = (
        '{"group_by": [0, 1], "sum_of": 2, '
        '"header": ["Song", "Date", "Total Number of Plays for Date"]}'
    )

    assert decode_aggregation(text) == SONG_PLAYS


def test_an_aggregation_of_a_newer_version_is_not_guessed_at() -> None:
    text = encode_aggregation(SONG_PLAYS).replace('"version": 1', '"version": 2')

    with pytest.raises(ValueError, match="version 2"):
        decode_aggregation(text)
