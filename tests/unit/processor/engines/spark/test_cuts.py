"""Where files are cut: at what looks like the start of a record."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, BinaryIO

import pytest

from processor.engines.places import SharedFile
from processor.engines.spark.cuts import LOOKS, cuts_of, record_start
from shared.csv.dialect import Dialect

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = b"rest of one\na,1\nb,2\n"


@pytest.mark.parametrize(
    ("window", "dialect", "start"),
    [
        (PLAIN, Dialect(), 12),
        (PLAIN.replace(b"\n", b"\r\n"), Dialect(), 13),
        (PLAIN.replace(b"\n", b"\r"), Dialect(line_end="cr"), 12),
        (b"no line end", Dialect(), None),
        (b"ends here\n", Dialect(), None),
    ],
    ids=["lf", "crlf", "cr", "one line", "nothing after the line"],
)
def test_without_quotes_a_record_begins_after_the_first_line_end(
    window: bytes, dialect: Dialect, start: int | None
) -> None:
    assert record_start(window, dialect, 2) == start


def test_a_line_within_quotes_is_no_record() -> None:
    text = b"".join(b'"one, two\nthree, four, five\nsix",%d\n' % i for i in range(40))
    begins = {text.find(b'"one', at) for at in range(len(text))}

    # In the middle of a field in quotes.
    start = record_start(text[7:], Dialect(), 2)

    assert start is not None
    assert start + 7 in begins


def test_a_line_within_quotes_that_looks_like_a_record_is_passed_over() -> None:
    text = b"".join(b'"a\nb",%d\n' % i for i in range(40))
    begins = {text.find(b'"a', at) for at in range(len(text))}

    assert {start + at for at in range(7) if (start := record_start(text[at:], Dialect(), 2))} <= (
        begins
    )


def test_text_of_another_encoding_is_cut_by_its_records() -> None:
    text = b"".join(b'"\xe4,\n\xfc",%d\n' % i for i in range(40))
    begins = {text.find(b'"\xe4', at) for at in range(len(text))}

    start = record_start(text[2:], Dialect(encoding="windows-1252"), 2)

    assert start is not None
    assert start + 2 in begins


def test_ranges_have_about_the_same_size_and_end_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345,789\n" * 1000)

    cuts = cuts_of(SharedFile(str(path)), 10, 10_000, 1000, Dialect(), 2)

    assert cuts == [1020, 2020, 3020, 4020, 5020, 6020, 7020, 8020, 9020, 10_000]


class SlowPlace:
    """Answers once so many ask at a time."""

    def __init__(self, path: Path, callers: int) -> None:
        self._file = SharedFile(str(path))
        self._all = threading.Barrier(callers, timeout=30)

    def open(self, begin: int) -> BinaryIO:
        self._all.wait()
        return self._file.open(begin)


def test_several_places_are_looked_at_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345,789\n" * 10 * (2 * LOOKS + 1))

    cuts = cuts_of(SlowPlace(path, LOOKS), 0, path.stat().st_size, 100, Dialect(), 2)

    assert cuts == [*(100 * n + 10 for n in range(1, 2 * LOOKS + 1)), 100 * (2 * LOOKS + 1)]


def test_a_place_that_fails_is_not_asked_for_all_others(tmp_path: Path) -> None:
    asked = []

    class Failing:
        def open(self, begin: int) -> BinaryIO:
            asked.append(begin)
            raise OSError("away")

    with pytest.raises(OSError, match="away"):
        cuts_of(Failing(), 0, 1_000_000, 100, Dialect(), 2)

    assert len(asked) <= LOOKS
