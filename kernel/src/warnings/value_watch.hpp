/// Sees cells that look like a value for which `where` asks, but are excluded, or which it
/// excludes, but that are kept.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "groups/hash.hpp"
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
        const std::uint64_t hash = hash_(cell) | 1U;
        if (known_.empty()) known_.resize(known_cells);
        Known& known = known_[(hash >> 1U) & (known_cells - 1)];
        if (known.hash != hash) known = {hash, compare(cell)};
        return known.text;
    }

private:
    struct Asked {
        std::string text;
        std::string likeness;
        bool ascii;         ///< Whether its likeness is ASCII.
        std::size_t least;  ///< The bytes of cells that are compared with it.
        std::size_t most;
    };

    /// What a cell looks like.
    struct Known {
        std::uint64_t hash = 0;  ///< Odd, if it is known.
        const std::string* text = nullptr;
    };

    /// Of so many different cells it is known: most columns that are compared have few.
    static constexpr std::size_t known_cells = 1024;

    void add(const std::string& text);
    const std::string* compare(Bytes cell);
    const std::string* compare_with_all(Bytes cell);

    std::uint32_t column_;
    bool excludes_;
    std::vector<Asked> asked_;
    std::size_t least_ = ~std::size_t{0};
    std::size_t most_ = 0;
    KeyHash hash_{0};
    std::vector<Known> known_;
    std::string likeness_;
};

class ValueWatch {
public:
    /// What is seen is added to `doubts`, which must live as long. Lines end in `newline`.
    ValueWatch(const Query& query, char newline, Doubts& doubts);

    /// Looks at the rows of a batch that `where` has excluded, and at those that were aggregated.
    void look_at_tested(const PlacedRows& rows);

private:
    void find_alike(const Batch& batch);
    void look_at_cell(const PlacedRows& rows, const AlmostAsked& almost);

    char newline_;
    Doubts& doubts_;
    std::vector<AskedTexts> asked_;
    std::vector<AlmostAsked> alike_;
    std::vector<AlmostAsked> told_;  ///< In a batch.
};

}  // namespace csvmill
