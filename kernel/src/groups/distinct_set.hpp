/// The different values of the groups of a part, for `count_distinct`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "groups/distinct_value.hpp"
#include "groups/hash.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// A hash set of (group, bytes), which is arranged by group in place at the end. Longer values are
/// in an arena of the table.
///
/// A large set is much more memory than the caches, and than the processor finds without reading
/// page tables. Short values wait there until many of them can be added in the order of their
/// slots, so that a page is found once for several.
class DistinctSet {
public:
    DistinctSet(const KeyHash& hash, Arena& arena, Budget& budget)
        : hash_(hash), arena_(&arena), account_(budget) {}

    std::uint32_t tag(std::uint32_t group, Bytes value) const {
        return static_cast<std::uint32_t>(hash_.with(hash_(value), group));
    }
    /// Fetches the slot of a value into the cache, unless the value will wait.
    void prefetch(std::uint32_t tag, std::size_t size) const {
        const bool waits = most_waiting_ > 0 && size <= DistinctValue::most_inside;
        if (capacity_ == 0 || waits) return;
        __builtin_prefetch(slots() + (tag & (capacity_ - 1)));
    }
    /// The same for the bytes of the value in the slot, if they are elsewhere.
    void prefetch_bytes(std::uint32_t tag, std::size_t size) const {
        if (size <= DistinctValue::most_inside || capacity_ == 0) return;
        slots()[tag & (capacity_ - 1)].value.prefetch();
    }

    /// Adds a value with its `tag`, unless it is there.
    void add(std::uint32_t tag, std::uint32_t group, Bytes value);

    /// Moves all values of `other` here. Its arena must live as long as this.
    void absorb(DistinctSet& other, const std::vector<std::uint32_t>& groups, Budget& budget);

    void arrange(std::size_t groups);
    std::size_t count_of(std::uint32_t group) const {
        return group + 1 < starts_.size() ? starts_[group + 1] - starts_[group] : 0;
    }

    /// Sorts the values of a group, and appends them to `to`.
    void sorted(std::uint32_t group, std::vector<Bytes>& to) const;

    /// Sorts the values of a group, and calls `take` with each.
    template <typename Take>
    void each_sorted(std::uint32_t group, const Take& take) const {
        for (const Slot& slot : sorted_slots(group)) take(slot.value.bytes());
    }

    Account& account() { return account_; }
    void allocate_from(Arena& arena) { arena_ = &arena; }

private:
    struct Slot {
        std::uint32_t tag;
        std::uint32_t group;
        DistinctValue value;  ///< Empty if the slot is free.
    };

    Slot* slots() const { return reinterpret_cast<Slot*>(memory_.data()); }
    Slot* waiting() const { return reinterpret_cast<Slot*>(waiting_memory_.data()); }
    Slot* find(const Slot& wanted) const;
    void put(const Slot& slot, Budget& budget);
    void add_waiting();
    void make_room(Budget& budget);
    void grow(Budget& budget);
    std::span<Slot> sorted_slots(std::uint32_t group) const;

    KeyHash hash_;
    Arena* arena_;
    Account account_;
    Pages memory_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    Pages waiting_memory_;
    std::size_t waiting_size_ = 0;
    std::size_t most_waiting_ = 0;       ///< 0 as long as the set is small.
    std::vector<std::uint64_t> starts_;  ///< Of the groups, once arranged.
};

}  // namespace csvmill
