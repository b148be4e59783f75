/// How numbers are written in the file, and reading them strictly.
#pragma once

#include <string>

#include "text/bytes.hpp"
#include "values/decimal.hpp"
#include "values/decorations.hpp"
#include "values/short_number.hpp"

namespace csvmill {

enum class Kind { integer, number, date, text };

/// See `Notation` in shared/aggregation/cells.py, whose rules and messages these are.
struct Notation {
    char decimal = '.';
    char thousands = 0;  ///< 0 for none. A space also stands for U+00A0 and U+202F, ' for U+2019.
    Decorations allowed = {};

    /// Whether the separators are those of values in a spec.
    bool canonical() const { return decimal == '.' && thousands == 0; }
    bool operator==(const Notation&) const = default;
};

/// The greatest absolute value of an exponent of ten.
inline constexpr int max_exponent = 400;

/// Reads a cell as an integer or number. Returns false, and leaves `to` unspecified, if it is none.
/// Short numbers without thousands separators are read without any allocation, in a few
/// nanoseconds.
template <Readable readable = Readable::cell>
[[gnu::always_inline]] inline bool read_integer(Bytes cell, const Notation& notation, Decimal& to);
template <Readable readable = Readable::cell>
[[gnu::always_inline]] inline bool read_number(Bytes cell, const Notation& notation, Decimal& to);

/// The same for cells of any length.
bool read_any_integer(Bytes cell, const Notation& notation, Decimal& to);
bool read_any_number(Bytes cell, const Notation& notation, Decimal& to);

/// The description of a number that may be multiplied: `EXPECTED_FACTOR`.
inline constexpr const char* expected_short_number =
    "a number of up to 1000 digits and 1000 decimals";

/// The description of a kind, but date, for a message: `Notation.expected`.
std::string expected(Kind kind, const Notation& notation);

/// The settings with which `cell` would be of that kind, such as "input.decimal to ','"; else
/// empty: `Notation.hint`.
std::string hint(Kind kind, Bytes cell, const Notation& notation);

template <Readable readable>
bool read_integer(Bytes cell, const Notation& notation, Decimal& to) {
    // Digits without separators are an integer in every notation.
    return read_short<readable>(cell, 0, to) || read_any_integer(cell, notation, to);
}

template <Readable readable>
bool read_number(Bytes cell, const Notation& notation, Decimal& to) {
    return read_short<readable>(cell, notation.decimal, to) || read_any_number(cell, notation, to);
}

}  // namespace csvmill
