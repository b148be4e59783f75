#include "groups/slots.hpp"

#include <bit>
#include <utility>
#include <vector>

namespace csvmill {

namespace {

/// Up to this capacity, they grow by a factor of 4.
constexpr std::size_t small_capacity = 1024;

}  // namespace

Slots::Slots(Slot* slots, std::size_t capacity)
    : slots_(slots),
      mask_(capacity - 1),
      shift_(63 - static_cast<unsigned>(std::countr_zero(capacity))),
      limit_(capacity * 3 / 5) {}

std::size_t SlotMemory::next_capacity() const {
    if (capacity_ == 0) return least_slots;
    return (capacity_ < small_capacity ? 4 : 2) * capacity_;
}

void SlotMemory::grow() {
    const std::size_t old = capacity_;
    capacity_ = next_capacity();
    pages_.resize(partitions * capacity_ * sizeof(Slot));
    const auto take = [&](std::size_t i) { return std::exchange(slots()[i], Slot{}); };
    // From the end on: the new place of a part but the first one is behind its old one.
    for (std::size_t number = partitions - 1; number > 0; --number) {
        const Slots grown = part(number);
        for (std::size_t i = (number + 1) * old; i-- > number * old;) {
            if (const Slot slot = take(i); slot.group != nullptr) grown.put(slot);
        }
    }
    std::vector<Slot> first;
    for (std::size_t i = 0; i < old; ++i) {
        if (const Slot slot = take(i); slot.group != nullptr) first.push_back(slot);
    }
    for (const Slot& slot : first) part(0).put(slot);
}

Slots SlotMemory::part(std::size_t number) const {
    return capacity_ == 0 ? Slots() : Slots(slots() + number * capacity_, capacity_);
}

void SlotMemory::discard(const Slots& of_part) {
    const auto begin = reinterpret_cast<const std::byte*>(of_part.data()) - pages_.data();
    if (begin < 0 || static_cast<std::size_t>(begin) >= pages_.size()) return;
    pages_.discard(static_cast<std::size_t>(begin), of_part.capacity() * sizeof(Slot));
}

}  // namespace csvmill
