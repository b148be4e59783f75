"""The name of a download, as a client reads it."""

from __future__ import annotations

import unicodedata
from email.message import Message
from email.utils import collapse_rfc2231_value

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.results.disposition import content_disposition

AWKWARD = "\"\\'%;=*, \r\n\0\x7f\x85\ufeff\u202e\u2066\u200f\u061c\u2028\ud800\udcff€\U0001f600a."
names = st.text(max_size=300) | st.text(AWKWARD, max_size=200) | st.text(AWKWARD + "é", min_size=60)
BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = {"\u061c", "\u200e", "\u200f", "\ufeff"}


def misleads(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(char) in BIDI
        or char in MARKS
    )


def read(field: str) -> str:
    """Return the name that a client finds in the field."""
    message = Message()
    message["Content-Disposition"] = field
    (disposition, _), *parameters = message.get_params([], header="Content-Disposition")
    assert disposition == "attachment"
    assert {name for name, _ in parameters} == {"filename"}
    # A client that knows the extended form, which comes last, prefers it
    return collapse_rfc2231_value(parameters[-1][1])


@given(name=names)
@example("\ufeffplays.csv")
@example("plays\u202evsc.exe.csv")
@example("\ud83d\ude00.csv")
@example("é" * 128 + ".csv.gz")
@example('"\\"; filename="other.csv')
def test_every_name_is_read_back(name: str) -> None:
    field = content_disposition(name + ".csv")

    assert field.isascii()
    assert field.isprintable()
    found = read(field)
    expected = "".join("_" if misleads(c) else c for c in name + ".csv")
    if len(expected.encode()) <= 255:
        assert found == expected
    else:
        assert len(found.encode()) <= 255
        assert found.endswith(expected[-20:])
        assert expected.startswith(found[:-20])
        assert len(found.encode()) > 255 - 4


@given(name=names)
def test_old_clients_read_a_plain_name(name: str) -> None:
    plain = content_disposition(name).split('"')[1]

    assert plain.isascii()
    assert not set(plain) & set("\\%\r\n\0")


@pytest.mark.parametrize("mark", ["\ufeff", "\u202e", "\u2067", "\x85", "\udc80"])
def test_misleading_characters_are_replaced(mark: str) -> None:
    assert content_disposition(f"{mark}a.csv") == 'attachment; filename="_a.csv"'
