#include "values/decorations.hpp"

#include <algorithm>
#include <array>

namespace csvmill {

namespace {

/// ISO 4217 codes of currencies in use, and symbols, sorted bytewise: `CURRENCIES` in
/// shared/aggregation/currencies.py.
constexpr std::array<Bytes, 201> currencies = {"$",
                                               "A$",
                                               "AED",
                                               "AFN",
                                               "ALL",
                                               "AMD",
                                               "ANG",
                                               "AOA",
                                               "ARS",
                                               "AU$",
                                               "AUD",
                                               "AWG",
                                               "AZN",
                                               "BAM",
                                               "BBD",
                                               "BDT",
                                               "BGN",
                                               "BHD",
                                               "BIF",
                                               "BMD",
                                               "BND",
                                               "BOB",
                                               "BRL",
                                               "BSD",
                                               "BTN",
                                               "BWP",
                                               "BYN",
                                               "BZD",
                                               "C$",
                                               "CA$",
                                               "CAD",
                                               "CDF",
                                               "CHF",
                                               "CLP",
                                               "CNY",
                                               "COP",
                                               "CRC",
                                               "CUP",
                                               "CVE",
                                               "CZK",
                                               "DJF",
                                               "DKK",
                                               "DOP",
                                               "DZD",
                                               "EGP",
                                               "ERN",
                                               "ETB",
                                               "EUR",
                                               "FJD",
                                               "FKP",
                                               "Fr",
                                               "Ft",
                                               "GBP",
                                               "GEL",
                                               "GHS",
                                               "GIP",
                                               "GMD",
                                               "GNF",
                                               "GTQ",
                                               "GYD",
                                               "HK$",
                                               "HKD",
                                               "HNL",
                                               "HTG",
                                               "HUF",
                                               "IDR",
                                               "ILS",
                                               "INR",
                                               "IQD",
                                               "IRR",
                                               "ISK",
                                               "JMD",
                                               "JOD",
                                               "JPY",
                                               "KES",
                                               "KGS",
                                               "KHR",
                                               "KMF",
                                               "KPW",
                                               "KRW",
                                               "KWD",
                                               "KYD",
                                               "KZT",
                                               "K\u010d",
                                               "LAK",
                                               "LBP",
                                               "LKR",
                                               "LRD",
                                               "LSL",
                                               "LYD",
                                               "MAD",
                                               "MDL",
                                               "MGA",
                                               "MKD",
                                               "MMK",
                                               "MNT",
                                               "MOP",
                                               "MRU",
                                               "MUR",
                                               "MVR",
                                               "MWK",
                                               "MX$",
                                               "MXN",
                                               "MYR",
                                               "MZN",
                                               "NAD",
                                               "NGN",
                                               "NIO",
                                               "NOK",
                                               "NPR",
                                               "NT$",
                                               "NZ$",
                                               "NZD",
                                               "OMR",
                                               "PAB",
                                               "PEN",
                                               "PGK",
                                               "PHP",
                                               "PKR",
                                               "PLN",
                                               "PYG",
                                               "QAR",
                                               "R$",
                                               "RON",
                                               "RSD",
                                               "RUB",
                                               "RWF",
                                               "S$",
                                               "SAR",
                                               "SBD",
                                               "SCR",
                                               "SDG",
                                               "SEK",
                                               "SGD",
                                               "SHP",
                                               "SLE",
                                               "SOS",
                                               "SRD",
                                               "SSP",
                                               "STN",
                                               "SVC",
                                               "SYP",
                                               "SZL",
                                               "THB",
                                               "TJS",
                                               "TMT",
                                               "TND",
                                               "TOP",
                                               "TRY",
                                               "TTD",
                                               "TWD",
                                               "TZS",
                                               "UAH",
                                               "UGX",
                                               "US$",
                                               "USD",
                                               "UYU",
                                               "UZS",
                                               "VED",
                                               "VES",
                                               "VND",
                                               "VUV",
                                               "WST",
                                               "XAF",
                                               "XCD",
                                               "XCG",
                                               "XOF",
                                               "XPF",
                                               "YER",
                                               "ZAR",
                                               "ZMW",
                                               "ZWG",
                                               "kr",
                                               "lei",
                                               "z\u0142",
                                               "\u00a3",
                                               "\u00a5",
                                               "\u043b\u0432",
                                               "\u0440\u0443\u0431",
                                               "\u20a1",
                                               "\u20a6",
                                               "\u20a8",
                                               "\u20a9",
                                               "\u20aa",
                                               "\u20ab",
                                               "\u20ac",
                                               "\u20ad",
                                               "\u20ae",
                                               "\u20b1",
                                               "\u20b2",
                                               "\u20b4",
                                               "\u20b5",
                                               "\u20b8",
                                               "\u20b9",
                                               "\u20ba",
                                               "\u20bc",
                                               "\u20bd",
                                               "\u20be",
                                               "\u20bf",
                                               "\u5143",
                                               "\u5186"};

/// What no unit contains: it ends there.
constexpr Bytes stops = "0123456789+-().,'_ ";

constexpr std::array<Bytes, 2> no_break_spaces = {"\u00a0", "\u202f"};

/// What stands beside a number, with a blank between them.
struct Unit {
    Decorations found;

