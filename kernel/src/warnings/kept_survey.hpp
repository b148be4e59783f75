/// Looks at the different values of groups for those that look alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "groups/hash.hpp"
#include "groups/table.hpp"
#include "query/query.hpp"
#include "state/state_file.hpp"
#include "warnings/doubts.hpp"

namespace csvmill {

/// More values of an aggregate, in all groups together, than these are not compared: that takes
/// about 0.1 microseconds for each.
inline constexpr std::uint64_t most_compared_values = 50000;

/// Adds to `doubts` the texts of which an aggregate keeps each different one, and which look like
/// another one of their group.
class KeptSurvey {
public:
    /// All must live as long. `seed` is that of hashes.
    KeptSurvey(const Query& query, const Layout& layout, std::uint64_t seed, Doubts& doubts,
               std::uint64_t most = most_compared_values)
        : query_(query), layout_(layout), hash_(seed), doubts_(doubts), most_(most) {}

    /// Looks at a table with all groups, whose values are ready for results.
    void look_at(GroupTable& table);

    /// Looks at files that together have all groups.
    void look_at(const std::vector<StateFile>& files);

private:
    bool is_compared(std::size_t aggregate) const;
    std::uint64_t likeness_of(std::uint64_t group, Bytes value);
    template <typename Each>
    void compare(std::size_t aggregate, const Each& each);
    template <typename Each>
    std::string example_of(const std::vector<std::uint64_t>& alike, const Each& each);

    const Query& query_;
    const Layout& layout_;
    KeyHash hash_;
    Doubts& doubts_;
    std::uint64_t most_;
    std::string text_;
};

}  // namespace csvmill
