#include "warnings/total_names.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "text/case.hpp"

namespace csvmill {

namespace {

/// In lower case. docs/report.md has the same list.
constexpr std::array total_names{
    Bytes("total"),
    Bytes("totals"),
    Bytes("grand total"),
    Bytes("grand totals"),
    Bytes("sub total"),
    Bytes("sub-total"),
    Bytes("subtotal"),
    Bytes("subtotals"),
    Bytes("sum"),
    Bytes("overall"),
    Bytes("overall total"),
    Bytes("summe"),
    Bytes("gesamt"),
    Bytes("gesamtsumme"),
    Bytes("gesamttotal"),
    Bytes("gesamtergebnis"),
    Bytes("insgesamt"),
    Bytes("zwischensumme"),
    Bytes("teilsumme"),
    Bytes("somme"),
    Bytes("sous-total"),
    Bytes("total général"),
    Bytes("totale"),
    Bytes("subtotale"),
    Bytes("totale generale"),
    Bytes("totale complessivo"),
    Bytes("suma"),
    Bytes("suma total"),
    Bytes("total general"),
    Bytes("totales"),
    Bytes("total geral"),
    Bytes("totais"),
    Bytes("totaal"),
    Bytes("eindtotaal"),
    Bytes("subtotaal"),
    Bytes("totalt"),
    Bytes("summa"),
    Bytes("totalsumma"),
    Bytes("delsumma"),
    Bytes("hovedtotal"),
    Bytes("i alt"),
    Bytes("yhteensä"),
    Bytes("razem"),
    Bytes("ogółem"),
    Bytes("łącznie"),
    Bytes("suma końcowa"),
    Bytes("celkem"),
    Bytes("součet"),
    Bytes("celkový součet"),
    Bytes("spolu"),
    Bytes("súčet"),
    Bytes("összesen"),
    Bytes("végösszeg"),
    Bytes("ukupno"),
    Bytes("sveukupno"),
    Bytes("skupaj"),
    Bytes("toplam"),
    Bytes("genel toplam"),
    Bytes("итого"),
    Bytes("всего"),
    Bytes("сумма"),
    Bytes("общий итог"),
    Bytes("всього"),
    Bytes("усього"),
    Bytes("разом"),
    Bytes("общо"),
    Bytes("σύνολο"),
    Bytes("συνολο"),
    Bytes("γενικό σύνολο"),
    Bytes("合計"),
    Bytes("総計"),
    Bytes("小計"),
    Bytes("合计"),
    Bytes("总计"),
    Bytes("总和"),
    Bytes("小计"),
    Bytes("總計"),
    Bytes("總和"),
    Bytes("합계"),
    Bytes("총계"),
    Bytes("tổng"),
    Bytes("tổng cộng"),
    Bytes("jumlah"),
    Bytes("المجموع"),
    Bytes("סה\"כ"),
    Bytes("कुल"),
};

/// How names begin in upper case, if that is not how they begin in lower case but for one bit of
/// each byte; and if only the first letter is a capital.
constexpr std::array capital_beginnings{
    Bytes("Ит"), Bytes("ИТ"), Bytes("Вс"), Bytes("ВС"), Bytes("Су"), Bytes("СУ"),
    Bytes("Об"), Bytes("ОБ"), Bytes("Ус"), Bytes("УС"), Bytes("Ра"), Bytes("РА"),
    Bytes("Σύ"), Bytes("ΣΎ"), Bytes("Συ"), Bytes("ΣΥ"), Bytes("Γε"), Bytes("ΓΕ"),
    Bytes("Łą"), Bytes("ŁĄ"), Bytes("SÚ"), Bytes("VÉ"), Bytes("ÖS"), Bytes("TỔ"),
};

/// How groups are called that may have all others, in lower case. docs/report.md has the same list.
constexpr std::array all_names{
    Bytes("all"),      Bytes("alle"),    Bytes("alla"),  Bytes("tous"),  Bytes("toutes"),
    Bytes("todos"),    Bytes("todas"),   Bytes("tutti"), Bytes("tutte"), Bytes("wszystkie"),
    Bytes("wszystko"), Bytes("všechny"), Bytes("vše"),   Bytes("tümü"),  Bytes("hepsi"),
    Bytes("все"),      Bytes("всі"),     Bytes("全部"),  Bytes("全体"),  Bytes("すべて"),
    Bytes("전체"),
};

constexpr std::size_t longest_name =
    std::ranges::max(total_names, {}, [](Bytes name) { return name.size(); }).size();

constexpr std::size_t beginnings = 4096;

/// A number for the first three bytes of a text, of which the bit of lower case is set.
constexpr std::size_t beginning_of(Bytes text) {
    const auto byte = [text](std::size_t at) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at]) | 0x20U);
    };
    const std::uint32_t bytes = byte(0) << 16U | byte(1) << 8U | byte(2);
    return bytes * 0x9E3779B1U >> 20U;
}

constexpr std::array<bool, beginnings> known_beginnings = [] {
    std::array<bool, beginnings> known{};
    for (const Bytes name : total_names) known[beginning_of(name)] = true;
    for (const Bytes name : capital_beginnings) known[beginning_of(name)] = true;
    return known;
}();

constexpr std::array<bool, beginnings> beginnings_of_all = [] {
    std::array<bool, beginnings> known{};
    for (const Bytes name : all_names) known[beginning_of(name)] = true;
    for (const Bytes name : {Bytes("ВС"), Bytes("VŠ")}) known[beginning_of(name)] = true;
    return known;
}();

/// Without blanks around it, and without a colon at its end, in lower case; empty if it is long.
std::string plain_name(Bytes text) {
    text = trimmed(text);
    for (const Bytes colon : {Bytes(":"), Bytes("：")}) {
        if (!text.ends_with(colon)) continue;
        text = trimmed(text.substr(0, text.size() - colon.size()));
        break;
    }
    // A letter has at most three times as many bytes in upper case.
    std::string lower;
    if (text.size() <= 3 * longest_name) append_lower(lower, text);
    return lower;
}

}  // namespace

bool names_total(Bytes text) {
    return std::ranges::find(total_names, Bytes(plain_name(text))) != total_names.end();
}

bool names_all(Bytes text) {
    if (text.size() < 3) return false;
    const auto first = static_cast<unsigned char>(text.front());
    if (first > ' ' && first != 0xC2 && !beginnings_of_all[beginning_of(text)]) return false;
    return std::ranges::find(all_names, Bytes(plain_name(text))) != all_names.end();
}

bool may_be_named(Bytes text) {
    if (text.empty()) return true;
    const auto first = static_cast<unsigned char>(text.front());
    if (first <= ' ' || first == 0xC2) return true;
    return text.size() >= 3 && known_beginnings[beginning_of(text)];
}

}  // namespace csvmill
