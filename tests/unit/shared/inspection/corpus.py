"""Generated files whose dialect and records are known: dialect, dirt, header and encoding."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Sequence

JAPANESE = [
    *("東京", "大阪", "名古屋", "札幌", "テレビ", "都市", "商品の価格", "お客様番号", "神奈川県"),
    *("りんごジュース", "注文の日付", "ノートパソコン", "合計"),
]
WORDS = {
    "cp1252": ["Müller", "Köln", "Straße", "Größe", "Ärzte", "Café", "São Paulo", "Málaga", "x"],
    "mac_roman": ["Müller", "Köln", "Orléans", "Motörhead", "Évry", "Málaga"],
    "cp850": ["Orléans", "Besançon", "Évry", "région", "Müller", "Köln"],
    "shift_jis": JAPANESE,
    "euc_jp": JAPANESE,
    "gb18030": [
        *("北京", "上海", "广州", "深圳", "城市", "人口", "浙江省杭州市", "四川省成都市"),
        *("订单编号", "客户名称", "产品价格", "江苏省南京市", "备注"),
    ],
    "big5": [
        *("臺北", "高雄", "臺中", "臺南", "城市", "桃園市", "訂單編號", "客戶名稱", "產品價格"),
        *("嘉義縣", "屏東縣", "新竹市", "備註"),
    ],
    "euc_kr": [
        *("서울", "부산", "대구", "도시", "인구", "광주광역시", "대전광역시", "주문번호", "고객명"),
        *("상품가격", "경기도 수원시", "합계"),
    ],
    "iso8859_7": ["Αθήνα", "Θεσσαλονίκη", "Πάτρα", "Λάρισα"],
    "cp1251": ["Москва", "Казань", "Санкт-Петербург", "город"],
    "koi8_r": ["Москва", "Казань", "Санкт-Петербург", "город"],
}
"""Words of the languages that are written in an encoding."""
UTF = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
READABLE = (*UTF, "cp1252")
SEVERAL_BYTES = ("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
"""Encodings that are detected in text of many words."""

_DELIMITER = re.compile("[,;|\t]")
_NAMES = [
    "Name, Vorname",
    "Preis, netto",
    "City; State",
    "Name",
    "Preis",
    "Stadt",
    "n",
    "A/B",
    "x|y",
]
_KINDS = {
    "word": st.sampled_from(["Doe", "Roe", "Poe", "a b", "x-y", "7 inch", "C:"]),
    "name": st.sampled_from(["Meier, Anna", "Doe, John", "Roe, Jane", "Poe, E. A."]),
    "prose": st.sampled_from(["one, two; three", "a | b", "no comma", "it's, well", 'say "hi"']),
    "list": st.sampled_from(["rock|pop", "a;b;c", "1,2", "x,y,z", "plain"]),
    "integer": st.integers(-999, 9999).map(str),
    "decimal": st.integers(0, 99999).map(lambda n: f"{n // 100}.{n % 100:02}"),
    "comma": st.integers(0, 99999).map(lambda n: f"{n // 100},{n % 100:02}"),
    "date": st.dates().map(str),
    "empty": st.just("") | st.just("z"),
}
DIRT = (
    "none",
    "title",
    "title with a comma",
    "trailing",
    "trailing below",
    "ragged",
    "empty lines",
)
"""What makes a file hard to read."""
EXTRA_LINES = (
    "header again",
    "header in the middle",
    "total",
    "empty cells",
    "note below",
    "comment",
)
"""Lines that are no records of the table, though they can be read as such."""


@dataclass(frozen=True)
class Known:
    """A file, and how it is to be read."""

    data: bytes
    header: bool
    declared_header: bool | None
    """What a client says about the header."""
    records: tuple[tuple[str, ...], ...]
    """All records, with the header if there is one."""
    dirt: str
    encoding: str
    delimiter: str

    @property
    def is_ambiguous(self) -> bool:
        """Whether the file can be read in two ways that are equally good."""
        # A title is a record of a table of one column.
        if self.dirt.startswith("title") and len(self.records[0]) == 1:
            return True
        # Where all cells are lists, those of the other delimiter are the better cells.
        return all(_DELIMITER.search(cell) for row in self.records for cell in row)


@st.composite
def known_files(draw: st.DrawFn, dirts: Sequence[str] = DIRT) -> Known:
    """Draw a file with one of these kinds of dirt."""
    encoding = draw(st.sampled_from([*READABLE, *READABLE, *WORDS]))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    kinds = draw(st.lists(st.sampled_from(sorted(_KINDS)), min_size=2, max_size=4))
    size = draw(st.integers(2, 12))
    columns = [draw(st.lists(_KINDS[kind], min_size=size, max_size=size)) for kind in kinds]
    if encoding not in UTF:
        # Few words do not show the encoding.
        size = max(size, 4)
        columns = [(column * 2)[:size] for column in columns]
        columns.append((draw(st.permutations(WORDS[encoding])) * 3)[:size])
    if len(columns) == 1 and any(", " in cell for cell in columns[0]):
        delimiter = ","  # Nothing else tells such a column from two.
    names = st.lists(
        st.sampled_from(_NAMES), min_size=len(columns), max_size=len(columns), unique=True
    )
    header = draw(st.booleans())
    header = header and (len(columns) > 1 or delimiter == ",")
    rows = [list(row) for row in zip(*columns, strict=True)]
    table = [draw(names), *rows] if header else rows
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    lines = [_line(row, delimiter, quoting) for row in table]
    dirt = draw(st.sampled_from(dirts))
    if dirt.startswith("header") and not header:
        dirt = "none"  # The line would be a record.
    if dirt == "title with a comma" and (delimiter, len(columns)) == (",", 2):
        dirt = "none"  # The title would be a record.
    if dirt.startswith("title"):
        lines.insert(0, "Sales, 2020" if "comma" in dirt else "Sales 2020")
    elif dirt == "trailing":
        lines = [line + delimiter for line in lines]
        table = [[*row, ""] for row in table]
    elif dirt == "trailing below":
        lines = [lines[0], *(line + delimiter for line in lines[1:])]
    elif dirt == "ragged" and len(columns) > 1:
        at = draw(st.integers(1, len(lines)))
        lines.insert(
            at, _line(["x"] * (len(columns) + draw(st.sampled_from([1, 2]))), delimiter, 0)
        )
    elif dirt == "empty lines":
        lines.insert(draw(st.integers(0, len(lines))), "")
    elif dirt in EXTRA_LINES:
        at = len(lines)
        if dirt in ("header in the middle", "empty cells", "comment"):
            at = draw(st.integers(1, len(lines)))
        lines[at:at] = [_line(row, delimiter, quoting) for row in _extra(dirt, table)]
    text = ending.join(lines) + draw(st.sampled_from(["", ending]))
    records = tuple(map(tuple, table))
    declared = draw(st.sampled_from([header, None]))
    return Known(text.encode(encoding), header, declared, records, dirt, encoding, delimiter)


def _extra(dirt: str, table: list[list[str]]) -> list[list[str]]:
    """Return lines that are no records of the table."""
    width = len(table[0])
    if dirt in ("header again", "header in the middle"):
        return [table[0]]
    if dirt == "total":
        return [["Total", *(_total(column) for column in list(zip(*table, strict=True))[1:])]]
    if dirt == "empty cells":
        return [[""] * width]
    if dirt == "note below":
        return [["Source: the statistical office"]]
    return [["# exported on Monday"]]


def _total(column: Sequence[str]) -> str:
    """Return the sum of the integers of a column; an empty text if there are none."""
    numbers = [int(cell) for cell in column if re.fullmatch("-?[0-9]+", cell)]
    return str(sum(numbers)) if numbers else ""


def _line(row: list[str], delimiter: str, quoting: int) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="", quoting=quoting).writerow(row)  # type: ignore[arg-type]
    return out.getvalue()
