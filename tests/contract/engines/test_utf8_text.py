"""UTF-8 that is read in another encoding, because the client declares it, is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation
from shared.csv.dialect import Encoding, Input
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, sources

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE

LONG = "".join(f"{'x' * (n % 7)}é€😀,{n}\n" for n in range(5000))
"""Many blocks of the engine with small blocks end within a character."""


async def told(
    engine: Engine, tmp_path: Path, scratch: Path, data: bytes, encoding: Encoding
) -> list[tuple[str, int, str]]:
    aggregation = Aggregation(
        (), (Aggregate("count"),), input=Input(header=True, encoding=encoding, delimiter=",")
    )
    found = []
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        found.append([(w.kind, w.count, w.example) for w in output.report.warnings])
        assert all(w.remedy for w in output.report.warnings)
    assert found[0] == found[1]
    return [warning for warning in found[0] if warning[0] == "utf8_text"]


@pytest.mark.parametrize("encoding", ["latin-1", "mac-roman", "cp437", "iso-8859-15"])
@pytest.mark.parametrize(("text", "first"), [("k,n\né,1\n", "é"), ("k,n\nx,1\n" + LONG, "é")])
async def test_a_file_in_utf_8_that_is_declared_to_be_in_another_encoding_is_told(
    engine: Engine, tmp_path: Path, scratch: Path, encoding: Encoding, text: str, first: str
) -> None:
    found = await told(engine, tmp_path, scratch, text.encode(), encoding)
    assert found == [("utf8_text", 1, repr(first))]


async def test_chinese_in_utf_8_that_is_valid_gb18030_is_told(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = "k,n\n中文,1\n".encode()
    assert await told(engine, tmp_path, scratch, data, "gb18030") == [("utf8_text", 1, "'中'")]


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"k,n\nx,1\n", "latin-1"),
        (b"k,n\n\xe9,1\n", "latin-1"),
        ("k,n\né,1\n".encode() + b"\xe9,2\n", "latin-1"),
        (("k,n\n" + LONG).encode() + b"x,\xc3", "latin-1"),
        ("k,n\né,1\n".encode(), "utf-8"),
        ("k,n\né,1\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
async def test_other_files_are_not(
    engine: Engine, tmp_path: Path, scratch: Path, data: bytes, encoding: Encoding
) -> None:
    assert await told(engine, tmp_path, scratch, data, encoding) == []
