/// The groups of several state files as one.
#pragma once

#include <string>
#include <vector>

#include "state/entry_merge.hpp"
#include "state/group_states.hpp"
#include "state/state_file.hpp"

namespace csvmill {

/// The kept values of one aggregate, group by group.
class ValueMerge {
public:
    /// `distinct`: gives equal values of a group once.
    ValueMerge(EntryMerge values, bool distinct)
        : values_(std::move(values)), distinct_(distinct) {}

    /// Moves on to the values of a group. Groups must be in order.
    void begin(Bytes group);
    /// The next value of the group; false after the last one. Valid until the next call.
    bool next(Bytes& value);

private:
    bool advance();

    EntryMerge values_;
    bool distinct_;
    bool live_ = true;
    bool used_ = true;  ///< Whether the current value has been given.
    std::string group_;
    std::string last_;  ///< Of the group, if `any_`.
    bool any_ = false;
};

/// Merges groups with equal keys, and reads the kept values of each group beside it.
class GroupMerge {
public:
    /// Groups with keys from `from` on and below `to`; null for no bound.
    GroupMerge(const std::vector<StateFile>& files, const Layout& layout, const std::string* from,
               const std::string* to);

    bool next();  ///< False at the end. Throws StateError, AttemptFailed.
    Bytes key() const { return key_; }
    const GroupStates& states();
    void append_states(std::string& to);  ///< As `states`, for a state file.

    /// The next kept value of the group, of the `keeping`-th aggregate that keeps values.
    bool next_value(std::size_t keeping, Bytes& value) { return values_[keeping].next(value); }

private:
    const Layout& layout_;
    EntryMerge groups_;
    std::vector<ValueMerge> values_;
    bool begun_ = false;
    bool live_ = false;
    std::string key_;
    std::string payload_;
    bool read_ = false;  ///< Whether `states_` is made; else `payload_` has all of the group.
    GroupStates states_;
    GroupStates other_;
    Budget unlimited_;
};

}  // namespace csvmill
