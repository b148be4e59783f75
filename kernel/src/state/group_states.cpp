#include "state/group_states.hpp"

#include "text/error.hpp"

namespace csvmill {

GroupStates::GroupStates(const Layout& layout)
    : layout_(layout), memory_((layout.header_size() + 7) / 8) {}

std::byte* GroupStates::at(std::size_t i) {
    return reinterpret_cast<std::byte*>(memory_.data()) + layout_.offset(i);
}

const std::byte* GroupStates::state(std::size_t i) const {
    return reinterpret_cast<const std::byte*>(memory_.data()) + layout_.offset(i);
}

void GroupStates::create() {
    clear();
    for (; made_ < layout_.size(); ++made_) layout_[made_].create(at(made_));
}

void GroupStates::read(Bytes states) {
    clear();
    for (; made_ < layout_.size(); ++made_) layout_[made_].read(states, at(made_));
    if (!states.empty()) throw StateError("a state file is damaged: the states are too long");
}

void GroupStates::merge(GroupStates& other, Budget& budget) {
    for (std::size_t i = 0; i < layout_.size(); ++i) layout_[i].merge(at(i), other.at(i), budget);
}

void GroupStates::clear() {
    if (layout_.owns())
        for (std::size_t i = 0; i < made_; ++i) layout_[i].destroy(at(i));
    made_ = 0;
}

}  // namespace csvmill
