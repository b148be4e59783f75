"""No sample of a MiB takes more than a bounded number of steps to inspect, however hostile."""

from __future__ import annotations

import random
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.errors import MalformedInput, SpecMismatch
from shared.inspection.inspect import check_header, inspect

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

MIB = 1 << 20
MOST_STEPS = 3_500_000
"""Calls of functions, those of C among them: some hundred thousand take a second."""
AGGREGATION = Aggregation((GroupColumn(1),), (Aggregate("count"),))


def _mixed(count: int, alphabet: bytes, line: int) -> bytes:
    drawn = random.Random(1)
    return b"".join(bytes(drawn.choices(alphabet, k=line)) + b"\n" for _ in range(count))


HOSTILE = {
    "commas": b"," * MIB,
    "commas in lines": (b"," * 100 + b"\n") * (MIB // 101),
    "line ends": b"\n" * MIB,
    "carriage returns": b"\r" * MIB,
    "quotes": b'"' * MIB,
    "quotes and commas": b'",' * (MIB // 2),
    "quotes and line ends": b'"\n' * (MIB // 2),
    "empty quoted fields": b'"",' * (MIB // 3),
    "a long line of quoted fields": b'"",' * (MIB // 3 - 9) + b"x\n" + b'"",' * 9,
    "lines of empty quoted fields": b'"","",""\n' * (MIB // 9),
    "text after quotes": b'"a"b,"c"\n' * (MIB // 9),
    "all delimiters": b",;\t|" * (MIB // 4),
    "all delimiters in lines": _mixed(MIB // 21, b",;\t|\"'\n\r a1", 20),
    "backslashes": b'\\"' * (MIB // 2),
    "digits": b"1" * MIB,
    "digits in lines": b"1\n" * (MIB // 2),
    "numbers of a thousand digits": (b"1" * 1000 + b"," + b"2" * 1000 + b"\n") * (MIB // 2002),
    "different numbers": b"".join(b"%d\n" % n for n in range(MIB // 7)),
    "amounts": b"".join(b"$1.%03d,50;(5)\n" % (n % 1000) for n in range(MIB // 15)),
    "dates": b"".join(b"%02d/01/2020,1.5%%\n" % (n % 100) for n in range(MIB // 16)),
    "50,000 columns": (b",".join(b"c%d" % n for n in range(50_000)) + b"\n") * 3,
    "1,000 columns of dates": (b",".join([b"01/02/2020"] * 1000) + b"\n") * (MIB // 11_000),
    "records of many lines": b'"a\nb\nc",1\n' * (MIB // 10),
    "a title": b"Title\n\na;b\n" + b"1;2\n" * (MIB // 4),
    "letters of other encodings": b"\xe9\xe8,\xfc\n" * (MIB // 5),
    "different bytes": random.Random(2).randbytes(MIB),
}


def steps(work: Callable[[], object]) -> int:
    """Return how many functions are called, or `MOST_STEPS` if there are more."""
    count = 0

    def look(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(look)
    try:
        work()
    except (MalformedInput, SpecMismatch):
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("sample", HOSTILE.values(), ids=HOSTILE)
def test_a_sample_is_inspected_in_a_bounded_number_of_steps(sample: bytes) -> None:
    assert steps(lambda: inspect(sample, whole=False, aggregation=None)) < MOST_STEPS
    # The end of a whole sample is looked at too.
    assert steps(partial(check_header, sample, whole=True, aggregation=AGGREGATION)) < MOST_STEPS


def test_a_header_of_ten_mib_takes_few_steps() -> None:
    header = b",".join(b'"c,%d"' % n for n in range(MIB))[: 10 * MIB]
    sample = header + b'"\n' + b"1,2\n" * (MIB // 4)
    assert steps(lambda: inspect(sample, whole=False, aggregation=None)) < 750_000
