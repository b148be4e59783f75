/// Sees cells that look like a value for which `where` asks, but are excluded, or which it
/// excludes, but that are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "query/query.hpp"
#include "warnings/placed_rows.hpp"

namespace csvmill {

/// The values of a comparison of texts with `=`, `!=` or `in`.
class AskedTexts {
public:
    explicit AskedTexts(const Restriction& comparison);

    std::uint32_t column() const { return column_; }

    /// Whether it excludes its values.
    bool excludes() const { return excludes_; }

    /// Whether a text is one of its values.
    bool asks_for(Bytes text) const {
        return std::ranges::find(asked_, text, &Asked::text) != asked_.end();
    }

    /// The first text that `cell` looks like, or null if there is none.
    const std::string* like(Bytes cell) {
        if (cell.size() < least_ || cell.size() > most_) return nullptr;
        if (!cell.empty() && !(first_[byte_of(cell.front())] && last_[byte_of(cell.back())])) {
            return nullptr;
        }
        return compare(cell);
    }

private:
    struct Asked {
        std::string text;
        std::string likeness;
        bool ascii;         ///< Whether its likeness is ASCII.
        std::size_t least;  ///< The bytes of cells that are compared with it.
        std::size_t most;
    };

    static std::uint8_t byte_of(char byte) { return static_cast<std::uint8_t>(byte); }

    void add(const std::string& text);
    const std::string* compare(Bytes cell);
    const std::string* compare_with_all(Bytes cell);

    std::uint32_t column_;
    bool excludes_;
    std::vector<Asked> asked_;
    std::size_t least_ = ~std::size_t{0};
    std::size_t most_ = 0;
    /// The bytes with which cells that look like a value may begin and end.
    std::array<bool, 256> first_{};
    std::array<bool, 256> last_{};
    std::vector<std::uint64_t> unlike_;  ///< Hashes of cells that look like none.
    std::string likeness_;
};

class ValueWatch {
public:
    /// What is seen is added to `doubts`, which must live as long. Lines end in `newline`.
    ValueWatch(const Query& query, char newline, Doubts& doubts);

    /// Looks at the rows of a batch that `where` has excluded, and at those that were aggregated.
    void look_at_tested(const PlacedRows& rows);

private:
    void look_at_cell(const PlacedRows& rows, const AlmostAsked& almost);

    char newline_;
    Doubts& doubts_;
    std::vector<AskedTexts> asked_;
    std::vector<AlmostAsked> almost_;
    std::vector<AlmostAsked> told_;  ///< In a batch.
};

}  // namespace csvmill
