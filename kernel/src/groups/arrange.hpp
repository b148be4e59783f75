/// Arranging entries by group, in place.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace csvmill {

/// Moves the entries of group 0 to the front, then those of group 1, and so on, and sets where each
/// begins in `starts`, and the end. `Entry` has a member `group`.
template <typename Entry>
void arrange_by_group(std::span<Entry> entries, std::size_t groups,
                      std::vector<std::uint64_t>& starts) {
    starts.assign(groups + 1, 0);
    for (const Entry& entry : entries) ++starts[entry.group + std::size_t{1}];
    for (std::size_t group = 0; group < groups; ++group) starts[group + 1] += starts[group];
    std::vector<std::uint64_t> next(starts.begin(), starts.end() - 1);
    for (std::size_t group = 0; group < groups; ++group) {
        while (next[group] < starts[group + 1]) {
            Entry entry = entries[next[group]];
            while (entry.group != group) std::swap(entry, entries[next[entry.group]++]);
            entries[next[group]++] = entry;
        }
    }
}

}  // namespace csvmill
