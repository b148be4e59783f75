"""What is removed from numbers, and which currencies there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.aggregation.currencies import CURRENCIES, CURRENCY_CODES, CURRENCY_SYMBOLS
from shared.aggregation.decorations import undecorated

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("cell", "number", "found", "unit"),
    [
        ("5", "5", set(), ""),
        ("$ -5", "-5", {"currency"}, "$"),
        ("-5\u202f€", "-5", {"currency"}, "€"),
        ("(12 %)", "-12", {"percent", "parentheses"}, "%"),
        ("EUR(5)", "-5", {"currency", "parentheses"}, "EUR"),
        ("5 kg", "5 kg", set(), ""),
        ("%5", "%5", set(), ""),
        ("x" * 1000, "x" * 1000, set(), ""),
    ],
)
def test_decorations_are_removed_and_named(
    cell: str, number: str, found: set[str], unit: str
) -> None:
    bare = undecorated(cell.encode())

    assert bare is not None
    assert (bare.number.decode(), bare.unit.decode()) == (number, unit)
    assert set(bare.found) == found


@pytest.mark.parametrize("cell", ["--5", "(-5)", "-(5)", "$(+5)", "-$-5"])
def test_two_signs_are_refused(cell: str) -> None:
    assert undecorated(cell.encode()) is None


def test_the_docs_show_all_symbols_of_currencies() -> None:
    docs = (ROOT / "docs/aggregation.md").read_text(encoding="utf-8")
    section = docs.split("### Currencies\n")[1].split("\n#")[0]

    assert tuple(re.findall("`([^`]+)`", section)) == CURRENCY_SYMBOLS


def test_the_kernel_has_the_same_currencies() -> None:
    source = (ROOT / "kernel/src/values/decorations.cpp").read_text(encoding="utf-8")
    listed = source.split("currencies = {")[1].split("}")[0]
    texts = [
        re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text).encode()
        for text in re.findall('"([^"]+)"', listed)
    ]

    assert texts == sorted(CURRENCIES)


def test_no_currency_can_be_a_part_of_a_number() -> None:
    assert len(CURRENCY_CODES) == len(set(CURRENCY_CODES))
    assert all(re.fullmatch("[A-Z]{3}", code) for code in CURRENCY_CODES)
    for text in CURRENCIES:
        assert not set(text.decode()) & set("0123456789+-().,'_ \u00a0\u202f%")
        assert len(text) < 10
