"""Text in other writing systems than Latin is detected, or refused with its encoding named."""

from __future__ import annotations

import re

import pytest

from shared.csv.dialect import UNDECLARED, Encoding
from shared.errors import MalformedInput
from shared.inspection.detect import detect_dialect

RUSSIAN = [
    "город;область",
    "Москва;Центральный федеральный округ",
    "Санкт-Петербург;Северо-Западный",
    "Нижний Новгород;Поволжье",
    "Екатеринбург;Урал",
]
CAPITALS = [line.upper() for line in ("город;n", "москва;1", "казань;2", "пермь;3", "омск;4")]
UKRAINIAN = ["місто;область", "Київ;Київська", "Львів;Львівська", "Харків;Харківська"]
GREEK = ["πόλη;n", "Αθήνα;1", "Θεσσαλονίκη;2", "Ηράκλειο;4", "Ιωάννινα;6", "Άρτα;7"]
HEBREW = ["עיר;מספר", "ירושלים;1", "תל אביב;2", "חיפה;3", "באר שבע;4"]
ARABIC = ["مدينة;عدد", "القاهرة;1", "الرياض;2", "دبي;3", "بغداد;4"]
THAI = ["จังหวัด;n", "กรุงเทพมหานคร;1", "เชียงใหม่;2", "ภูเก็ต;3", "ขอนแก่น;4"]
JAPANESE = [
    "商品名;カテゴリ;価格",
    "りんごジュース;飲み物;120",
    "ノートパソコン;電化製品;98000",
    "東京都の地図;本;1500",
    "札幌ラーメン;食品;800",
]
PREFECTURES = [
    "都市;人口",
    *["東京;1", "大阪;2", "名古屋;3", "札幌;4", "横浜;5", "京都;6", "神戸;7", "福岡;8", "広島;9"],
]
HALF_WIDTH = ["ｼｮｳﾋﾝ;ｶｶｸ", "ﾘﾝｺﾞ;1", "ﾐｶﾝ;2", "ﾊﾞﾅﾅ;3"]
CHINESE = [
    "城市;省份;人口",
    "北京;直辖市;2189",
    "广州;广东省;1868",
    "成都;四川省;2094",
    "杭州;浙江省;1194",
    "武汉;湖北省;1233",
    "西安;陕西省;1295",
]
TRADITIONAL = [
    "城市;縣市;人口",
    "臺北市;直轄市;250",
    "桃園市;直轄市;228",
    "高雄市;直轄市;273",
    "基隆市;省轄市;36",
    "嘉義縣;縣;49",
    "屏東縣;縣;80",
]
KOREAN = [
    "도시;지역;인구",
    "서울특별시;수도권;950",
    "부산광역시;영남;335",
    "대전광역시;충청;146",
    "광주광역시;호남;144",
    "수원시;경기도;119",
]


def written(lines: list[str], codec: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(codec)


@pytest.mark.parametrize(
    ("lines", "codec", "encoding"),
    [
        (JAPANESE, "cp932", "shift-jis"),
        (JAPANESE, "euc_jp", "euc-jp"),
        (PREFECTURES, "cp932", "shift-jis"),
        (PREFECTURES, "euc_jp", "euc-jp"),
        (CHINESE, "gb18030", "gb18030"),
        (TRADITIONAL, "cp950", "big5"),
        (KOREAN, "cp949", "euc-kr"),
    ],
)
def test_text_with_many_of_the_most_frequent_characters_is_detected(
    lines: list[str], codec: str, encoding: Encoding
) -> None:
    dialect = detect_dialect(written(lines, codec), whole=True, declared=UNDECLARED).dialect
    assert dialect.encoding == encoding
    assert dialect.assumed_encoding


@pytest.mark.parametrize(
    ("lines", "codec", "name"),
    [
        (RUSSIAN, "cp1251", "Windows-1251"),
        (RUSSIAN, "koi8_r", "KOI8-R"),
        (RUSSIAN, "cp866", "cp866"),
        (RUSSIAN, "iso8859_5", "ISO-8859-5"),
        (CAPITALS, "cp1251", "Windows-1251"),
        (CAPITALS, "koi8_r", "KOI8-R"),
        (CAPITALS, "cp866", "cp866"),
        (CAPITALS, "iso8859_5", "ISO-8859-5"),
        (UKRAINIAN, "cp1251", "Windows-1251"),
        (UKRAINIAN, "koi8_u", "KOI8-U"),
        (GREEK, "cp1253", "Windows-1253"),
        (GREEK, "iso8859_7", "ISO-8859-7"),
        (HEBREW, "cp1255", "Windows-1255"),
        (ARABIC, "cp1256", "Windows-1256"),
        (ARABIC, "iso8859_6", "ISO-8859-6"),
        (THAI, "iso8859_11", "ISO-8859-11"),
        (HALF_WIDTH, "cp932", "Shift-JIS"),
        (JAPANESE[:2], "cp932", "Shift-JIS"),
        (PREFECTURES[:4], "euc_jp", "EUC-JP"),
        (CHINESE[:3], "gb18030", "GB18030"),
        (KOREAN[:2], "cp949", "EUC-KR"),
    ],
)
def test_text_of_a_few_words_is_refused_with_its_encoding_named_first(
    lines: list[str], codec: str, name: str
) -> None:
    with pytest.raises(MalformedInput) as refused:
        detect_dialect(written(lines, codec), whole=True, declared=UNDECLARED)
    assert re.search(f"is perhaps in {name}( or .*)?: set ", str(refused.value))


def test_the_end_of_a_sample_may_cut_a_character() -> None:
    data = written(JAPANESE, "cp932")
    for cut in range(1, 30):
        found = detect_dialect(data[:-cut], whole=False, declared=UNDECLARED)
        assert found.dialect.encoding == "shift-jis"


def test_text_that_is_in_no_encoding_as_a_whole_is_not_detected() -> None:
    data = written(JAPANESE, "cp932") + b"\x81,\x82,\n" + written(CHINESE, "gb18030") * 9
    with pytest.raises(MalformedInput, match="the encoding is not certain"):
        detect_dialect(data, whole=True, declared=UNDECLARED)
