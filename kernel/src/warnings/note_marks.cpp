#include "warnings/note_marks.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "text/case.hpp"

namespace csvmill {

namespace {

constexpr std::array marks{Bytes("*"), Bytes("†"), Bytes("‡"), Bytes("§"),
                           Bytes("¹"), Bytes("²"), Bytes("³")};

/// In lower case. docs/report.md has the same list.
constexpr std::array words{
    Bytes("note"),       Bytes("notes"),     Bytes("source"),    Bytes("sources"),
    Bytes("quelle"),     Bytes("quellen"),   Bytes("anmerkung"), Bytes("anmerkungen"),
    Bytes("hinweis"),    Bytes("fußnote"),   Bytes("stand"),     Bytes("nota"),
    Bytes("notas"),      Bytes("fuente"),    Bytes("fuentes"),   Bytes("fonte"),
    Bytes("fonti"),      Bytes("fontes"),    Bytes("remarque"),  Bytes("remarques"),
    Bytes("bron"),       Bytes("opmerking"), Bytes("källa"),     Bytes("anm"),
    Bytes("kilde"),      Bytes("lähde"),     Bytes("źródło"),    Bytes("uwaga"),
    Bytes("uwagi"),      Bytes("zdroj"),     Bytes("forrás"),    Bytes("источник"),
    Bytes("примечание"), Bytes("出典"),      Bytes("資料來源"),  Bytes("资料来源"),
    Bytes("출처"),
};

/// The digits of the number of a footnote.
constexpr std::size_t most_digits = 2;
/// A letter has at most three times as many bytes in upper case.
constexpr std::size_t longest_word =
    3 * std::ranges::max(words, {}, [](Bytes word) { return word.size(); }).size();

/// Whether a text begins with a number such as "1)", "(1)" or "[12]".
bool begins_with_number(Bytes text) {
    const bool opened = text.starts_with('(') || text.starts_with('[');
    const char closing = text.starts_with('[') ? ']' : ')';
    if (opened) text.remove_prefix(1);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    return digits > 0 && digits <= most_digits && text.substr(digits).starts_with(closing);
}

}  // namespace

bool begins_note(Bytes text) {
    text = trimmed(text);
    const auto begins = [text](Bytes mark) { return text.starts_with(mark); };
    if (std::ranges::any_of(marks, begins) || begins_with_number(text)) return true;
    if (text.ends_with(':') || text.ends_with("：")) return true;
    if (text.size() > longest_word) return false;
    std::string lower;
    append_lower(lower, text);
    return std::ranges::find(words, Bytes(lower)) != words.end();
}

}  // namespace csvmill
