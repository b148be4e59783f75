"""Regular expressions of group columns: what the kernel takes is what RE2 finds."""

from __future__ import annotations

import csv
import io

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.aggregation.patterns import MAX_PATTERN, PatternError, compile_pattern
from shared.aggregation.spec import Aggregation, GroupColumn
from shared.csv.dialect import Input
from tests.unit.processor.engines.kernel import run

SUBJECTS = st.text("abAB01_- .\n\té世🎈", max_size=12)
ATOMS = st.sampled_from(
    ["a", "b", "é", "世", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[ab]", "[^ab0]", "[a-z_]",
     r"[\d\-.]", r"[^\w]", "[é-🎈]", r"\.", "_", "-", r"\t", r"\n", "^", "$", r"\b", r"\B", " "]
)  # fmt: skip
REPETITIONS = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}", "{3}"])


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    grouped = inner.map("({})".format) | inner.map("(?:{})".format)
    lazy = st.sampled_from(["", "", "?"])
    return (
        st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("|".join)
        | grouped
        | st.tuples(grouped | ATOMS, REPETITIONS, lazy).map("".join)
    )


patterns = st.recursive(ATOMS, larger, max_leaves=8)


def taken(pattern: str, texts: list[str]) -> dict[str, str]:
    """Return what the kernel takes from each text."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["text"], *([text] for text in texts)])
    whole, part = GroupColumn("text"), GroupColumn("text", "part", match=pattern)
    declared = Input(delimiter=",", quote='"', escape="", header=True, encoding="utf-8")
    found = run(file.getvalue().encode(), Aggregation((whole, part), input=declared))
    rows = list(csv.reader(io.StringIO(found.result.decode(), newline="")))
    return {row[0]: row[1] for row in rows[1:]}


def expected(pattern: str, text: str) -> str:
    """Return what RE2 finds."""
    found = re2.search(pattern, text)
    if found is None:
        return ""
    return (found.group(1) if found.re.groups else found.group(0)) or ""


@given(pattern=patterns, texts=st.lists(SUBJECTS, min_size=1, max_size=30, unique=True))
@settings(max_examples=150, deadline=None)
def test_a_pattern_takes_what_re2_takes(pattern: str, texts: list[str]) -> None:
    try:
        compile_pattern(pattern)
    except PatternError:
        return
    assert taken(pattern, texts) == {text: expected(pattern, text) for text in texts}


@pytest.mark.parametrize(
    ("pattern", "text", "part"),
    [
        (r"(\d+)-(\d+)", "order 12-34", "12"),
        (r"\d+", "order 12-34", "12"),
        ("^order", "order 12", "order"),
        ("^12", "order 12", ""),
        ("a|ab", "ab", "a"),
        ("(ab|a)(bc)?", "abc", "ab"),
        (r"@([^.]+)\.", "a@example.org", "example"),
        ("x?", "abc", ""),
        ("(x)?b", "ab", ""),
        ("[a-c]{2,3}?", "abc", "ab"),
        (r"(.)$", "Köln\n", ""),
        (r"\bö", "aö", "ö"),
        ("^a|b", "cab", "b"),
    ],
)
def test_the_first_group_of_the_first_match_is_taken(pattern: str, text: str, part: str) -> None:
    assert taken(pattern, [text]) == {text: part}
    assert expected(pattern, text) == part


def test_a_pattern_that_backtracking_takes_forever_for_takes_linear_time() -> None:
    text = "a" * 20_000
    assert taken("(a|aa)+$", [text]) == {text: "a"}
    assert taken("(?:a+)+b", [text]) == {text: ""}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "at character 1: a ( without )"),
        ("a)", "at character 2: an unmatched )"),
        ("[a", "at character 1: a [ without ]"),
        ("[]", "at character 1: an empty class"),
        (r"[^\d\D]", "at character 1: a class without any character"),
        ("[z-a]", "a range that ends before it begins"),
        (r"[a-\d]", "a range needs a character on both sides"),
        ("[[:alpha:]]", r"at character 2: a [ within [...]"),
        ("*a", r"at character 1: nothing before *; write \* for the sign"),
        ("a**", "a repetition of a repetition"),
        ("a{,2}", "a { that is not a repetition"),
        ("a{2,1}", "send numbers up to 1000, the smaller one first"),
        ("a{1001}", "send numbers up to 1000"),
        ("(a?)*", "at character 1: what can match nothing cannot be repeated"),
        ("(?i)a", "only (...) and (?:...) are supported"),
        (r"\pL", r"\p is not supported"),
        (r"(a)\1", r"\1 is not supported"),
        ("a\\", "at character 2: \\ is not supported"),
        ("(a{1000}){1000}", "the pattern is too large"),
        ("(" * 60 + ")" * 60, "more than 50 groups within each other"),
        ("a" * (MAX_PATTERN + 1), "send 1000 characters or fewer"),
    ],
)
def test_what_is_not_supported_is_refused_with_its_place(pattern: str, message: str) -> None:
    with pytest.raises(PatternError) as refused:
        compile_pattern(pattern)
    assert message in str(refused.value)
