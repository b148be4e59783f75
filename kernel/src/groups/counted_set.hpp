/// The different values of the groups of a part, each with its count, for `mode`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "groups/distinct_value.hpp"
#include "groups/hash.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// How often a value is in a group.
struct CountedEntry {
    DistinctEntry of;
    std::uint64_t count = 0;
};

/// A hash table from (group, value) to its count. Longer values are in an arena of the table.
class CountedSet {
public:
    CountedSet(const KeyHash& hash, Arena& arena, Budget& budget)
        : hash_(hash), arena_(&arena), account_(budget) {}

    /// `group_hash` is that of the key of the group: tags are the same in the tables of all
    /// threads.
    std::uint32_t tag(std::uint64_t group_hash, Bytes value) const {
        return static_cast<std::uint32_t>(hash_.with(hash_(value), group_hash));
    }
    /// Fetches the slot of a value into the cache.
    void prefetch(std::uint32_t tag, std::size_t) const {
        if (capacity_ > 0) __builtin_prefetch(slots() + (tag & (capacity_ - 1)));
    }
    /// The same for the bytes of the value in the slot, if they are elsewhere.
    void prefetch_bytes(std::uint32_t tag, std::size_t size) const {
        if (size <= DistinctValue::most_inside || capacity_ == 0) return;
        slots()[tag & (capacity_ - 1)].of.value.prefetch();
    }

    /// Counts a value with its `tag` once more.
    void add(std::uint32_t tag, std::uint32_t group, Bytes value);

    /// Moves all values of `other` here. Its arena must live as long as this. `groups[n]` is what
    /// its group `n` is called here.
    void absorb(CountedSet& other, const std::vector<std::uint32_t>& groups, Budget& budget);

    /// Arranges the values by group, in place; no more may be added.
    void arrange(std::size_t groups);
    std::size_t count_of(std::uint32_t group) const { return of(group).size(); }

    /// How many values there are in all groups. They have been arranged.
    std::uint64_t total() const { return starts_.empty() ? 0 : starts_.back(); }

    /// Calls `take` with the group and the bytes of each value, in any order. They have been
    /// arranged.
    template <typename Take>
    void each(const Take& take) const {
        constexpr std::size_t ahead = 16;
        const std::span<const CountedEntry> entries(slots(), total());
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (i + ahead < entries.size()) entries[i + ahead].of.value.prefetch();
            take(entries[i].of.group, entries[i].of.value.bytes());
        }
    }

    /// Sorts the values of a group, and calls `take` with each and its count.
    template <typename Take>
    void each_sorted(std::uint32_t group, const Take& take) const {
        for (const CountedEntry& entry : sorted(group)) take(entry.of.value.bytes(), entry.count);
    }

    /// The value of a group with the greatest count, and the least of several (memcmp). Returns
    /// false if the group has none.
    bool most_frequent(std::uint32_t group, Bytes& value) const;

    /// Leaves what it has taken so far to `left`, and takes memory from `budget` from now on.
    void move_to(Arena& arena, Budget& budget, Account& left) {
        account_.move_to(left, budget);
        arena_ = &arena;
    }

private:
    CountedEntry* slots() const { return reinterpret_cast<CountedEntry*>(memory_.data()); }
    CountedEntry& find(const DistinctEntry& wanted) const;
    void make_room(Budget& budget);
    void grow(Budget& budget);
    std::span<CountedEntry> of(std::uint32_t group) const;
    std::span<CountedEntry> sorted(std::uint32_t group) const;

    KeyHash hash_;
    Arena* arena_;
    Account account_;
    Pages memory_;  ///< Of the slots.
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::vector<std::uint64_t> starts_;  ///< Of the groups, once arranged.
};

/// Appends a value and its count as bytes, which sort (memcmp) by the value first.
void append_counted(std::string& to, Bytes value, std::uint64_t count);

/// Takes what `append_counted` wrote: the count, and the bytes before it, which are equal for equal
/// values. Throws StateError.
std::uint64_t count_in(Bytes counted, Bytes& escaped);

/// The value of which these are the bytes. Throws StateError.
std::string counted_value(Bytes escaped);

}  // namespace csvmill
