"""Compressed files are decompressed, unless they are damaged or expand too much."""

from __future__ import annotations

import gzip
import sys
from typing import TYPE_CHECKING

import pytest

from processor.engines.port import EngineLimits
from processor.engines.usage import Outgrown
from shared.csv import compression
from shared.errors import MalformedInput
from tests.contract.engines.runs import aggregate, assert_is, leftovers, sources
from tests.contract.engines.sources import StreamSource
from tests.oracle import Expected

if sys.version_info >= (3, 14):
    pass
else:
    pass

from tests.contract.engines.files import HEADER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from processor.engines.port import Engine
    from tests.contract.engines.runs import MakeEngine


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (lambda data: data[:-3], "upload the whole file"),
        (lambda data: data[: len(data) // 2], "is incomplete"),
        (lambda data: data + b"a,b,1\n", "followed by other bytes"),
        (lambda data: data[:-6] + b"xxxxxx", "data of the file is damaged"),
    ],
)
async def test_a_damaged_archive_has_no_result(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    damaged: Callable[[bytes], bytes],
    message: str,
) -> None:
    data = damaged(gzip.compress(HEADER + b"a,b,1\n" * 10_000))

    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput, match=message):
            await aggregate(engine, source, scratch)
    assert leftovers(scratch) == set()


async def test_an_archive_that_expands_too_much_is_refused(
    make_engine: MakeEngine, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "MIN_DECOMPRESSED_LIMIT", 1 << 20)
    data = gzip.compress(HEADER + b"a,b,1\n" * 1_000_000)
    assert_is(
        await aggregate(make_engine(EngineLimits()), StreamSource(data), scratch),
        Expected(b"Song,Date,Total Number of Plays for Date\na,b,1000000\n", (1_000_000, 0, 0), 1),
    )

    with pytest.raises(MalformedInput, match="raise CSVMILL_MAX_EXPANSION"):
        await aggregate(make_engine(EngineLimits(max_expansion=50)), StreamSource(data), scratch)


async def test_an_archive_that_is_too_large_for_a_small_job_is_known_as_that(
    make_engine: MakeEngine, tmp_path: Path, scratch: Path
) -> None:
    fits, expands = HEADER + b"a,b,1\n" * 1_000, HEADER + b"a,b,1\n" * 1_000_000
    engine = make_engine(EngineLimits(small=len(fits)))

    for source in sources(gzip.compress(fits), tmp_path):
        assert (await aggregate(engine, source, scratch)).report.groups == 1
    for source in sources(gzip.compress(expands), tmp_path):
        with pytest.raises(Outgrown, match="decompresses to more than"):
            await aggregate(engine, source, scratch)
    # A file that is not compressed has the size that it has
    for source in sources(expands, tmp_path):
        assert (await aggregate(engine, source, scratch)).report.groups == 1
