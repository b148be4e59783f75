/// The different values of the groups of a part, for `count_distinct`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "groups/distinct_log.hpp"
#include "groups/distinct_value.hpp"
#include "groups/hash.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// A hash set of (group, value). Longer values are in an arena of the table. Once there are many
/// values, short ones are in a log instead, as that is faster than a set that is much larger than
/// the caches.
class DistinctSet {
public:
    DistinctSet(const KeyHash& hash, Arena& arena, Budget& budget)
        : hash_(hash), arena_(&arena), account_(budget), log_(budget) {}

    /// `group_hash` is that of the key of the group: tags are the same in the tables of all
    /// threads.
    std::uint32_t tag(std::uint64_t group_hash, Bytes value) const {
        return static_cast<std::uint32_t>(hash_.with(hash_(value), group_hash));
    }
    /// Fetches the slot of a value into the cache, unless the value goes to the log.
    void prefetch(std::uint32_t tag, std::size_t size) const {
        if (goes_to_log(size) || capacity_ == 0) return;
        __builtin_prefetch(slots() + (tag & (capacity_ - 1)));
    }
    /// The same for the bytes of the value in the slot, if they are elsewhere.
    void prefetch_bytes(std::uint32_t tag, std::size_t size) const {
        if (size <= DistinctValue::most_inside || capacity_ == 0) return;
        slots()[tag & (capacity_ - 1)].value.prefetch();
    }

    /// Adds a value with its `tag`, unless it is there.
    void add(std::uint32_t tag, std::uint32_t group, Bytes value) {
        const DistinctEntry entry{tag, group, DistinctValue(value)};
        if (goes_to_log(value.size())) {
            log_.add(entry);
        } else {
            add_to_slots(entry);
        }
    }

    /// Moves all values of `other` here. Its arena must live as long as this. `groups[n]` is what
    /// its group `n` is called here.
    void absorb(DistinctSet& other, const std::vector<std::uint32_t>& groups, Budget& budget);

    /// Counts the values of each group.
    void count(std::size_t groups);
    /// Arranges the values by group, in place, and counts them.
    void arrange(std::size_t groups);
    std::size_t count_of(std::uint32_t group) const {
        return group + 1 < starts_.size() ? starts_[group + 1] - starts_[group] : 0;
    }

    /// How many values there are in all groups. They have been counted.
    std::uint64_t total() const { return starts_.empty() ? 0 : starts_.back(); }

    /// Calls `take` with the group and the bytes of each value, in any order. They have been
    /// counted.
    template <typename Take>
    void each(const Take& take) const {
        const std::span<const DistinctEntry> slots =
            arranged_.empty() ? std::span(this->slots(), capacity_) : arranged_;
        constexpr std::size_t ahead = 16;
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (i + ahead < slots.size() && !slots[i + ahead].value.empty()) {
                slots[i + ahead].value.prefetch();
            }
            if (!slots[i].value.empty()) take(slots[i].group, slots[i].value.bytes());
        }
        if (!arranged_.empty()) return;
        for (const DistinctEntry& entry : log_.entries()) take(entry.group, entry.value.bytes());
    }

    /// Sorts the values of a group, and appends them to `to`. They have been arranged.
    void sorted(std::uint32_t group, std::vector<Bytes>& to) const;

    /// Sorts the values of a group, and calls `take` with each.
    template <typename Take>
    void each_sorted(std::uint32_t group, const Take& take) const {
        for (const DistinctEntry& entry : sorted_entries(group)) take(entry.value.bytes());
    }

    /// Leaves what it has taken so far to `left`, and takes memory from `budget` from now on.
    void move_to(Arena& arena, Budget& budget, Account& left) {
        account_.move_to(left, budget);
        log_.account().move_to(left, budget);
        arena_ = &arena;
    }

private:
    bool goes_to_log(std::size_t size) const {
        return logging_ && size <= DistinctValue::most_inside;
    }
    DistinctEntry* slots() const { return reinterpret_cast<DistinctEntry*>(memory_.data()); }
    DistinctEntry* find(const DistinctEntry& wanted) const;
    void add_to_slots(DistinctEntry entry);
    void put(const DistinctEntry& entry, Budget& budget);
    void make_room(Budget& budget);
    void grow(Budget& budget);
    void begin_log(Budget& budget);
    std::span<DistinctEntry> sorted_entries(std::uint32_t group) const;

    KeyHash hash_;
    Arena* arena_;
    Account account_;
    Pages memory_;  ///< Of the slots.
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    bool logging_ = false;  ///< Whether short values go to the log; then no slot has one.
    DistinctLog log_;
    std::span<DistinctEntry> arranged_;  ///< In the slots, or in the log.
    std::vector<std::uint64_t> starts_;  ///< Of the groups, once counted.
};

}  // namespace csvmill
