"""Text that is not UTF-8 is read rightly and told, or refused with encodings to declare."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.aggregation.spec import Aggregate, Aggregation, GroupColumn
from shared.csv.dialect import Encoding, Input
from shared.errors import MalformedInput
from tests.contract.engines.runs import WITH_REFERENCE, aggregate, leftovers, sources

if TYPE_CHECKING:
    from pathlib import Path

    from processor.engines.port import Engine

pytestmark = WITH_REFERENCE

BY_POSITION = Aggregation((GroupColumn(1, "k"),), (Aggregate("sum", 2, "n", "number"),))
JAPANESE = [
    *("東京", "大阪", "名古屋", "札幌", "神奈川県", "横浜市"),
    *("京都市", "福岡県", "広島市", "仙台", "新潟", "静岡"),
]
SIMPLIFIED = [
    *("北京", "上海", "广州", "深圳", "杭州市", "成都市"),
    *("南京", "武汉", "天津", "重庆", "苏州", "西安"),
]
TRADITIONAL = [
    *("臺北", "高雄", "臺中", "臺南", "桃園市", "嘉義縣"),
    *("屏東縣", "新竹市", "基隆", "花蓮", "宜蘭", "南投"),
]
KOREAN = [
    *("서울", "부산", "대구", "광주", "대전", "수원"),
    *("인천", "경기도", "충청남도", "제주", "강원", "전라북도"),
]
GERMAN = ["Über", "Ärzte", "Motörhead", "Straße"]
GREEK = ["Αθήνα", "Θεσσαλονίκη", "Πάτρα"]
RUSSIAN = ["Москва", "Казань", "Пермь"]
CHINESE_LINES = ["城市名称\uff0c人口", "上海浦东新区", "北京市朝阳区"]


def file_of(labels: list[str], codec: str) -> bytes:
    """Return a file of labels and numbers from 1."""
    rows = [f"{label};{n}" for n, label in enumerate(labels, 1)]
    return "\n".join([f"{labels[0]};n", *rows, ""]).encode(codec)


@pytest.mark.parametrize(
    ("labels", "codec", "encoding", "runner_up"),
    [
        (JAPANESE, "cp932", "shift-jis", ""),
        (JAPANESE, "euc_jp", "euc-jp", "GB18030"),
        (SIMPLIFIED, "gb18030", "gb18030", "EUC-JP"),
        (TRADITIONAL, "cp950", "big5", ""),
        (KOREAN, "cp949", "euc-kr", "GB18030"),
        (GERMAN, "cp1252", "windows-1252", "Mac Roman"),
    ],
)
async def test_text_that_shows_its_encoding_is_read_and_told_with_the_next_likeliest(
    engine: Engine,
    tmp_path: Path,
    scratch: Path,
    labels: list[str],
    codec: str,
    encoding: Encoding,
    runner_up: str,
) -> None:
    rows = sorted(f"{label},{n}\n".encode() for n, label in enumerate(labels, 1))
    for source in sources(file_of(labels, codec), tmp_path):
        output = await aggregate(engine, source, scratch, BY_POSITION)
        assert output.path.read_bytes() == b"k,n\n" + b"".join(rows)
        assert output.report.dialect is not None
        assert output.report.dialect.encoding == encoding
        found = [(each.kind, each.example) for each in output.report.warnings]
        assert found == [("assumed_encoding", runner_up)]


@pytest.mark.parametrize(
    ("labels", "codec", "likely"),
    [
        (JAPANESE[:2], "cp932", "Shift-JIS"),
        (JAPANESE[:3], "euc_jp", "EUC-JP"),
        (SIMPLIFIED[:3], "gb18030", "GB18030"),
        (TRADITIONAL[:2], "cp950", "Big5"),
        (KOREAN[:2], "cp949", "EUC-KR"),
        (GERMAN, "mac_roman", "Mac Roman"),
        (GREEK, "iso8859_7", "(Windows-1253|ISO-8859-7)"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        (RUSSIAN, "cp1251", "Windows-1251"),
    ],
)
async def test_text_in_doubt_is_refused_until_its_encoding_is_declared(
    engine: Engine, tmp_path: Path, scratch: Path, labels: list[str], codec: str, likely: str
) -> None:
    message = (
        "the encoding is not certain: the text is not UTF-8, and is perhaps in "
        rf"{likely}( or [^:]+)?: set input\.encoding, such as to (.*), or save the file as UTF-8"
    )
    data = file_of(labels, codec)
    for source in sources(data, tmp_path):
        with pytest.raises(MalformedInput) as refused:
            await aggregate(engine, source, scratch, BY_POSITION)
        assert re.fullmatch(message, str(refused.value))
    assert leftovers(scratch) == set()
    names: dict[str, Encoding] = {"cp932": "shift-jis", "cp1251": "windows-1251"}
    if codec in names:
        declared = replace(BY_POSITION, input=Input(encoding=names[codec]))
        output = await aggregate(engine, sources(data, tmp_path)[0], scratch, declared)
        rows = sorted(f"{label},{n}\n".encode() for n, label in enumerate(labels, 1))
        assert output.path.read_bytes() == b"k,n\n" + b"".join(rows)
        assert output.report.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_chinese_in_utf_16_without_a_byte_order_mark_is_read(
    engine: Engine, tmp_path: Path, scratch: Path, encoding: Encoding, end: str
) -> None:
    by_first = Aggregation((GroupColumn(1, "k"),), (Aggregate("count", None, "n"),))
    # Few characters are ASCII, and none but the line ends.
    data = end.join([*CHINESE_LINES, *CHINESE_LINES[1:], ""]).encode(encoding)
    for source in sources(data, tmp_path):
        output = await aggregate(
            engine, source, scratch, replace(by_first, input=Input(header=True))
        )
        assert output.path.read_text("utf-8") == "k,n\n上海浦东新区,2\n北京市朝阳区,2\n"
        assert output.report.dialect is not None
        assert output.report.dialect.encoding == encoding
        assert output.report.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["城市,n\n北京市,1", "城市名称\uff0c人口\n", "도시,지역\n서울,수도권"]
)
async def test_a_file_of_one_line_end_in_utf_16_is_refused_until_that_is_declared(
    engine: Engine, tmp_path: Path, scratch: Path, encoding: Encoding, text: str
) -> None:
    count = Aggregation(aggregates=(Aggregate("count", None, "n"),))
    for source in sources(text.encode(encoding), tmp_path):
        with pytest.raises(MalformedInput) as refused:
            await aggregate(engine, source, scratch, count)
        assert str(refused.value) == (
            "the encoding is not certain: the text is not UTF-8, and its NUL bytes are perhaps "
            "halves of characters of UTF-16 without a byte order mark: set input.encoding, such "
            f"as to {encoding}, or save the file as UTF-8"
        )
        declared = replace(count, input=Input(encoding=encoding, header=True))
        output = await aggregate(engine, source, scratch, declared)
        records = len(text.splitlines()) - 1
        assert output.path.read_bytes() == b"n\n%d\n" % records
