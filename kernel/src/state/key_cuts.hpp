/// Dividing keys into ranges.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/bytes.hpp"

namespace csvmill {

/// Keys that divide others into ranges of about equal size. Range `i` has the keys from cut `i - 1`
/// on and below cut `i`.
class KeyCuts {
public:
    /// At most `ranges - 1` of `sample`.
    KeyCuts(std::vector<Bytes> sample, std::size_t ranges);

    std::size_t ranges() const { return keys_.size() + 1; }
    std::size_t range_of(Bytes key) const;
    /// The number of first bytes that all keys of a range have in common, as far as the cuts show.
    std::size_t shared(std::size_t range) const;
    const std::string* from(std::size_t range) const;  ///< Null for the first range.
    const std::string* to(std::size_t range) const;    ///< Null for the last range.

private:
    /// Cuts with the same first bytes, which are found by the 8 bytes after them.
    struct Node {
        std::size_t begin = 0;  ///< The cuts, and the number of bytes that they have in common.
        std::size_t end = 0;
        std::size_t skip = 0;
        std::size_t known = 0;                ///< How many of those bytes need no comparison.
        std::vector<std::uint64_t> prefixes;  ///< Of the cuts, each once, ascending.
        std::vector<std::size_t> first;       ///< The first cut with each prefix, and `end`.
        std::vector<std::size_t> next;        ///< The node of the cuts with a prefix; 0 for none.
    };
    std::size_t add_node(std::size_t begin, std::size_t end, std::size_t known);

    std::vector<std::string> keys_;
    std::vector<Node> nodes_;  ///< The first one has all cuts.
};

}  // namespace csvmill
