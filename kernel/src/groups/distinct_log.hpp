/// Many values of groups, of which equal ones are removed later.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "groups/distinct_value.hpp"
#include "groups/memory.hpp"

namespace csvmill {

/// An append-only log of values that are inside of their entries. A value that is there already is
/// added again: to look for it would take a random access to memory that is much larger than the
/// caches. When the log has doubled, a part of the values shows whether many are equal; then all
/// equal ones are removed but one.
class DistinctLog {
public:
    explicit DistinctLog(Budget& budget) : account_(budget) {}

    void add(const DistinctEntry& entry) { add(entry, account_.budget()); }
    void add(const DistinctEntry& entry, Budget& budget) {
        if (size_ == capacity_) [[unlikely]]
            make_room(budget);
        data()[size_++] = entry;
    }

    /// Moves all values of `other` here, and frees its memory on the way. `groups[n]` is what its
    /// group `n` is called here.
    void absorb(DistinctLog& other, const std::vector<std::uint32_t>& groups, Budget& budget);

    /// Leaves each value of a group once.
    void remove_equal();

    bool empty() const { return size_ == 0; }
    std::span<DistinctEntry> entries() const { return {data(), size_}; }
    Account& account() { return account_; }

private:
    DistinctEntry* data() const { return reinterpret_cast<DistinctEntry*>(memory_.data()); }
    void make_room(Budget& budget);
    double equal_share() const;

    Account account_;
    Pages memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::size_t different_ = 0;  ///< The first entries, which are known to be different.
    std::size_t next_look_ = 0;  ///< From this size on, values are looked at when the log is full.
};

}  // namespace csvmill
