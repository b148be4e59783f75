"""Event streams, split anywhere, with every line end (WHATWG HTML, 9.2.5 and 9.2.6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csvmill.client import event_parser
from csvmill.client.event_parser import EventParser, ServerSentEvent


def events(*pieces: bytes) -> list[ServerSentEvent]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        # The examples of the standard, 9.2.6.
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
            [("message", "first", "1"), ("message", "second", ""), ("message", " third", "")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        # Unknown fields, an id with NUL, an event without data, an incomplete event.
        (b"what: x\nid: a\0b\ndata: 1\n\n", [("message", "1", "")]),
        (b"id: 7\nevent: x\n\ndata: 1\n\n", [("message", "1", "7")]),
        (b"event: state\nid: 7\ndata: 1\n\nid: 8\ndata: 2\n", [("state", "1", "7")]),
        (b"\xef\xbb\xbfdata: \xc4\x8daj\n\n", [("message", "čaj", "")]),
        (b"data: 1\r\rdata: 2\r\n\r\ndata: 3\n\n",
         [("message", "1", ""), ("message", "2", ""), ("message", "3", "")]),
    ],
)  # fmt: skip
def test_events_are_parsed_as_the_standard_requires(
    stream: bytes, expected: list[tuple[str, str, str]]
) -> None:
    assert events(stream) == [ServerSentEvent(*each) for each in expected]


LINES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"data: x",
                b"data",
                b"id: 1",
                b"id: 22",
                b"event: state",
                b": c",
                b"",
                b"",
                b"retry: 5",
            ]
        ),
        st.sampled_from([b"\n", b"\r\n", b"\r"]),
    ),
    max_size=20,
)


@given(LINES, st.sampled_from([b"", b"\xef\xbb\xbf"]), st.integers(1, 7))
def test_bytes_may_be_split_anywhere(
    lines: list[tuple[bytes, bytes]], bom: bytes, size: int
) -> None:
    stream = bom + b"".join(line + end for line, end in lines) + b"\n\n"
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert events(*pieces) == events(stream)


def test_an_incomplete_event_does_not_set_the_last_id() -> None:
    parser = EventParser("before")
    assert list(parser.feed(b"id: new\ndata: half")) == []
    assert parser.last_id == "before"
    assert [event.id for event in parser.feed(b"\n\n")] == ["new"]
    assert parser.last_id == "new"


def test_the_server_sets_the_reconnection_time() -> None:
    parser = EventParser()
    list(parser.feed(b"retry: soon\n\n"))
    assert parser.retry is None
    list(parser.feed(b"retry: 1500\n\n"))
    assert parser.retry == 1.5


@pytest.mark.parametrize("stream", [b"x", b"data: x\n"])
def test_an_endless_event_is_an_error(stream: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_parser, "MAX_EVENT", 100)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        events(*[stream] * 1000)