    /// Whether `text` is a unit that may be `before` the number or after it.
    bool find(Bytes text, bool before) {
        found = {};
        if (text == "%") {
            found.percent = !before;
        } else {
            found.currency = std::binary_search(currencies.begin(), currencies.end(), text);
        }
        return found.any();
    }
};

/// Removes a unit from the start of `text`.
bool take_before(Bytes& text, Unit& unit) {
    const std::size_t size = std::min(text.find_first_of(stops), text.size());
    Bytes name = text.substr(0, size);
    Bytes rest = text.substr(size);
    bool blank = false;
    for (const Bytes space : no_break_spaces) {
        if (!name.ends_with(space)) continue;
        name.remove_suffix(space.size());
        blank = true;
        break;
    }
    if (!blank && rest.starts_with(' ')) rest.remove_prefix(1);
    if (!unit.find(name, true)) return false;
    text = rest;
    return true;
}

/// Removes a unit from the end of `text`.
bool take_after(Bytes& text, Unit& unit) {
    const std::size_t last = text.find_last_of(stops);
    const std::size_t size = last == Bytes::npos ? 0 : last + 1;
    Bytes name = text.substr(size);
    Bytes rest = text.substr(0, size);
    bool blank = false;
    for (const Bytes space : no_break_spaces) {
        if (!name.starts_with(space)) continue;
        name.remove_prefix(space.size());
        blank = true;
        break;
    }
    if (!blank && rest.ends_with(' ')) rest.remove_suffix(1);
    if (!unit.find(name, false)) return false;
    text = rest;
    return true;
}

bool take_unit(Bytes& text, Unit& unit) {
    return take_before(text, unit) || take_after(text, unit);
}

/// Removes a sign from the start of `text`, and returns it; empty if there is none.
Bytes take_sign(Bytes& text) {
    const std::size_t size = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    const Bytes sign = text.substr(0, size);
    text.remove_prefix(size);
    return sign;
}

}  // namespace

bool undecorate(Bytes cell, Undecorated& to) {
    Bytes rest = cell;
    Bytes sign = take_sign(rest);
    Unit unit;
    bool has_unit = take_unit(rest, unit);
    const bool enclosed = rest.size() >= 2 && rest.starts_with('(') && rest.ends_with(')');
    if (enclosed) {
        if (!sign.empty()) return false;
        sign = "-";
        rest = rest.substr(1, rest.size() - 2);
        if (!has_unit) has_unit = take_unit(rest, unit);
    } else if (sign.empty()) {
        sign = take_sign(rest);
    }
    if (rest.starts_with('-') || rest.starts_with('+')) return false;
    to.found = has_unit ? unit.found : Decorations();
    to.found.parentheses = enclosed;
    to.number.assign(sign);
    to.number += rest;
    return true;
}

}  // namespace csvmill
