"""Every encoding that can be declared is read as the codecs of Python read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Encoding, Input
from tests.contract.engines import test_multi_byte
from tests.contract.engines.runs import KERNEL_AND_REFERENCE, WITH_REFERENCE, aggregate, sources

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

CODECS = {"mac-roman": "mac_roman", "koi8-r": "koi8_r", "koi8-u": "koi8_u"}
SEVERAL_BYTES = ("utf-8", "utf-16-le", "utf-16-be", *test_multi_byte.CODECS)
SINGLE_BYTE = [name for name in get_args(Encoding) if name not in SEVERAL_BYTES]


def codec_of(encoding: str) -> str:
    """Return the codec of an encoding in Python."""
    name = encoding.replace("windows-", "cp").replace("iso-8859-", "iso8859_")
    return CODECS.get(name, name)


@KERNEL_AND_REFERENCE
@pytest.mark.parametrize("encoding", SINGLE_BYTE)
async def test_each_byte_is_the_character_of_the_codec_or_makes_its_record_bad(
    engine: Engine, tmp_path: Path, scratch: Path, encoding: Encoding
) -> None:
    upper = range(0x80, 0x100)
    data = b"k;n\n" + b"".join(b"%cx;%d\n" % (byte, byte) for byte in upper)
    declared = Input(delimiter=";", header=True, encoding=encoding, on_bad_row="skip")
    aggregation = Aggregation(
        (GroupColumn("k"),), (Aggregate("sum", "n", "n", "number"),), input=declared
    )
    texts = {byte: bytes([byte]).decode(codec_of(encoding), "ignore") for byte in upper}
    rows = sorted(f"{text}x,{byte}\n".encode() for byte, text in texts.items() if text)
    bad = [byte for byte, text in texts.items() if not text]
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == b"k,n\n" + b"".join(rows)
        assert output.report.rows.rejected == len(bad)
        assert [problem.offset for problem in output.report.problems] == [
            data.index(b"%cx" % byte) for byte in bad[:20]
        ]


@WITH_REFERENCE
async def test_bytes_without_a_character_are_bad_though_they_look_like_utf_8(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    declared = Input(delimiter=";", header=True, encoding="iso-8859-7", on_bad_row="skip")
    aggregation = Aggregation((GroupColumn("k"),), (Aggregate("count", None, "n"),), input=declared)
    for source in sources(b"k;n\n\xd2\xae;1\na;2\n", tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_bytes() == b"k,n\na,1\n"
        assert output.report.rows.rejected == 1
