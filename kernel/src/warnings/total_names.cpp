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
    Bytes("all"),       Bytes("alle"),     Bytes("alla"), Bytes("tous"),    Bytes("toutes"),
    Bytes("todos"),     Bytes("todas"),    Bytes("tutti"), Bytes("tutte"),  Bytes("wszystkie"),
    Bytes("wszystko"),  Bytes("všechny"),  Bytes("vše"),  Bytes("tümü"),    Bytes("hepsi"),
    Bytes("все"),       Bytes("всі"),      Bytes("全部"), Bytes("全体"),    Bytes("すべて"),
    Bytes("전체"),
};

constexpr std::size_t longest_name =
    std::ranges::max(total_names, {}, [](Bytes name) { return name.size(); }).size();

constexpr std::size_t beginnings = 4096;
constexpr std::size_t beginning_size = 3;

constexpr std::uint8_t lower_byte(char byte) {
    return static_cast<std::uint8_t>(static_cast<unsigned char>(byte) | 0x20U);
}

/// A number for the first three bytes of a text, of which the bit of lower case is set.
constexpr std::size_t beginning_of(const char* text) {
    const std::uint32_t bytes = std::uint32_t{lower_byte(text[0])} << 16U |
                                std::uint32_t{lower_byte(text[1])} << 8U | lower_byte(text[2]);
    return bytes * 0x9E3779B1U >> 20U;
}

/// The names in the order of their beginnings.
constexpr std::array<std::uint8_t, total_names.size()> names_by_beginning = [] {
    std::array<std::uint8_t, total_names.size()> order{};
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint8_t>(i);
    std::ranges::sort(order, {}, [](std::uint8_t i) { return beginning_of(total_names[i].data()); });
    return order;
}();

/// Of each beginning: none; one more than the place of its first name; or that only all of a text
/// tells whether it is a name.
constexpr std::uint8_t any_name = 0xFF;
constexpr std::array<std::uint8_t, beginnings> known_beginnings = [] {
    static_assert(total_names.size() < any_name);
    std::array<std::uint8_t, beginnings> known{};
    for (std::size_t i = names_by_beginning.size(); i > 0; --i) {
        const Bytes name = total_names[names_by_beginning[i - 1]];
        known[beginning_of(name.data())] = static_cast<std::uint8_t>(i);
    }
    for (const Bytes name : capital_beginnings) known[beginning_of(name.data())] = any_name;
    return known;
}();

constexpr std::array<bool, beginnings> beginnings_of_all = [] {
    std::array<bool, beginnings> known{};
    for (const Bytes name : all_names) known[beginning_of(name.data())] = true;
    for (const Bytes name : {Bytes("ВС"), Bytes("VŠ")}) known[beginning_of(name.data())] = true;
    return known;
}();

/// How many bytes of a text are compared with names.
constexpr std::size_t compared_bytes = 8;

/// Whether a text begins with the first bytes of `name`, and if these are all, with no letter after
/// them.
bool begins_with(const char* text, Bytes name) {
    const std::size_t size = std::min(name.size(), compared_bytes);
    for (std::size_t i = beginning_size; i < size; ++i) {
        // A letter beyond ASCII may have any other case.
        if (lower_byte(text[i]) >= 0x80 || lower_byte(name[i]) >= 0x80) return true;
        if (lower_byte(text[i]) != lower_byte(name[i])) return false;
    }
    if (name.size() > compared_bytes) return true;
    const std::uint8_t next = lower_byte(text[size]);
    return next < 'a' || next > 'z';
}

/// Without blanks around it, and without a colon at its end; if it is not too long, in lower case.
std::string plain_name(Bytes text) {
    text = trimmed(text);
    for (const Bytes colon : {Bytes(":"), Bytes("：")}) {
        if (!text.ends_with(colon)) continue;
        text = trimmed(text.substr(0, text.size() - colon.size()));
        break;
    }
    std::string lower;
    // A letter has at most three times as many bytes in upper case.
    if (text.size() <= 3 * longest_name) append_lower(lower, text);
    return lower;
}

}  // namespace

bool names_total(Bytes text) {
    return std::ranges::find(total_names, Bytes(plain_name(text))) != total_names.end();
}

bool names_all(Bytes text) {
    if (text.size() < beginning_size) return false;
    const auto first = static_cast<unsigned char>(text.front());
    if (first > ' ' && first != 0xC2 && !beginnings_of_all[beginning_of(text.data())]) return false;
    return std::ranges::find(all_names, Bytes(plain_name(text))) != all_names.end();
}

bool begins_as_total(const char* text) {
    const std::size_t beginning = beginning_of(text);
    const std::uint8_t known = known_beginnings[beginning];
    if (known == 0) [[likely]]
        return false;
    if (known == any_name) return true;
    for (std::size_t i = known - 1U; i < names_by_beginning.size(); ++i) {
        const Bytes name = total_names[names_by_beginning[i]];
        if (beginning_of(name.data()) != beginning) return false;
        if (begins_with(text, name)) return true;
    }
    return false;
}

bool may_be_named(Bytes text) {
    if (text.empty()) return true;
    const auto first = static_cast<unsigned char>(text.front());
    if (first <= ' ' || first == 0xC2) return true;
    return text.size() >= beginning_size && known_beginnings[beginning_of(text.data())] != 0;
}

}  // namespace csvmill
