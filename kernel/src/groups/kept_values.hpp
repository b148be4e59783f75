/// Values that aggregates such as `median` and `count_distinct` need at the end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "groups/aggregator.hpp"
#include "groups/counted_set.hpp"
#include "groups/distinct_set.hpp"
#include "groups/memory.hpp"
#include "groups/number_log.hpp"

namespace csvmill {

/// The kept values of one aggregate in one part of a table. `number` is that of a group in the
/// part. All values are kept in a log (median), or each different one in a hash set
/// (count_distinct), or with its count (mode).
///
/// Values of different groups may be read by several threads at once.
class KeptValues {
public:
    KeptValues(const Aggregator& aggregator, const KeyHash& hash, Arena& arena, Budget& budget);

    NumberLog& log() { return *log_; }           ///< Only for `Keeps::all`.
    DistinctSet& set() { return *set_; }         ///< Only for `Keeps::distinct`.
    CountedSet& counted() { return *counted_; }  ///< Only for `Keeps::counted`.

    /// Moves all values of `other` here; `numbers[n]` is what its group `n` is called here. What
    /// this allocates is counted in `budget`.
    void absorb(KeptValues& other, const std::vector<std::uint32_t>& numbers, Budget& budget);

    /// Allocates from these from now on, and leaves what it has taken so far to `left`.
    void move_to(Arena& arena, Budget& budget, Account& left);

    /// Makes it ready for `Aggregator::finish_kept`; no more values may be added. `groups` is the
    /// number of groups in the part.
    void prepare_results(std::size_t groups);

    /// Arranges the values by group, in place; no more may be added. Then the values of
    /// a group can be read.
    void arrange(std::size_t groups);

    std::size_t count_of(std::uint32_t number) const;

    /// How many different values there are in all groups. Like `each_different`: they are ready for
    /// results, and not all values are kept.
    std::uint64_t different() const { return set_ ? set_->total() : counted_->total(); }

    /// Calls `take` with the group and the bytes of each different value, in any order.
    template <typename Take>
    void each_different(const Take& take) const {
        if (set_) {
            set_->each(take);
        } else {
            counted_->each(take);
        }
    }

    /// Calls `take` with the bytes of each value of a group, sorted. Needs no memory for them.
    void each_of(std::uint32_t number, const std::function<void(Bytes)>& take) const;

    /// Sets `to` to the bytes of all values of a group, sorted. They may be in `text`.
    void values_of(std::uint32_t number, std::vector<Bytes>& to, std::string& text) const;

    /// The number at `rank` of the sorted numbers of a group, and the next one if `two`.
    void at_rank(std::uint32_t number, std::size_t rank, bool two, Decimal& low,
                 Decimal& high) const {
        log_->at_rank(number, rank, two, low, high);
    }

    /// The most frequent value of a group, the least of several; false if there is none.
    bool most_frequent(std::uint32_t number, Bytes& value) const {
        return counted_->most_frequent(number, value);
    }

private:
    std::optional<NumberLog> log_;
    std::optional<DistinctSet> set_;
    std::optional<CountedSet> counted_;
    bool reads_distinct_;
};

}  // namespace csvmill
