from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from processor.engines.keys import join_key, split_key

fields = st.lists(
    st.lists(st.sampled_from([b"\0", b"\1", b"\2", b"a", b"\xff"]), max_size=4).map(b"".join),
    min_size=1,
    max_size=4,
)


@given(fields)
def test_a_key_decodes_to_its_fields(parts: list[bytes]) -> None:
    assert split_key(join_key(parts)) == parts


@given(st.lists(fields, max_size=20), st.integers(1, 3))
def test_keys_sort_like_the_tuples_of_their_fields(keys: list[list[bytes]], size: int) -> None:
    alike = [key[:size] for key in keys if len(key) >= size]

    assert sorted(map(join_key, alike)) == list(map(join_key, sorted(alike)))
