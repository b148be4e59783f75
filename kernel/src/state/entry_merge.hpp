/// Several sorted sections as one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "state/entry_cursor.hpp"

namespace csvmill {

/// How entries with the same key are ordered: as their sections are, or by their payloads.
enum class Ties { section, payload };

/// Merges cursors with a tree of losers: one comparison a level for each entry.
class EntryMerge {
public:
    /// Entries with keys from `from` on and below `to`; all if `to` is null.
    EntryMerge(std::vector<EntryCursor> cursors, Ties ties, Bytes from, const std::string* to);

    bool next();  ///< False at the end. Throws StateError, AttemptFailed.
    Bytes key() const { return cursors_[winner()].key(); }
    Bytes payload() const { return cursors_[winner()].payload(); }

private:
    std::size_t winner() const { return tree_[0]; }
    void advance(std::size_t leaf);
    bool less(std::size_t a, std::size_t b) const;
    std::size_t play(std::size_t node);

    std::vector<EntryCursor> cursors_;
    std::vector<std::uint64_t> prefixes_;
    std::vector<bool> live_;
    std::vector<std::size_t> tree_;  ///< The winner, then the loser of each game.
    Ties ties_;
    std::string to_;
    bool bounded_;
    std::size_t skip_ = 0;
    bool begun_ = false;
};

}  // namespace csvmill
