/// Values that `median` and `count_distinct` need at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "groups/memory.hpp"
#include "query/batch.hpp"

namespace csvmill {

class Aggregator;

/// The kept values of one aggregate in one part of a table. `number` is that of a group in the part.
/// All values are kept in a log (median), or each different one in a hash set (count_distinct).
class KeptValues {
public:
    KeptValues(const Aggregator& aggregator, std::uint64_t seed, Budget& budget);
    ~KeptValues();

    /// Adds a value: its bytes as `Aggregator::append_kept` makes them.
    void add(std::uint32_t number, Bytes value);
    /// A number that fits, without making bytes of it (median).
    void add_number(std::uint32_t number, const Decimal& value);

    /// Moves all values of `other` here; `numbers[n]` is what its group `n` is called here.
    void absorb(KeptValues& other, const std::vector<std::uint32_t>& numbers, Budget& budget);

    /// Arranges the values by group; no more may be added. Then `values_of` gives those of a group:
    /// `all` sorted by value, `distinct` in any order.
    void arrange(std::size_t groups);
    /// Calls `take` with the bytes of each value of a group.
    void values_of(std::uint32_t number, std::vector<Bytes>& to, std::string& text) const;
    std::size_t count_of(std::uint32_t number) const;

    std::size_t size() const;
    void clear();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace csvmill
