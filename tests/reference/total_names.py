"""How records are called that sum others, and how notes begin."""

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
