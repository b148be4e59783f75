#include "state/group_merge.hpp"

#include <limits>

namespace csvmill {

namespace {

EntryMerge merge_of(const std::vector<StateFile>& files, std::size_t section, Ties ties,
                    const std::string* from, const std::string* to) {
    const Bytes first = from != nullptr ? Bytes(*from) : Bytes();
    std::vector<EntryCursor> cursors;
    cursors.reserve(files.size());
    for (const StateFile& file : files) cursors.emplace_back(file.entries(), section, first);
    return {std::move(cursors), ties, first, to};
}

}  // namespace

void ValueMerge::begin(Bytes group) {
    group_ = group;
    any_ = false;
    while (advance() && values_.key() < group) used_ = true;
}

bool ValueMerge::next(Bytes& value) {
    while (advance() && values_.key() == group_) {
        used_ = true;
        value = values_.payload();
        if (!distinct_) return true;
        if (any_ && value == last_) continue;
        any_ = true;
        last_ = value;
        value = last_;
        return true;
    }
    return false;
}

/// Makes an unused value the current one, if there is one.
bool ValueMerge::advance() {
    if (used_ && live_) {
        live_ = values_.next();
        used_ = false;
    }
    return live_;
}

GroupMerge::GroupMerge(const std::vector<StateFile>& files, const Layout& layout,
                       const std::string* from, const std::string* to)
    : layout_(layout),
      groups_(merge_of(files, 0, Ties::section, from, to)),
      states_(layout),
      other_(layout),
      unlimited_(std::numeric_limits<std::size_t>::max()) {
    std::size_t section = 0;
    for (const std::size_t i : keeping_aggregates(layout))
        values_.emplace_back(merge_of(files, ++section, Ties::payload, from, to),
                             layout[i].keeps() == Aggregator::Keeps::distinct);
}

bool GroupMerge::next() {
    if (!begun_) live_ = groups_.next();
    begun_ = true;
    if (!live_) return false;
    key_ = groups_.key();
    payload_ = groups_.payload();
    read_ = false;
    while ((live_ = groups_.next()) && groups_.key() == key_) {
        states();
        other_.read(groups_.payload());
        states_.merge(other_, unlimited_);
    }
    for (ValueMerge& values : values_) values.begin(key_);
    return true;
}

const GroupStates& GroupMerge::states() {
    if (!read_) {
        states_.read(payload_);
        read_ = true;
    }
    return states_;
}

void GroupMerge::append_states(std::string& to) {
    if (read_) {
        csvmill::append_states(to, layout_, [this](std::size_t i) { return states_.state(i); });
    } else {
        to += payload_;
    }
}

}  // namespace csvmill
