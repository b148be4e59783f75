"""Cells that look like what `where` asks for: the kernel tells those that the reference tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.engines.native import NativeEngine
from processor.engines.port import EngineLimits
from shared.aggregation.spec import Aggregate, Aggregation, Condition, Junction
from tests.aggregations import RFC_4180, Case
from tests.csv_files import encode, styles
from tests.reference.file import aggregate
from tests.reference.test_kernel import comparable, kernel, knobs

if TYPE_CHECKING:
    from processor.engines.messages import Knobs

PIECES = ["a", "A", "b", "De", "DE", "é", "e\u0301", "É", "K", "\u212a", "İ", "ß", "ẞ", "я", "Я",
          "и\u0306", "й", "0", "2024-01-", "Heart Home ", "@", "`", "\ud7a3", "ﬁ"]  # fmt: skip
BLANKS = ["", "", "", " ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff", "\x00", "\x1f", 17 * " "]
texts = st.builds(
    lambda pieces, ends: ends[0] + "".join(pieces) + ends[1],
    st.lists(st.sampled_from(PIECES) | st.sampled_from(BLANKS), max_size=4),
    st.tuples(st.sampled_from(BLANKS), st.sampled_from(BLANKS)),
)


def variants(text: str) -> st.SearchStrategy[str]:
    """Return a text and others that look like it."""
    changed = [text, text.upper(), text.lower(), f" {text}", f"{text}\u00a0", text.swapcase()]
    return st.sampled_from(changed)


@st.composite
def asking(draw: st.DrawFn) -> Case:
    """Draw conditions on two columns of text, and cells that look like their values."""
    values = draw(st.lists(texts, min_size=1, max_size=4))
    cells = st.sampled_from(values).flatmap(variants) | texts
    rows = draw(st.lists(st.tuples(cells, cells).map(list), min_size=1, max_size=12))
    value = st.sampled_from(values)
    columns = st.sampled_from([1, 2])
    one = st.builds(lambda column, text: Condition(column, "=", (text,)), columns, value)
    several = st.builds(
        lambda column, found: Condition(column, "in", tuple(found)),
        columns,
        st.lists(value, min_size=1, max_size=17),
    )
    where = st.recursive(
        one | several,
        lambda inner: st.builds(
            Junction,
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=1, max_size=3).map(tuple),
        ),
        max_leaves=4,
    )
    aggregation = Aggregation(
        aggregates=(Aggregate("count", None, "n"),), where=draw(where), input=RFC_4180
    )
    if draw(st.booleans()):
        null = draw(value)
        aggregation = replace(aggregation, input=replace(RFC_4180, null=(null,) if null else ()))
    return Case(aggregation, encode([["k", "m"], *rows], draw(styles)))


@pytest.mark.timeout(600)  # a process for each example
@given(case=asking(), knobs=knobs, threads=st.integers(1, 3))
@settings(max_examples=100)
def test_the_kernel_tells_the_cells_that_the_reference_tells(
    case: Case, knobs: Knobs, threads: int
) -> None:
    engine = NativeEngine(EngineLimits(threads=threads), knobs)

    found = kernel(engine, case, stream=False)

    assert comparable(found) == comparable(aggregate(case.data, case.aggregation))
