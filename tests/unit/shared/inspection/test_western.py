"""Text that is not UTF-8 is Windows-1252 only if it does not look like another encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.csv.dialect import UNDECLARED, Input
from shared.csv.encodings import ENCODING_NAMES
from shared.errors import MalformedInput
from shared.inspection.detect import detect_dialect

if TYPE_CHECKING:
    from shared.csv.dialect import Encoding

GERMAN = ["Titel;Preis", "Über;1", "Ärzte;2", "Motörhead;3", "Straße;4"]
FRENCH = ["ville;région", "Orléans;Île-de-France", "Besançon;Franche-Comté", "Évry;Rhône"]
SPANISH = ["año;n", "España;1", "Málaga;2", "Coruña;3"]


def encoding_of(data: bytes, declared: Input = UNDECLARED) -> str:
    return detect_dialect(data, whole=True, declared=declared).dialect.encoding


def written(lines: list[str], encoding: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode(encoding)


@pytest.mark.parametrize(
    "lines",
    [
        GERMAN,
        FRENCH,
        SPANISH,
        ["a;b", "é;1"],
        ["a;b", "café;1", "x;2"],
        ["nome;cidade", "João;São Paulo", "Conceição;Goiás", "Água;Belém"],
        ["città;n", "Forlì;1", "Cantù;2"],
        ["by;n", "Århus;1", "Østfold;2", "Tromsø;3", "Malmö;4"],
        ["kunta;n", "Jyväskylä;1", "Hämeenlinna;2", "Seinäjoki;3"],
        ["n;x", "Café Zoë;1", "feeërie;2", "reünie;3"],
        ["NAME;X", "MÜLLER;1", "GRÖSSE;2", "ÄÖÜ;3"],
        # Signs
        ["a;b", "5 €;1", "6 €;2"],
        ["a;b", "“Hi”;1", "it\u2019s;2", "A\u2013B;3", "wait…;4"],
        ["a;b", "20 °C;1", "30 m²;2", "1º;3", "£5;4", "© x;5"],
        ["id;Ort", *(f"{n};Berlin" for n in range(9000)), "1;Köln"],
        ["id;Ort", *(f"{n};Größe {n}" for n in range(9000))],
    ],
)
def test_western_text_is_windows_1252(lines: list[str]) -> None:
    assert encoding_of(written(lines, "cp1252")) == "windows-1252"


@pytest.mark.parametrize(
    ("lines", "encoding", "name"),
    [
        (GERMAN, "mac_roman", "Mac Roman"),
        (FRENCH, "mac_roman", "Mac Roman"),
        (SPANISH, "mac_roman", "Mac Roman"),
        (["a;b", "café;1"], "mac_roman", "Mac Roman"),
        (GERMAN, "cp437", ""),
        (FRENCH, "cp850", "cp850"),
        (SPANISH, "cp850", ""),
        (["都市;人口", "東京;1", "大阪;2", "名古屋;3", "札幌;4"], "shift_jis", "Shift-JIS"),
        (["商品;価格", "テレビ;1", "ラジオ;2", "カメラ;3"], "shift_jis", "Shift-JIS"),
        (["a;b", "東京;1"], "shift_jis", ""),
        (["城市;人口", "北京;1", "上海;2", "广州;3", "深圳;4"], "gb18030", "GB18030"),
        (["城市;人口", *(f"北京{n};1" for n in range(5000))], "gb18030", "GB18030"),
        (["a;b", "北京;1"], "gb18030", ""),
        (["城市;人口", "臺北;1", "高雄;2", "臺中;3", "臺南;4"], "big5", "Big5"),
        (["도시;인구", "서울;1", "부산;2", "대구;3"], "euc_kr", "EUC-KR"),
        (["πόλη;n", "Αθήνα;1", "Θεσσαλονίκη;2", "Πάτρα;3"], "iso8859_7", "Windows-1253"),
        (["a;b", "Αθήνα;1"], "iso8859_7", ""),
        (["город;n", "Москва;1", "Санкт-Петербург;2", "Казань;3"], "cp1251", "Windows-1251"),
        (["город;n", "Москва;1", "Санкт-Петербург;2", "Казань;3"], "koi8_r", "KOI8-R"),
        (["miasto;n", "Łódź;1", "Gdańsk;2", "Kraków;3", "Świętochłowice;4"], "cp1250",
         "Windows-1250"),
        (["şehir;n", "İstanbul;1", "Şanl\u0131urfa;2", "Muğla;3", "Ağr\u0131;4"], "cp1254",
         "Windows-1254"),
        (["miasto;n", "Łódź;1", "Gdańsk;2", "Kraków;3", "Świętochłowice;4"], "cp852", "cp852"),
        (["město;n", "Plzeň;1", "Ústí nad Labem;2", "Kroměříž;3"], "mac_latin2", "Mac Latin-2"),
        (["şehir;n", "İstanbul;1", "Şanl\u0131urfa;2", "Muğla;3", "Ağr\u0131;4"], "mac_turkish",
         ""),
        (["город;n", "Москва;1", "Санкт-Петербург;2", "Казань;3"], "mac_cyrillic", "Mac Cyrillic"),
        (["город;n", "Москва;1", "Санкт-Петербург;2", "Казань;3"], "cp855", "cp855"),
        (["πόλη;n", "Αθήνα;1", "Θεσσαλονίκη;2", "Πάτρα;3"], "cp737", "cp737"),
        (["πόλη;n", "Αθήνα;1", "Θεσσαλονίκη;2", "Πάτρα;3"], "mac_greek", "Mac Greek"),
        (["a;b", "\x81é;1"], "latin-1", ""),
    ],
)  # fmt: skip
def test_text_that_looks_like_another_encoding_is_refused_unless_declared(
    lines: list[str], encoding: str, name: str
) -> None:
    data = written(lines, encoding)
    with pytest.raises(MalformedInput) as refused:
        encoding_of(data)
    message = str(refused.value)
    assert message.startswith(
        "the encoding is not certain: the text is not UTF-8, and is perhaps in "
    )
    assert name in message
    other = message.rpartition(" in ")[2].partition(":")[0].split(" or ")
    supported = {title: name for name, title in ENCODING_NAMES.items()}
    known = " or ".join(supported[title] for title in other if title in supported)
    assert message.endswith(
        f": set input.encoding, such as to {known}, or save the file as UTF-8"
        if known
        else ": save the file as UTF-8, or set input.encoding if it is in another one"
    )
    assert encoding_of(data, Input(encoding="latin-1")) == "latin-1"


PREFECTURES = ["都市;人口", "東京;1", "大阪;2", "名古屋;3", "札幌;4", "横浜市;5", "神戸市;6"]
HONG_KONG = ["城市;人口", "香港;1", "銅鑼灣;2", "九龍;3", "新界;4", "中環街市;6"]


@pytest.mark.parametrize(
    ("data", "title", "known"),
    [
        (written(PREFECTURES, "euc_jp") + b"\xad\xa1;7\n\xad\xea;8\n", "eucJP-ms", "euc-jp"),
        (written(PREFECTURES, "euc_jp") + b"\xf9\xa1;9\n", "eucJP-ms", "euc-jp"),
        (written([*HONG_KONG, "嘅喺咗;5"], "big5hkscs"), "Big5-HKSCS", "big5"),
    ],
    ids=["row 13", "rows of IBM", "Hong Kong"],
)
def test_an_encoding_that_is_not_read_is_named_with_what_to_do(
    data: bytes, title: str, known: Encoding
) -> None:
    with pytest.raises(MalformedInput) as refused:
        encoding_of(data)
    message = str(refused.value)
    assert message.startswith(f"the text is probably in {title} (")
    assert message.endswith("), which is not read: save the file as UTF-8")
    # If it is declared as what it is but for these characters, their records are bad.
    assert encoding_of(data, Input(encoding=known)) == known


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "gb18030", "cp950", "euc_kr"])
def test_encodings_that_are_read_are_not_taken_for_those_that_are_not(encoding: str) -> None:
    texts = {"gb18030": ["城市;人口", "北京;1", "广州;3"], "euc_kr": ["도시;인구", "서울;1"]}
    lines = texts.get(encoding, HONG_KONG[:1] if encoding == "cp950" else PREFECTURES)
    with pytest.raises(MalformedInput, match="the encoding is not certain"):
        encoding_of(written(lines, encoding))


def test_a_mixture_of_two_encodings_is_refused() -> None:
    with pytest.raises(MalformedInput, match="the encoding is not certain"):
        encoding_of(b"a,b\n\xe9\xe8,1\n\xfc,2\n" + "é,3\n".encode())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_utf_16_without_a_byte_order_mark_is_found_in_chinese_text(encoding: str, end: str) -> None:
    lines = ["城市名称\uff0c人口数量", "上海浦东新区一二三四五六七八九", "北京市朝阳区上上下下"]
    data = "".join(f"{line}{end}" for line in lines * 5).encode(encoding)
    assert encoding_of(data) == encoding


@pytest.mark.parametrize("tail", [b"\0", b"\0\0", b"\0\0\0"])
def test_nuls_at_the_end_of_a_file_do_not_make_it_utf_16(tail: bytes) -> None:
    for data in (b"a,b\np,1\n", b"a,bc\np,12\n", b"a,b\np,1\n\n"):
        assert encoding_of(data + tail) == "utf-8"
