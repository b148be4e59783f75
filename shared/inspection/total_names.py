"""How records are called that sum others, and how notes begin. docs/report.md has the same lists.

The engine has the names in kernel/src/warnings/total_names.cpp and note_marks.cpp.
"""

from __future__ import annotations

import re

BLANKS = " \t\r\n\v\f\u00a0"
COLONS = (":", "\uff1a")
# fmt: off
TOTALS = frozenset({
    "total", "totals", "grand total", "grand totals", "sub total", "sub-total", "subtotal",
    "subtotals", "sum", "overall", "overall total", "summe", "gesamt", "gesamtsumme",
    "gesamttotal", "gesamtergebnis", "insgesamt", "zwischensumme", "teilsumme", "somme",
    "sous-total", "total général", "totale", "subtotale", "totale generale",
    "totale complessivo", "suma", "suma total", "total general", "totales", "total geral",
    "totais", "totaal", "eindtotaal", "subtotaal", "totalt", "summa", "totalsumma",
    "delsumma", "hovedtotal", "i alt", "yhteensä", "razem", "ogółem", "łącznie",
    "suma końcowa", "celkem", "součet", "celkový součet", "spolu", "súčet", "összesen",
    "végösszeg", "ukupno", "sveukupno", "skupaj", "toplam", "genel toplam", "итого", "всего",
    "сумма", "общий итог", "всього", "усього", "разом", "общо", "σύνολο", "συνολο",
    "γενικό σύνολο", "合計", "総計", "小計", "合计", "总计", "总和",
    "小计", "總計", "總和", "합계", "총계", "tổng",
    "tổng cộng", "jumlah", "المجموع", 'סה"כ', "कुल",
})
ALL = frozenset({
    "all", "alle", "alla", "tous", "toutes", "todos", "todas", "tutti", "tutte", "wszystkie",
    "wszystko", "všechny", "vše", "tümü", "hepsi", "все", "всі", "全部", "全体", "すべて", "전체",
})
NOTE_MARKS = ("*", "†", "‡", "§", "¹", "²", "³")
NOTE_WORDS = frozenset({
    "note", "notes", "source", "sources", "quelle", "quellen", "anmerkung", "anmerkungen",
    "hinweis", "fußnote", "stand", "nota", "notas", "fuente", "fuentes", "fonte", "fonti",
    "fontes", "remarque", "remarques", "bron", "opmerking", "källa", "anm", "kilde", "lähde",
    "źródło", "uwaga", "uwagi", "zdroj", "forrás", "источник", "примечание", "出典", "資料來源",
    "资料来源", "출처",
})
# fmt: on
_LONGEST = 200
"""Bytes of a cell, of which a longer one is not looked at."""
_begins_with_number = re.compile(r"[(]?[0-9]{1,2}[)]|\[[0-9]{1,2}\]").match


def names_total(cell: bytes) -> bool:
    """Return whether a cell names a record that sums others, such as `Total:`."""
    return len(cell) <= _LONGEST and _plain(cell) in TOTALS


def names_all(cell: bytes) -> bool:
    """Return whether a cell names a group that may have all others, such as `ALL`."""
    return len(cell) <= _LONGEST and _plain(cell) in ALL


def begins_note(cell: bytes) -> bool:
    """Return whether a first cell announces a note, such as `Source:` or `[1]`."""
    text = cell.decode(errors="replace").strip(BLANKS)
    return (
        text.startswith(NOTE_MARKS)
        or _begins_with_number(text) is not None
        or text.endswith(COLONS)
        or text.lower() in NOTE_WORDS
    )


def is_blank(cell: bytes) -> bool:
    """Return whether a cell is empty, or has blanks only."""
    return not cell.strip() or not cell.decode(errors="replace").strip(BLANKS)


def _plain(cell: bytes) -> str:
    text = cell.decode(errors="replace").strip(BLANKS)
    colon = next((colon for colon in COLONS if text.endswith(colon)), "")
    return text.removesuffix(colon).strip(BLANKS).lower()
