"""Requests and expected responses of downloads, by section of RFC 9110.

Expected bytes are Python slices of the content. Placeholders in header values: `{tag}` is the
strong tag with its quotes; `{date}` is Last-Modified, `{before}` and `{after}` are one second
earlier and later; `{size}` and `{last}` are the size and the last position of the content.
"""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Target:
    """A file that can be downloaded, with its known content and validators."""

    host: str
    port: int
    path: str
    content: bytes
    """At least 60 bytes."""
    sha256: str
    modified: int
    """Unix seconds."""
    headers: Headers = ()
    """Header fields sent with every request."""

    def fill(self, value: str) -> str:
        """Replace the placeholders in a header value."""
        date, before, after = (formatdate(self.modified + by, usegmt=True) for by in (0, -1, 1))
        size = len(self.content)
        return value.format(
            tag=f'"{self.sha256}"', date=date, before=before, after=after, size=size, last=size - 1
        )


@dataclass(frozen=True)
class Answer:
    """A response as received, not interpreted."""

    status: int
    headers: Message
    body: bytes


class Connection:
    """One connection for many requests, so that a badly framed response breaks the next one."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection = http.client.HTTPConnection(target.host, target.port, timeout=30)

    def ask(self, *headers: tuple[str, str], method: str = "GET") -> Answer:
        """Send a request for the target."""
        connection = self._connection
        connection.putrequest(method, self._target.path, skip_accept_encoding=True)
        for name, value in (*self._target.headers, *headers):
            connection.putheader(name, self._target.fill(value).encode())
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@dataclass(frozen=True)
class Row:
    """A request and its expected response, which contains `slices` of the content in order."""

    id: str
    headers: Headers
    status: int
    slices: tuple[slice, ...] = ()
    method: str = "GET"


def check(row: Row, answer: Answer, target: Target) -> None:
    """Compare a response with its row."""
    content = target.content
    assert answer.status == row.status, row.id
    headers = answer.headers
    if row.status in (200, 206, 304):
        assert headers["ETag"] == target.fill("{tag}")
        assert headers["Last-Modified"] == target.fill("{date}")
    if row.status == 206:
        expected = [(*part.indices(len(content))[:2],) for part in row.slices]
        assert parts_of(answer, len(content)) == [
            (start, content[start:stop]) for start, stop in expected
        ]
        assert headers["Accept-Ranges"] == "bytes"
        return
    total = f"bytes */{len(content)}" if row.status == 416 else None
    assert headers["Content-Range"] == total
    if row.status == 200:
        assert headers["Content-Length"] == str(len(content))
        assert headers["Accept-Ranges"] == "bytes"
        assert answer.body == (b"" if row.method == "HEAD" else content)
    if row.status == 304 or row.method == "HEAD":
        assert answer.body == b""


def parts_of(answer: Answer, size: int) -> list[tuple[int, bytes]]:
    """Return the offset and the bytes of each part of a 206. Checks the framing too."""
    assert answer.headers["Content-Length"] == str(len(answer.body))
    kind = answer.headers["Content-Type"]
    if not kind.startswith("multipart/byteranges"):
        return [_part(answer.headers["Content-Range"], answer.body, size)]
    # RFC 9110, 15.3.7.2
    assert "Content-Range" not in answer.headers
    message = message_from_bytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + answer.body, policy=HTTP
    )
    assert not message.defects
    parts = [part for part in message.iter_parts() if isinstance(part, Message)]
    assert len(parts) > 1
    return [_part(part["Content-Range"], _bytes_of(part), size) for part in parts]


def _bytes_of(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def _part(content_range: str, content: bytes, size: int) -> tuple[int, bytes]:
    positions, _, total = content_range.removeprefix("bytes ").partition("/")
    first, _, last = positions.partition("-")
    assert (int(last) - int(first) + 1, int(total)) == (len(content), size)
    return int(first), content


def _ranges() -> Iterable[Row]:
    def row(section: str, what: str, field: str, status: int, *slices: slice) -> Row:
        return Row(f"{section} {what}", (("Range", field),), status, slices)

    yield row("14.1.2", "both ends are inclusive", "bytes=0-0", 206, slice(0, 1))
    yield row("14.1.2", "first-last", "bytes=20-39", 206, slice(20, 40))
    yield row("14.1.2", "the last byte", "bytes={last}-{last}", 206, slice(-1, None))
    yield row("14.1.2", "the whole", "bytes=0-{last}", 206, slice(None))
    yield row("14.1.2", "open end", "bytes=9-", 206, slice(9, None))
    yield row("14.1.2", "open end from the start", "bytes=0-", 206, slice(None))
    yield row("14.1.2", "end beyond the end", "bytes=9-{size}", 206, slice(9, None))
    yield row("14.1.2", "huge end", f"bytes=9-{'9' * 40}", 206, slice(9, None))
    yield row("14.1.2", "leading zeros", f"bytes={'0' * 40}9-10", 206, slice(9, 11))
    yield row("14.1.2", "suffix", "bytes=-5", 206, slice(-5, None))
    yield row("14.1.2", "suffix of the size", "bytes=-{size}", 206, slice(None))
    yield row("14.1.2", "suffix beyond the size", f"bytes=-{'9' * 40}", 206, slice(None))
    yield row("14.1.2", "empty suffix is unsatisfiable", "bytes=-0", 416)
    yield row("15.5.17", "start at the end", "bytes={size}-", 416)
    yield row("15.5.17", "start beyond the end", "bytes=999999999-", 416)
    yield row("15.5.17", "huge start", f"bytes={'9' * 40}-", 416)
    yield row("15.5.17", "all of several are unsatisfiable", "bytes={size}-, -0", 416)
    yield row("14.1", "the unit is case-insensitive", "BYTES=2-4", 206, slice(2, 5))
    yield row("5.6.1.2", "empty list elements", "bytes=,, 2-4 ,", 206, slice(2, 5))
    for field in ("lines=0-1", "byte=0-1", "bytes", "bytes 0-1", "0-1", "=0-1"):
        yield row("14.2", f"unknown unit {field!r} is ignored", field, 200)
    for field in (
        "bytes=4-2", "bytes=", "bytes=,", "bytes=-", "bytes=x-", "bytes=1", "bytes=1-2-3",
        "bytes=--5", "bytes=+1-2", "bytes=0x1-2", "bytes=1_0-", "bytes=1 - 2", "bytes=0-1;",
        "bytes=0-1, x", "bytes=0-1, 5-4",
    ):  # fmt: skip
        yield row("14.2", f"malformed {field!r} is ignored", field, 200)
    yield row("15.3.7.2", "two parts", "bytes=0-3,10-13", 206, slice(4), slice(10, 14))
    yield row(
        "15.3.7.2", "parts of every form", "bytes=0-0, 5-6, 20-29, -3", 206,
        slice(1), slice(5, 7), slice(20, 30), slice(-3, None),
    )  # fmt: skip
    yield row(
        "14.2", "parts in the requested order", "bytes=-3, 30-39, 0-4", 206,
        slice(-3, None), slice(30, 40), slice(5),
    )  # fmt: skip
    yield row("15.3.7.2", "overlapping ranges are one", "bytes=0-9,5-14", 206, slice(15))
    yield row("15.3.7.2", "adjacent ranges are one", "bytes=5-9,0-4", 206, slice(10))
    yield row("15.3.7.2", "a range within another", "bytes=0-29,5-6", 206, slice(30))
    yield row("15.3.7.2", "repeated ranges are one", "bytes=3-5,3-5,3-5", 206, slice(3, 6))
    yield row(
        "15.3.7.2", "two of three ranges are merged", "bytes=10-14,40-44,12-19", 206,
        slice(10, 20), slice(40, 45),
    )  # fmt: skip
    yield row("15.3.7.2", "one of two ranges is satisfiable", "bytes={size}-,4-5", 206, slice(4, 6))
    many = ",".join(f"{n % 20 * 3}-{n % 20 * 3}" for n in range(64))
    yield row(
        "17.15", "64 ranges", f"bytes={many}", 206,
        *(slice(n * 3, n * 3 + 1) for n in range(20)),
    )  # fmt: skip
    yield row("17.15", "65 ranges are ignored", f"bytes={many},1-1", 200)
    yield Row(
        "5.3 two Range lines are malformed", (("Range", "bytes=0-1"), ("Range", "bytes=3-4")), 200
    )
    for field in ("bytes=2-4", "bytes={size}-", "bytes=0-1,4-5"):
        yield Row(f"14.2 HEAD ignores {field}", (("Range", field),), 200, method="HEAD")


def _if_range() -> Iterable[Row]:
    part = (slice(2, 5),)
    for value, matches in (
        ("{tag}", True),
        ("W/{tag}", False),
        ('"another"', False),
        ("{tag}, {tag}", False),
        ("*", False),
        ("", False),
        ("{date}", True),
        ("{before}", False),
        ("{after}", False),
        ("yesterday", False),
    ):
        yield Row(
            f"13.1.5 If-Range: {value} {'matches' if matches else 'does not match'}",
            (("Range", "bytes=2-4"), ("If-Range", value)),
            206 if matches else 200,
            part if matches else (),
        )
    yield Row(
        "13.1.5 several ranges", (("Range", "bytes=0-0,9-9"), ("If-Range", "{tag}")), 206,
        (slice(1), slice(9, 10)),
    )  # fmt: skip
    yield Row(
        "13.1.5 If-Range that does not match ignores an unsatisfiable range",
        (("Range", "bytes={size}-"), ("If-Range", '"another"')), 200,
    )  # fmt: skip
    yield Row(
        "13.1.5 If-Range that matches leaves a range unsatisfiable",
        (("Range", "bytes={size}-"), ("If-Range", "{tag}")), 416,
    )  # fmt: skip
    yield Row("13.1.5 If-Range without Range", (("If-Range", '"another"'),), 200)


def _conditions(method: str) -> Iterable[Row]:
    def row(section: str, status: int, *headers: tuple[str, str]) -> Row:
        fields = ", ".join(f"{name}: {value}" for name, value in headers)
        return Row(f"{section} {method} {fields}", headers, status, method=method)

    yield row("9.3.1", 200)
    match, none = "If-Match", "If-None-Match"
    since, unmodified = "If-Modified-Since", "If-Unmodified-Since"
    for value in ("{tag}", "*", '"x", {tag}', '"a,b" ,{tag}', ",{tag},"):
        yield row("13.1.1", 200, (match, value))
        yield row("13.1.2", 304, (none, value))
    for value in ('"x"', "x", ""):
        yield row("13.1.1", 412, (match, value))
        yield row("13.1.2", 200, (none, value))
    yield row("13.1.1 strong comparison", 412, (match, "W/{tag}"))
    yield row("13.1.2 weak comparison", 304, (none, "W/{tag}"))
    yield row("5.3 lines are joined", 200, (match, '"x"'), (match, "{tag}"))
    yield row("5.3 lines are joined", 304, (none, '"x"'), (none, "{tag}"))
    yield row("13.1.3", 304, (since, "{date}"))
    yield row("13.1.3", 304, (since, "{after}"))
    yield row("13.1.3", 200, (since, "{before}"))
    yield row("13.1.3 no date", 200, (since, "yesterday"))
    yield row("13.1.4", 200, (unmodified, "{date}"))
    yield row("13.1.4", 200, (unmodified, "{after}"))
    yield row("13.1.4", 412, (unmodified, "{before}"))
    yield row("13.1.4 no date", 200, (unmodified, "yesterday"))
    yield row("13.2.2 step 1 before 2", 200, (match, "{tag}"), (unmodified, "{before}"))
    yield row("13.2.2 step 1 before 3", 412, (match, '"x"'), (none, "{tag}"))
    yield row("13.2.2 step 2 before 3", 412, (unmodified, "{before}"), (none, "{tag}"))
    yield row("13.2.2 step 1, then 3", 304, (match, "{tag}"), (none, "{tag}"))
    yield row("13.2.2 step 3 before 4", 200, (none, '"x"'), (since, "{date}"))
    yield row("13.2.2 step 3 before 4", 304, (none, "{tag}"), (since, "{before}"))


def _conditions_and_ranges() -> Iterable[Row]:
    part = ("Range", "bytes=2-4")
    yield Row("13.2.2 step 3 before 5", (("If-None-Match", "{tag}"), part), 304)
    yield Row("13.2.2 step 1 before 5", (("If-Match", '"x"'), part), 412)
    yield Row("13.2.2 step 1, then 5", (("If-Match", "{tag}"), part), 206, (slice(2, 5),))
    yield Row("13.2.2 step 4 before 5", (("If-Modified-Since", "{date}"), part), 304)
    yield Row(
        "13.2.2 step 3 before unsatisfiable",
        (("If-None-Match", "{tag}"), ("Range", "bytes={size}-")), 304,
    )  # fmt: skip


ROWS = (
    *_ranges(),
    *_if_range(),
    *_conditions("GET"),
    *_conditions("HEAD"),
    *_conditions_and_ranges(),
)
