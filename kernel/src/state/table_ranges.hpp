/// The groups of a table in the order of their keys, with little memory.
#pragma once

#include <cstdint>
#include <vector>

#include "groups/table.hpp"
#include "state/key_cuts.hpp"

namespace csvmill {

/// Sorts the groups of a table range by range, so that only the groups of one range need memory for
/// sorting: about 2 bytes for each group of the table. Arranges its kept values.
class TableRanges {
public:
    explicit TableRanges(GroupTable& table);

    std::size_t size() const { return cuts_.ranges(); }

    /// Sets `to` to the groups of a range, sorted.
    void sorted(std::size_t range, std::vector<SortedGroup>& to) const;

private:
    static KeySummary summary_of(GroupTable& table);

    const GroupTable& table_;
    KeySummary summary_;
    KeyCuts cuts_;
    std::vector<std::uint8_t> ranges_;  ///< Of each group, in the order of `collect`.
};

}  // namespace csvmill
