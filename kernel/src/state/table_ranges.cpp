#include "state/table_ranges.hpp"

#include <algorithm>

#include "state/key_prefix.hpp"
#include "state/state_file.hpp"

namespace csvmill {

namespace {

constexpr std::size_t most_ranges = 16;
constexpr std::size_t small_table = 1 << 15;  ///< Groups that are sorted at once.
constexpr std::size_t ahead = 16;             ///< Keys are loaded so many groups ahead.

std::size_t ranges_for(const GroupTable& table) {
    return table.size() <= small_table ? 1 : most_ranges;
}

}  // namespace

TableRanges::TableRanges(GroupTable& table)
    : table_(table),
      summary_(summary_of(table)),
      cuts_(summary_.sample(), ranges_for(table), summary_.skip()) {
    if (cuts_.ranges() == 1) return;
    ranges_.reserve(table.size());
    std::vector<Group*> groups;
    for (std::size_t part = 0; part < partitions; ++part) {
        groups.clear();
        table.collect(part, groups);
        for (std::size_t i = 0; i < groups.size(); ++i) {
            if (i + ahead < groups.size()) prefetch_key(groups[i + ahead], table.layout());
            const Bytes key = table.layout().key(groups[i]);
            const std::size_t range = cuts_.range_of(key, key_prefix(key, summary_.skip()));
            ranges_.push_back(static_cast<std::uint8_t>(range));
        }
    }
}

KeySummary TableRanges::summary_of(GroupTable& table) {
    const std::vector<std::size_t> keeping = keeping_aggregates(table.layout());
    const std::size_t step = std::max<std::size_t>(1, table.size() / (64 * most_ranges));
    KeySummary summary;
    std::vector<Group*> groups;
    for (std::size_t part = 0; part < partitions; ++part) {
        groups.clear();
        table.collect(part, groups);
        summary.add(groups, table.layout(), step);
        for (const std::size_t i : keeping) table.kept(i, part)->arrange(groups.size());
    }
    return summary;
}

void TableRanges::sorted(std::size_t range, std::vector<SortedGroup>& to) const {
    to.clear();
    std::size_t at = 0;
    std::vector<Group*> groups;
    for (std::size_t part = 0; part < partitions; ++part) {
        groups.clear();
        table_.collect(part, groups);
        for (Group* group : groups)
            if (ranges_.empty() || ranges_[at++] == range)
                to.push_back({key_prefix(table_.layout().key(group), summary_.skip()), group});
    }
    sort_groups(to, table_.layout(), summary_.skip());
}

}  // namespace csvmill
