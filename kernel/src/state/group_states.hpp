/// The states of one group outside of a table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "groups/aggregator.hpp"

namespace csvmill {

/// Owns the states of a group. `create` or `read` makes them.
class GroupStates {
public:
    explicit GroupStates(const Layout& layout);
    ~GroupStates() { clear(); }
    GroupStates(const GroupStates&) = delete;
    GroupStates& operator=(const GroupStates&) = delete;

    void create();            ///< Those of a group without values.
    void read(Bytes states);  ///< Throws StateError.
    void merge(GroupStates& other, Budget& budget);
    void clear();

    const std::byte* state(std::size_t i) const;

private:
    std::byte* at(std::size_t i);

    const Layout& layout_;
    std::vector<std::uint64_t> memory_;
    std::size_t made_ = 0;  ///< The first states exist.
};

/// Appends the states of a group for a state file. `state_of(i)` is that of aggregate `i`.
template <typename StateOf>
void append_states(std::string& to, const Layout& layout, StateOf state_of) {
    for (std::size_t i = 0; i < layout.size(); ++i) layout[i].write(state_of(i), to);
}

}  // namespace csvmill
