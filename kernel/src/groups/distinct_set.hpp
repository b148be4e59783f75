/// The different values of the groups of a part, for `count_distinct`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "groups/hash.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// A hash set of (group, bytes), which is arranged by group in place at the end. Bytes are in an
/// arena of the table.
class DistinctSet {
public:
    DistinctSet(const KeyHash& hash, Arena& arena, Budget& budget)
        : hash_(hash), arena_(&arena), account_(budget) {}

    std::uint32_t tag(std::uint32_t group, Bytes value) const {
        return static_cast<std::uint32_t>(hash_.with(hash_(value), group));
    }
    void prefetch(std::uint32_t tag) const {
        if (capacity_ > 0) __builtin_prefetch(slots() + (tag & (capacity_ - 1)));
    }
    void prefetch_entry(std::uint32_t tag) const {
        if (capacity_ > 0) __builtin_prefetch(slots()[tag & (capacity_ - 1)].entry);
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
        for (const Slot& slot : sorted_slots(group)) take(bytes(slot.entry));
    }

    std::size_t size() const { return size_; }
    Account& account() { return account_; }
    void allocate_from(Arena& arena) { arena_ = &arena; }

private:
    struct Entry {
        std::uint32_t size;
        char data[4];  ///< The first ones of `size` bytes.
    };
    struct Slot {
        std::uint32_t tag;
        std::uint32_t group;
        const Entry* entry;  ///< Null if it is free.
    };

    static Bytes bytes(const Entry* entry) { return {entry->data, entry->size}; }
    Slot* slots() const { return reinterpret_cast<Slot*>(memory_.data()); }
    Slot* find(std::uint32_t tag, std::uint32_t group, Bytes value) const;
    void make_room(Budget& budget);
    void grow(Budget& budget);
    std::span<Slot> sorted_slots(std::uint32_t group) const;

    KeyHash hash_;
    Arena* arena_;
    Account account_;
    Pages memory_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
    std::vector<std::uint64_t> starts_;  ///< Of the groups, once arranged.
};

}  // namespace csvmill
