/// All numbers of the groups of a part, for `median` and `percentile`.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "groups/memory.hpp"
#include "values/decimal.hpp"

namespace csvmill {

/// An append-only log of (group, number), which is arranged by group in place at the end.
class NumberLog {
public:
    explicit NumberLog(Budget& budget) : account_(budget) {}

    void add(std::uint32_t group, const Decimal& value) {
        if (size_ == capacity_) grow(account_.budget());
        Entry& entry = entries()[size_++];
        if (value.is_big()) [[unlikely]] {
            entry = big_entry(group, value, account_.budget());
        } else {
            entry = {value.small(), group, value.scale()};
        }
    }

    /// Moves all numbers of `other` here, and frees its memory on the way.
    void absorb(NumberLog& other, const std::vector<std::uint32_t>& groups, Budget& budget);

    void arrange(std::size_t groups);
    std::size_t count_of(std::uint32_t group) const {
        return group + 1 < starts_.size() ? starts_[group + 1] - starts_[group] : 0;
    }

    /// Sorts the numbers of a group, and calls `take` with each.
    void each_sorted(std::uint32_t group, const std::function<void(const Decimal&)>& take) const;

    /// The number at `rank` of the sorted numbers of a group, and the one after it if `two`.
    void at_rank(std::uint32_t group, std::size_t rank, bool two, Decimal& low,
                 Decimal& high) const;

    Account& account() { return account_; }

private:
    struct Entry {
        std::int64_t mantissa;  ///< Or the place in `big_`.
        std::uint32_t group;
        std::uint32_t scale;  ///< Or `big_scale`.
    };
    static constexpr std::uint32_t big_scale = 0xffffffff;

    Entry* entries() const { return reinterpret_cast<Entry*>(memory_.data()); }
    std::span<Entry> of(std::uint32_t group) const;
    Entry big_entry(std::uint32_t group, const Decimal& value, Budget& budget);
    void grow(Budget& budget);
    Decimal number(const Entry& entry) const;
    bool less(const Entry& a, const Entry& b) const;

    Account account_;
    Pages memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    std::vector<Decimal> big_;
    std::vector<std::uint64_t> starts_;  ///< Of the groups, once arranged.
};

}  // namespace csvmill
