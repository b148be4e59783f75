#include "groups/distinct_set.hpp"

#include <algorithm>
#include <cstddef>

#include "groups/arrange.hpp"

namespace csvmill {

namespace {

constexpr std::size_t least_capacity = 16;
/// From this capacity on, growth waits if the budget has no room for it.
constexpr std::size_t patient_capacity = std::size_t{1} << 14;

}  // namespace

DistinctSet::Slot* DistinctSet::find(std::uint32_t tag, std::uint32_t group, Bytes value) const {
    const std::size_t mask = capacity_ - 1;
    for (std::size_t i = tag & mask;; i = (i + 1) & mask) {
        Slot& slot = slots()[i];
        if (slot.entry == nullptr) return &slot;
        if (slot.tag == tag && slot.group == group && slot.entry->size == value.size() &&
            same_bytes(slot.entry->data, value.data(), value.size())) {
            return &slot;
        }
    }
}

/// Leaves a free slot after the next value.
void DistinctSet::make_room(Budget& budget) {
    if (size_ < capacity_ / 8 * 5) return;
    // A large set is all of the memory, and growing takes three times the slots: if they do not
    // fit, the batch ends in a fuller table, and then the caller writes the set to disk.
    const bool patient = capacity_ >= patient_capacity && size_ < capacity_ / 8 * 7;
    if (patient && !budget.fits(2 * capacity_ * sizeof(Slot))) {
        budget.refuse();
    } else {
        grow(budget);
    }
}

void DistinctSet::grow(Budget& budget) {
    const std::size_t capacity = std::max(least_capacity, 2 * capacity_);
    account_.take((capacity - capacity_) * sizeof(Slot), budget);
    Pages memory(capacity * sizeof(Slot));
    Slot* grown = reinterpret_cast<Slot*>(memory.data());
    const std::size_t mask = capacity - 1;
    for (const Slot& slot : std::span(slots(), capacity_)) {
        if (slot.entry == nullptr) continue;
        std::size_t i = slot.tag & mask;
        while (grown[i].entry != nullptr) i = (i + 1) & mask;
        grown[i] = slot;
    }
    memory_ = std::move(memory);
    capacity_ = capacity;
}

void DistinctSet::add(std::uint32_t tag, std::uint32_t group, Bytes value) {
    make_room(account_.budget());
    Slot* slot = find(tag, group, value);
    if (slot->entry != nullptr) return;
    const std::size_t size = std::max(sizeof(Entry), offsetof(Entry, data) + value.size());
    Entry* entry = new (arena_->allocate(size)) Entry{};
    entry->size = static_cast<std::uint32_t>(value.size());
    if (!value.empty()) std::memcpy(entry->data, value.data(), value.size());
    *slot = {tag, group, entry};
    ++size_;
}

void DistinctSet::absorb(DistinctSet& other, const std::vector<std::uint32_t>& groups,
                         Budget& budget) {
    constexpr std::size_t ahead = 16;
    std::vector<Slot> window;
    const auto flush = [&] {
        for (Slot& slot : window) {
            slot.group = groups[slot.group];
            slot.tag = tag(slot.group, bytes(slot.entry));
            prefetch(slot.tag);
        }
        for (const Slot& slot : window) {
            make_room(budget);
            Slot* place = find(slot.tag, slot.group, bytes(slot.entry));
            if (place->entry == nullptr) {
                *place = slot;
                ++size_;
            }
        }
        window.clear();
    };
    for (const Slot& slot : std::span(other.slots(), other.capacity_)) {
        if (slot.entry == nullptr) continue;
        __builtin_prefetch(slot.entry);
        window.push_back(slot);
        if (window.size() == ahead) flush();
    }
    flush();
    other.memory_ = Pages();
    other.capacity_ = other.size_ = 0;
}

void DistinctSet::arrange(std::size_t groups) {
    Slot* end = std::remove_if(slots(), slots() + capacity_,
                               [](const Slot& slot) { return slot.entry == nullptr; });
    arrange_by_group(std::span(slots(), end), groups, starts_);
}

std::span<DistinctSet::Slot> DistinctSet::sorted_slots(std::uint32_t group) const {
    if (group + std::size_t{1} >= starts_.size()) return {};
    const std::span<Slot> of_group(slots() + starts_[group], starts_[group + 1] - starts_[group]);
    std::sort(of_group.begin(), of_group.end(),
              [](const Slot& a, const Slot& b) { return bytes(a.entry) < bytes(b.entry); });
    return of_group;
}

void DistinctSet::sorted(std::uint32_t group, std::vector<Bytes>& to) const {
    for (const Slot& slot : sorted_slots(group)) to.push_back(bytes(slot.entry));
}

}  // namespace csvmill
