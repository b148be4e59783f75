"""Encodings with several bytes a character: every sequence is what Python's codecs read, or bad."""

from __future__ import annotations

import csv
import io
from itertools import product
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Encoding, Input
from shared.errors import MalformedInput
from tests.contract.engines.runs import aggregate, sources
from tests.reference.file import aggregate as reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processor.engines.port import Engine

CODECS: dict[Encoding, str] = {
    "shift-jis": "cp932",
    "euc-jp": "euc_jp",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
}
SECOND_TILDE = b"\x8f\xa2\xb7"
UPPER = range(0x80, 0x100)
TRAILS = [byte for byte in range(1, 0x100) if byte not in b'\t\r\n"']
"""Bytes that do not separate the fields or records of the files below."""
ODD, DIGITS = range(0x81, 0xFF), range(0x30, 0x3A)


def four_bytes() -> Iterator[bytes]:
    """Yield all four-byte characters of the basic plane, what follows, and others."""
    for numbers in product(range(0x81, 0x86), DIGITS, ODD, DIGITS):
        yield bytes(numbers)
    for numbers in product([0x8F, 0x90, 0xA0, 0xE2, 0xE3, 0xE4, 0xFE], DIGITS, ODD, [0x30, 0x39]):
        yield bytes(numbers)
    for number in [*range(0, 0x100000, 997), 0xFFFFF]:
        yield chr(0x10000 + number).encode("gb18030")


def sequences(encoding: Encoding) -> Iterator[bytes]:
    """Yield all sequences of one and two bytes, and those of three and four that may be valid."""
    for lead in UPPER:
        yield bytes([lead])
        for trail in TRAILS:
            yield bytes([lead, trail])
    for lead, middle, trail in product(
        [0x8E, 0x8F] if encoding == "euc-jp" else [0x8F, 0xA1],
        [0x30, *UPPER],
        [0x30, 0x41, *UPPER] if encoding == "euc-jp" else [0x30, 0x80, 0xA1, 0xFF],
    ):
        yield bytes([lead, middle, trail])
    if encoding == "gb18030":
        yield from four_bytes()


async def read(
    engine: Engine, data: bytes, encoding: Encoding, tmp_path: Path, scratch: Path
) -> tuple[dict[int, str], list[tuple[int, int]]]:
    """Return the texts of a file of numbered texts, and the line and offset of each bad record."""
    declared = Input(delimiter="\t", header=True, encoding=encoding, on_bad_row="skip")
    aggregation = Aggregation(
        (GroupColumn("n"), GroupColumn("k")), (Aggregate("count"),), input=declared
    )
    found = []
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        rows = list(csv.reader(io.StringIO(output.path.read_text("utf-8"), newline="")))[1:]
        bad = []
        if output.rejects:
            text = output.rejects.path.read_text("utf-8", errors="replace")
            places = list(csv.DictReader(io.StringIO(text, newline="")))
            bad = [(int(place["line"]), int(place["offset"])) for place in places]
        found.append(({int(n): k for n, k, _ in rows}, bad))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize("encoding", CODECS)
async def test_each_sequence_is_the_text_of_the_codec_or_makes_its_record_bad(
    engine: Engine, tmp_path: Path, scratch: Path, encoding: Encoding
) -> None:
    found = [each for each in sequences(encoding) if SECOND_TILDE not in each]
    lines = [b"n\tk\n", *(b"%d\tx%s\n" % (n, each) for n, each in enumerate(found))]
    texts, bad = {}, []
    offset = len(lines[0])
    for n, each in enumerate(found):
        text = (b"x" + each).decode(CODECS[encoding], "surrogateescape")
        if any("\udc80" <= char <= "\udcff" for char in text):
            bad.append((n + 2, offset))
        else:
            texts[n] = text
        offset += len(lines[n + 1])
    assert len(texts) > 10_000
    assert await read(engine, b"".join(lines), encoding, tmp_path, scratch) == (texts, bad)


@pytest.mark.parametrize(
    ("encoding", "data", "missing"),
    [
        ("euc-jp", b"k\n\xad\xa1\n", "characters of vendors, as in eucJP-ms and CP51932,"),
        ("big5", "k\n嘅\n".encode("big5hkscs"), "characters of Hong Kong, as in Big5-HKSCS,"),
    ],
)
async def test_characters_that_are_not_read_make_their_record_bad_with_what_to_do(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    encoding: Encoding,
    data: bytes,
    missing: str,
) -> None:
    asked = Aggregation(
        (GroupColumn("k"),),
        (Aggregate("count", None, "n"),),
        input=Input(encoding=encoding, delimiter=","),
    )
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput) as refused:
            await aggregate(engine, source, scratch, asked)
        assert str(refused.value).endswith(f": {missing} are not read: save the file as UTF-8")
        assert str(refused.value) == reference(data, asked).reason


async def test_the_second_tilde_of_euc_jp_is_no_character(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    data = b"n\tk\n1\tx" + SECOND_TILDE + b"\n2\t~\n3\t\xa1\xc1\n4\t\x8e" + SECOND_TILDE + b"\n"
    texts, bad = await read(engine, data, "euc-jp", tmp_path, scratch)
    assert texts == {2: "~", 3: "\N{WAVE DASH}"}
    assert bad == [(2, 4), (5, 20)]


async def test_a_second_byte_that_looks_like_a_delimiter_or_quote_is_part_of_its_character(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    # The second byte of 表 is a backslash, that of ポ is a vertical bar.
    declared = Input(delimiter="|", escape="\\", header=True, encoding="shift-jis")
    aggregation = Aggregation((GroupColumn("k"),), (Aggregate("count"),), input=declared)
    data = 'k|n\n表|1\nポ|2\n"表"|3\n'.encode("cp932")
    assert data.count(b"\\") == 2
    for source in sources(data, tmp_path):
        output = await aggregate(engine, source, scratch, aggregation)
        assert output.path.read_text("utf-8") == "k,count\nポ,1\n表,2\n"


async def test_half_a_character_does_not_take_the_line_end_after_it(
    engine: Engine, tmp_path: Path, scratch: Path
) -> None:
    halves_of: dict[Encoding, list[bytes]] = {
        "shift-jis": [b"\x81"],
        "euc-jp": [b"\xa1", b"\x8e", b"\x8f", b"\x8f\xa2"],
        "gb18030": [b"\x81", b"\x810", b"\x810\x81"],
        "big5": [b"\xa4"],
        "euc-kr": [b"\xb0"],
    }
    for encoding, halves in halves_of.items():
        for half in halves:
            for end in (b"", b"\n", b"\r\n", b"\n2\ty\n", b"\r\n2\ty\n"):
                texts, bad = await read(
                    engine, b"n\tk\n0\tz\n1\tx" + half + end, encoding, tmp_path, scratch
                )
                assert texts == ({0: "z", 2: "y"} if b"y" in end else {0: "z"})
                assert bad == [(3, 8)]
