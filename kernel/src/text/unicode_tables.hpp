/// Properties of the characters from U+0080, as Python has them. See scripts/unicode_tables.py.
#pragma once

#include <cstdint>
#include <span>

namespace csvmill::unicode {

/// Characters from `first` to `last`, both included.
struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// The characters `first`, `first + step`, ... `last`, each of which becomes itself + `difference`.
struct Run {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t step;
    std::int32_t difference;
};

/// A character that becomes several; the unused ones are 0.
struct Expansion {
    std::uint32_t character;
    std::uint32_t becomes[3];
};

/// Characters from `first` to `last` of a canonical combining class.
struct Class {
    std::uint32_t first;
    std::uint32_t last;
    std::uint32_t number;
};

/// A character and its canonical decomposition, whose second character is 0 if it has one only.
struct Pair {
    std::uint32_t character;
    std::uint32_t first;
    std::uint32_t second;
};

// All are sorted, and do not overlap.
extern const std::span<const Range> unassigned;  ///< Not printable either.
extern const std::span<const Range> not_printable;
extern const std::span<const Range> cased;      ///< Without those that are also case-ignorable.
extern const std::span<const Range> ignorable;  ///< Case-ignorable: skipped around a sigma.
extern const std::span<const Run> upper;
extern const std::span<const Run> lower;
extern const std::span<const Expansion> upper_expansions;
extern const std::span<const Class> combining;  ///< Without class 0.
extern const std::span<const Range> not_inert;  ///< NFC changes them, or one before them.
extern const std::span<const Pair> decompositions;
extern const std::span<const Pair> compositions;  ///< Sorted by both characters.

}  // namespace csvmill::unicode
