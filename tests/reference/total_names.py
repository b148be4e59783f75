"""How records are called that sum others."""

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
# fmt: on
