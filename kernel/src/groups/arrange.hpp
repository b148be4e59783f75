/// Arranging entries by group, in place.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace csvmill {

/// Moves the entries whose `number_of` is 0 to the front, then those of number 1, and so on, and
/// sets where each begins in `starts`, and the end.
template <typename Entry, typename NumberOf>
void arrange(std::span<Entry> entries, std::size_t numbers, std::vector<std::uint64_t>& starts,
             const NumberOf& number_of) {
    starts.assign(numbers + 1, 0);
    for (const Entry& entry : entries) ++starts[number_of(entry) + std::size_t{1}];
    for (std::size_t number = 0; number < numbers; ++number) starts[number + 1] += starts[number];
    std::vector<std::uint64_t> next(starts.begin(), starts.end() - 1);
    for (std::size_t number = 0; number < numbers; ++number) {
        while (next[number] < starts[number + 1]) {
            Entry entry = entries[next[number]];
            for (std::size_t to = number_of(entry); to != number; to = number_of(entry)) {
                std::swap(entry, entries[next[to]++]);
            }
            entries[next[number]++] = entry;
        }
    }
}

/// Arranges by group. `Entry` has a member `group`.
template <typename Entry>
void arrange_by_group(std::span<Entry> entries, std::size_t groups,
                      std::vector<std::uint64_t>& starts) {
    arrange(entries, groups, starts, [](const Entry& entry) { return std::size_t{entry.group}; });
}

}  // namespace csvmill
