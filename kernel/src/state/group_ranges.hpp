/// The groups of tables in the order of their keys.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "groups/table.hpp"
#include "state/group_copies.hpp"
#include "state/key_cuts.hpp"

namespace csvmill {

/// Divides groups into small ranges of their keys, each of which can be sorted by itself. Groups
/// are read in the order of memory for that, so that it is fast.
class GroupRanges {
public:
    /// Divides the groups of all tables, on up to `threads` threads. From then on, tables have only
    /// what the groups and their values need: that frees more memory than this takes.
    GroupRanges(std::span<GroupTable* const> tables, std::size_t threads);

    std::size_t size() const { return cuts_.ranges(); }

    /// Sets `to` to the groups of a range, sorted; to copies of them if there are `copies`. Those
    /// of several tables with the same key follow one another. Used by any thread.
    void sorted(std::size_t range, std::vector<SortedGroup>& to, GroupCopies* copies) const;

private:
    /// The groups of some memory, range by range.
    struct Piece {
        std::vector<std::span<std::byte>> memory;
        std::vector<Group*> groups;
        std::vector<std::uint32_t> starts;  ///< Of each range, and the end.

        std::span<Group* const> of(std::size_t range) const {
            return std::span(groups).subspan(starts[range], starts[range + 1] - starts[range]);
        }
    };
    static KeyCuts cuts_of(std::span<GroupTable* const> tables);
    void divide(Piece& piece) const;

    const Layout& layout_;
    KeyCuts cuts_;
    std::vector<Piece> pieces_;
};

}  // namespace csvmill
