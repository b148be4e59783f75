#include "values/cell_hints.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace csvmill {

namespace {

/// In lower case.
constexpr std::array missing_words{
    Bytes("na"),      Bytes("n/a"),     Bytes("#n/a"),  Bytes("<na>"),       Bytes("nan"),
    Bytes("null"),    Bytes("<null>"),  Bytes("nil"),   Bytes("none"),       Bytes("(null)"),
    Bytes("-"),       Bytes("--"),      Bytes("---"),   Bytes("–"),          Bytes("—"),
    Bytes("."),       Bytes(".."),      Bytes("..."),   Bytes("?"),          Bytes("n.a."),
    Bytes("n.d."),    Bytes("k.a."),    Bytes("nat"),   Bytes("\\n"),        Bytes("#null!"),
    Bytes("missing"), Bytes("unknown"), Bytes("never"), Bytes("0000-00-00"),
};
constexpr std::size_t longest_word =
    std::ranges::max(missing_words, {}, [](Bytes word) { return word.size(); }).size();

constexpr std::array days{
    Bytes("%d/%m/%Y"), Bytes("%m/%d/%Y"), Bytes("%d.%m.%Y"),  Bytes("%d-%m-%Y"),  Bytes("%m-%d-%Y"),
    Bytes("%Y/%m/%d"), Bytes("%Y.%m.%d"), Bytes("%Y-%m-%d"),  Bytes("%Y%m%d"),    Bytes("%d %b %Y"),
    Bytes("%d %B %Y"), Bytes("%d-%b-%Y"), Bytes("%b %d, %Y"), Bytes("%B %d, %Y"),
};
constexpr std::array times{Bytes(""), Bytes(" %H:%M"), Bytes(" %H:%M:%S")};
constexpr std::size_t longest_date = 50;
constexpr std::size_t second_digits = 10;
constexpr std::size_t millisecond_digits = 13;

const std::vector<DateFormat>& common_formats() {
    static const std::vector<DateFormat> formats = [] {
        std::vector<DateFormat> all;
        for (const Bytes day : days)
            for (const Bytes time : times) all.emplace_back(std::string(day) + std::string(time));
        return all;
    }();
    return formats;
}

bool is_digits(Bytes text) {
    return std::ranges::all_of(text, [](char byte) { return byte >= '0' && byte <= '9'; });
}

}  // namespace

bool means_missing(Bytes cell) {
    if (cell.empty() || cell.size() > longest_word) return false;
    std::string lower(cell);
    for (char& byte : lower) {
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte + ('a' - 'A'));
    }
    return std::ranges::find(missing_words, Bytes(lower)) != missing_words.end();
}

std::string date_hint(Bytes cell, const DateFormat& dates) {
    if (!dates.is_default()) return {};
    Moment moment;
    if (dates.read(cell, moment)) {
        return moment.zoned ? "; if all dates have a time zone, set input.date to 'iso_zoned'" : "";
    }
    if (cell.size() > longest_date) return {};
    std::string found;
    const auto add = [&found](const std::string& format) {
        found += (found.empty() ? "'" : " or '") + format + "'";
    };
    for (const DateFormat& format : common_formats()) {
        if (format.read(cell, moment)) add(format.text());
    }
    if (is_digits(cell) && cell.size() == second_digits) add("epoch");
    if (is_digits(cell) && cell.size() == millisecond_digits) add("epoch_ms");
    return found.empty() ? found : "; if it is one, set input.date to " + found;
}

}  // namespace csvmill
