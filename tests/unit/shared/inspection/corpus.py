"""Generated files whose dialect and records are known: dialect, dirt, header and encoding."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from hypothesis import strategies as st

from tests.unit.shared.inspection.corpus_dirt import (
    DIRT,
    EXTRA_LINES,
    OF_GROUPS,
    OF_HEADERS,
    OF_NUMBERS,
    TEXT_NAMES,
    extra,
    labels,
    numbers,
)

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
_NAMES = [*TEXT_NAMES, "2019", "500"]
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


@dataclass(frozen=True)
class Question:
    """The sum and the maximum of a column of numbers, of each group or of all records."""

    group: int | None
    """The column of the groups, from 1; None for one group, whose label is empty."""
    number: int
    """The column of the numbers, from 1."""
    decimal: Literal[".", ","]
    """The decimal separator that the client declares."""
    answer: dict[str, tuple[Decimal, Decimal]]
    """The exact sum and the maximum of each group, by its label."""


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
    question: Question | None = None
    """None if the file has no column of numbers."""

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
    dirt = draw(st.sampled_from(dirts))
    size = draw(st.integers(4 if dirt == "total of another name" else 2, 12))
    has_numbers = dirt in OF_NUMBERS or draw(st.integers(0, 3)) > 0
    kinds = draw(st.lists(st.sampled_from(sorted(_KINDS)), min_size=2, max_size=4))
    if encoding not in UTF:
        size = max(size, 4)  # Few words do not show the encoding.
    columns = [
        draw(st.lists(_KINDS[kind], min_size=size, max_size=size)) for kind in kinds[has_numbers:]
    ]
    if encoding not in UTF:
        columns.append((draw(st.permutations(WORDS[encoding])) * 3)[:size])
    meant: list[str] | None = None
    found, column, group = None, None, None
    if has_numbers:
        found = draw(numbers(dirt, size))
        column = draw(st.integers(0, len(columns)))
        columns.insert(column, found.cells)
        if dirt in OF_NUMBERS:
            accents = encoding in UTF and draw(st.booleans())
            cells = draw(labels(dirt, size, accents=accents))
            columns.insert(0, [cell for cell, _ in cells])
            meant = [label for _, label in cells]
            column += 1
            group = 0 if dirt in OF_GROUPS else draw(st.sampled_from([None, 0]))
        else:
            group = draw(st.sampled_from([None, *range(len(columns))]))
            group = None if group == column else group
    names = st.lists(
        st.sampled_from(_NAMES), min_size=len(columns), max_size=len(columns), unique=True
    )
    header = dirt in OF_HEADERS or draw(st.booleans())
    rows = [list(row) for row in zip(*columns, strict=True)]
    table = [draw(names), *rows] if header else rows
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    lines = [_line(row, delimiter, quoting) for row in table]
    if dirt == "title with a comma" and (delimiter, len(columns)) == (",", 2):
        dirt = "none"  # The title would be a record.
    if dirt == "note in cells" and len(columns) == 2:
        dirt = "none"  # The note would be a record.
    if dirt.startswith("title"):
        lines.insert(0, "Sales, 2020" if "comma" in dirt else "Sales 2020")
    elif dirt == "trailing":
        lines = [line + delimiter for line in lines]
        table = [[*row, ""] for row in table]
    elif dirt == "trailing below":
        lines = [lines[0], *(line + delimiter for line in lines[1:])]
    elif dirt == "ragged":
        at = draw(st.integers(1, len(lines)))
        lines.insert(
            at, _line(["x"] * (len(columns) + draw(st.sampled_from([1, 2]))), delimiter, 0)
        )
    elif dirt == "empty lines":
        lines.insert(draw(st.integers(0, len(lines))), "")
    elif dirt == "quote in text":
        at = draw(st.integers(int(header), len(lines) - 1))
        lines[at] = _with_a_quote(draw, table[at], column, delimiter, quoting)
    elif dirt in EXTRA_LINES:
        at, more = extra(draw, dirt, table, column, found)
        lines[at:at] = [_line(row, delimiter, quoting) if row else "" for row in more]
    text = ending.join(lines) + draw(st.sampled_from(["", ending]))
    records = tuple(map(tuple, table))
    declared = draw(st.sampled_from([header, None]))
    question = None
    if found is not None and column is not None:
        by = [""] * size if group is None else meant or columns[group]
        question = Question(
            None if group is None else group + 1,
            column + 1,
            found.decimal,
            _answer(by, found.values),
        )
    return Known(
        text.encode(encoding), header, declared, records, dirt, encoding, delimiter, question
    )


def _answer(labels: Sequence[str], values: Sequence[Decimal]) -> dict[str, tuple[Decimal, Decimal]]:
    """Return the sum and the maximum of each group."""
    groups: dict[str, list[Decimal]] = {}
    for label, value in zip(labels, values, strict=True):
        groups.setdefault(label, []).append(value)
    return {label: (sum(found, Decimal()), max(found)) for label, found in groups.items()}


def _with_a_quote(
    draw: st.DrawFn, row: Sequence[str], column: int | None, delimiter: str, quoting: int
) -> str:
    """Return a line in which a cell has quotes around a delimiter, and does not begin with one.

    Where it has, a later cell may be missing, so that the line is as wide as the others.
    """
    at = draw(st.sampled_from([at for at in range(len(row)) if at != column]))
    cells = [_line([cell], delimiter, quoting) for cell in row]
    cells[at] = f'hat"warm{delimiter} dry"'
    if at < len(cells) - 1 and draw(st.booleans()):
        del cells[-1]
    return delimiter.join(cells)


def _line(row: list[str], delimiter: str, quoting: int) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="", quoting=quoting).writerow(row)  # type: ignore[arg-type]
    return out.getvalue()
