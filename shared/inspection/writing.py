"""Find the encodings in which bytes are text in a writing system other than Latin. No I/O."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.csv.encodings import CODECS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.csv.dialect import Encoding

_FREQUENT_LETTERS: dict[tuple[Encoding, ...], str] = {
    (
        "windows-1251", "koi8-r", "koi8-u", "cp866", "iso-8859-5", "mac-cyrillic", "cp855",
    ): "оеаинтсрвлкмдпуяьыгзбіћј",
    ("windows-1253", "iso-8859-7", "cp737", "mac-greek"): "αοιετσνηυρπκλμςάίόέή",
    ("windows-1255", "iso-8859-8"): "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    ("windows-1256", "iso-8859-6"): "اليمنترهوبدعسةف",
    ("iso-8859-11",): "านรอกเงมยลวดทส่ตหปัิ้ีไ",
}  # fmt: skip
"""The frequent letters of the writing system of some encodings, in lower case."""
_IDEOGRAPHS: dict[Encoding, str] = {
    "euc-kr": "hangul",
    "shift-jis": "japanese",
    "euc-jp": "japanese",
    "big5": "traditional",
    "gb18030": "simplified",
}
_ROWS = {
    "japanese": ("euc_jp", 0xB0, 0xCF),
    "simplified": ("gb2312", 0xB0, 0xD7),
    "traditional": ("big5", 0xA4, 0xC6),
    "hangul": ("euc_kr", 0xB0, 0xC8),
}
"""The codec and the first bytes of the characters that are common: those of the first level."""
_FREQUENT_CHARACTERS = {
    "japanese": (
        "日一人年大本中国会市東京都府県道区町村北南西山川島田名古屋阪神戸横浜福岡広仙"
        "台札幌店商品価格計数量月火水木金土曜時分円社員電話番号住所氏部長課出入力明細"
        "内税消費合上下前後小高新生学校駅車食飲料理酒子男女性目地方自動者事業務用物場"
        "見行来手間体文書図"
    ),
    "simplified": (
        "的一是不在人有中大来上国个到说们为子和地出道时年得要下以生会自过家学对小多能"
        "好发成事用主行方市省区县州京海江南北西东山河湖广深圳都重庆天津杭武汉安苏福建"
        "名称姓产品价格数量金额日期月号电话址公司部门男女客户订单类型备注总计位元城口"
        "编状态间合"
    ),
    "traditional": (
        "的一是不在人有中大來上國個到說們為子和地出道時年得要下以生會自過家學對小多能"
        "好發成事用主行方市省區縣州京海江南北西東山河湖廣台臺灣新竹桃園基隆嘉義高雄名"
        "稱姓產品價格數量金額日期月號電話址公司部門男女客戶訂單類型備註總計位元城口編"
        "狀態間合"
    ),
    "hangul": (
        "이다는에의을가한하고로사지기서도인어대시리자아해일정수부제나구원상보주전동공"
        "장군광경남북면읍울산천청충라특별역명호번름격금액량계품월년합소회분류"
    ),
}
"""The most frequent characters, in running text and in tables."""
_KANA = "".join(map(chr, [*range(0x3041, 0x3094), *range(0x30A1, 0x30F5), 0x30FC]))
_SIGNS = "".join(
    map(chr, [*range(0x3000, 0x3003), 0x30FB, *range(0x3008, 0x3012), *range(0xFF00, 0xFF5F)])
)
_IS_WORD = re.compile(r"[^\W\d_][^\W\d_\u064b-\u0652\u0e31-\u0e4e]*(?:[\u0e31-\u0e4e][^\W\d_]*)*")
_EUC_PAIRS = re.compile(rb"\x8f[\xa1-\xfe]{2}|[\x8e\xa1-\xfe][\xa1-\xfe]")
_VENDORS = re.compile(rb"\x8f[\xf3-\xfe][\xa1-\xfe]|[\xad\xf5-\xfe][\xa1-\xfe]")
"""Characters of EUC-JP, and those that vendors have added: rows 13 and from 85 on."""
_HONG_KONG = re.compile(r"[\U00020000-\U0002ffff]")
_HALF_WIDTH = re.compile(r"(?<![A-Za-z])[\uff61-\uff9f]{2,}(?![A-Za-z])")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ALONE = re.compile(
    r"(?<![^\x00-\x7f])(?:(?<=[A-Za-z])[^\x00-\x7f](?![^\x00-\x7f])|[^\x00-\x7f](?=[A-Za-z]))"
)
"""A character beside Latin letters only: a letter with an accent in another encoding."""
_HALF_WIDTH_SHARE = 0.9
"""Nearly any capital letters of other encodings are words of half-width kana."""
_MAX_CUT = 3
"""The bytes of a character that the end of a sample may cut."""
_LEAST_LETTERS = 5
_RARE, _STRANGE_SHAPE = 0.5, 0.2
LIKELY = 0.6
"""The share of common characters from which text is probably in an encoding."""
_NEAR = 0.12
_CERTAIN, _CERTAIN_CHARACTERS = 0.95, 20
_FREQUENT, _TIMES_AS_FREQUENT = 0.15, 4


@dataclass(frozen=True, slots=True)
class Fit:
    """How well an encoding fits."""

    encoding: Encoding
    share: float
    """Of the characters that are not ASCII, those that are common, from 0 to 1."""
    distinct: int
    """How many of its characters are different ones."""
    frequent: float = 0.0
    """The share of those that are among the most frequent ones: only for several bytes."""


def fits(data: bytes, least: float = LIKELY) -> list[Fit]:
    """Return the encodings in which `data` is probably text, the best first; perhaps none.

    `least` is the share of common characters that it must have. The encodings are near each other:
    which one it is depends on what the text means.
    """
    found = sorted(_all_fits(data), key=lambda fit: -fit.share)
    likely = [fit for fit in found if fit.share >= max(least, found[0].share - _NEAR)]
    return sorted(likely, key=lambda fit: -(fit.share + fit.frequent))


def certain_fit(fits: Sequence[Fit]) -> Encoding | None:
    """Return the encoding of a text, if there is no doubt about it: only for several bytes.

    `fits` are those of the text.
    """
    if not fits or any(fit.encoding not in _IDEOGRAPHS for fit in fits):
        return None
    best, *others = fits
    if best.share < _CERTAIN or best.distinct < _CERTAIN_CHARACTERS:
        return None
    # Most characters of one encoding are common ones in another, but not the most frequent ones.
    if others and (
        best.frequent < _FREQUENT
        or any(_TIMES_AS_FREQUENT * fit.frequent > best.frequent for fit in others)
    ):
        return None
    return best.encoding


def unread_kin(data: bytes) -> str:
    """Return the encoding in which `data` is text, if it is one that is not read; else empty.

    It is text in EUC-JP or Big5, but for some characters that vendors or Hong Kong have added, and
    looks like it without them.
    """
    if (
        _decoded(data, "euc-jp") is None
        and _VENDORS.search(data)
        and (standard := _of_whole_pairs(data)) is not None
        and _looks_like(standard, "euc-jp")
    ):
        return "eucJP-ms (EUC-JP with characters of vendors, such as \u2460)"
    if (
        _decoded(data, "big5") is None
        and (text := _decoded_as(data, "big5hkscs")) is not None
        and _looks_like(_HONG_KONG.sub("", text).encode(CODECS["big5"], "ignore"), "big5")
    ):
        return "Big5-HKSCS (Big5 with characters of Hong Kong)"
    return ""


def _of_whole_pairs(data: bytes) -> bytes | None:
    """Return text in EUC-JP without the characters of vendors; None if it is none."""
    without = _EUC_PAIRS.sub(lambda pair: b"" if _VENDORS.match(pair[0]) else pair[0], data)
    return None if _decoded(without, "euc-jp") is None else without


def _looks_like(data: bytes, encoding: Encoding) -> bool:
    """Return whether text is likely in an encoding, and less likely in another one."""
    found = fits(data)
    return bool(found) and found[0].encoding == encoding and found[0].distinct >= _LEAST_LETTERS


def _all_fits(data: bytes) -> Iterator[Fit]:
    for encodings, frequent in _FREQUENT_LETTERS.items():
        for encoding in encodings:
            text = _decoded(data, encoding)
            if text is not None:
                yield Fit(encoding, _share_of_words(text, frequent), len(set(text)))
    for encoding, characters in _IDEOGRAPHS.items():
        text = _decoded(data, encoding)
        if text is not None:
            yield _fit_of_characters(text, encoding, characters)


def _decoded(data: bytes, encoding: Encoding) -> str | None:
    return _decoded_as(data, CODECS[encoding])


def _decoded_as(data: bytes, codec: str) -> str | None:
    for cut in range(_MAX_CUT + 1):
        try:
            return data[: len(data) - cut].decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(data) - cut - _MAX_CUT:
                return None
    return None


def _share_of_words(text: str, frequent: str) -> float:
    """Return how far the letters beyond ASCII stand in words as people write them."""
    total = len(_NOT_ASCII.findall(text))
    good, seen = 0.0, 0
    for word, count in Counter(_IS_WORD.findall(text)).items():
        if len(word) < 2 or any(char < "\x80" for char in word):
            continue
        letters = sum(1 if char in frequent else _RARE for char in word.lower())
        natural = word == word.upper() or word[1:] == word[1:].lower()
        seen += count * len(word)
        good += count * letters * (1 if natural else _STRANGE_SHAPE)
    return good / total if seen >= _LEAST_LETTERS else 0.0


def _fit_of_characters(text: str, encoding: Encoding, characters: str) -> Fit:
    """Return how many different characters beyond ASCII are common."""
    alone = set(_ALONE.findall(text))
    text, words = _HALF_WIDTH.subn("\N{KATAKANA LETTER A}", text)
    found = set(_NOT_ASCII.findall(text))
    count = max(1, len(found))
    good = len((found & _common(characters)) - alone) * (_HALF_WIDTH_SHARE if words else 1)
    frequent = len(found.intersection(_FREQUENT_CHARACTERS[characters]))
    return Fit(encoding, good / count, len(found), frequent / count)


@cache
def _common(characters: str) -> frozenset[str]:
    """Return the common characters of a writing system."""
    codec, first, last = _ROWS[characters]
    pairs = bytes(
        byte
        for lead in range(first, last + 1)
        for trail in (*range(0x40, 0x7F), *range(0xA1, 0xFF))
        for byte in (lead, trail)
    )
    found = "".join(pairs[at : at + 2].decode(codec, "ignore") for at in range(0, len(pairs), 2))
    kana = _KANA if characters == "japanese" else ""
    return frozenset(_NOT_ASCII.findall(found)) | set(kana) | set(_SIGNS)
