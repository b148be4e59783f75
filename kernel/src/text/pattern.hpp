/// Regular expressions, compiled by shared/aggregation/patterns.py.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "text/bytes.hpp"

namespace csvmill {

/// A program that finds the first match of a regular expression in a text, as Perl and RE2 choose
/// it, in time that grows with the length of the text times that of the program.
class Pattern {
public:
    enum class Op : std::uint8_t { characters, split, jump, save, assertion, accept };
    enum class Anchor : std::uint8_t { begin, end, word, no_word };

    /// All but `split` and `jump` go on with the next step.
    struct Step {
        Op op = Op::accept;
        std::vector<std::pair<char32_t, char32_t>> ranges;  ///< Of `characters`, sorted.
        std::uint32_t first = 0;   ///< Of `split`, preferred; the step to which `jump` goes.
        std::uint32_t second = 0;  ///< Of `split`.
        bool end = false;          ///< Whether `save` sets the end of what is taken, or its begin.
        Anchor anchor = Anchor::begin;
    };

    /// Throws StateError if the steps are not a program.
    explicit Pattern(std::vector<Step> steps);

    /// What the program takes from the first match in `text`, valid UTF-8; a part of `text`. Empty
    /// if there is no match.
    Bytes taken(Bytes text) const;

    /// For a state file: texts of different programs differ.
    std::string mark() const;

private:
    /// 128 bits for the characters of ASCII.
    using Ascii = std::array<std::uint64_t, 2>;
    struct Place {
        std::size_t begin;
        std::size_t end;
    };
    struct Threads;
    struct Run;

    static bool has(const Ascii& set, char32_t character) {
        return (set[character >> 6U] >> (character & 63U) & 1U) != 0;
    }
    bool takes(std::size_t step, char32_t character) const;
    void find_starts();
    bool may_start(Bytes text, std::size_t at) const;
    void add(Threads& to, std::size_t step, Place place, Bytes text, std::size_t at) const;
    static bool holds(Anchor anchor, Bytes text, std::size_t at);

    std::vector<Step> steps_;
    std::vector<Ascii> ascii_;      ///< Of each step of `characters`.
    Ascii starts_{};                ///< With which a match may begin.
    bool starts_anywhere_ = false;  ///< A match may be empty.
    bool anchored_ = false;         ///< Every match begins with the text.
};

}  // namespace csvmill
