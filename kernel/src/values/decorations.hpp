/// What may stand around a number: a currency, a percent sign, parentheses. The rules are those of
/// shared/aggregation/decorations.py.
#pragma once

#include <string>

#include "text/bytes.hpp"

namespace csvmill {

/// Kinds of decorations, each of which a spec allows or not.
struct Decorations {
    bool currency = false;
    bool percent = false;
    bool parentheses = false;  ///< They mean a negative number.

    bool any() const { return currency || percent || parentheses; }
    bool operator==(const Decorations&) const = default;
};

/// The number in a cell without its decorations, with its sign.
struct Undecorated {
    std::string number;
    Decorations found;
};

/// Removes decorations of a cell, all that there may be. Returns false if they contradict each
/// other: two signs or two units.
bool undecorate(Bytes cell, Undecorated& to);

}  // namespace csvmill
