#include "groups/distinct_set.hpp"

#include <algorithm>
#include <bit>

#include "groups/arrange.hpp"

namespace csvmill {

namespace {

constexpr std::size_t least_capacity = 16;
/// From this capacity on, values wait: one for 16 slots.
constexpr std::size_t large_capacity = std::size_t{1} << 12;
/// Slots that are about a page, and into how many such ranges the slots are divided at most.
constexpr std::size_t slots_of_page = 256;
constexpr std::size_t most_ranges = 4096;

}  // namespace

/// The slot that holds the value, or a free one.
DistinctSet::Slot* DistinctSet::find(const Slot& wanted) const {
    const std::size_t mask = capacity_ - 1;
    for (std::size_t i = wanted.tag & mask;; i = (i + 1) & mask) {
        Slot& slot = slots()[i];
        if (slot.value.empty()) return &slot;
        if (slot.tag == wanted.tag && slot.group == wanted.group && slot.value == wanted.value) {
            return &slot;
        }
    }
}

/// Leaves a free slot after the next value, and room for it among those that wait.
void DistinctSet::make_room(Budget& budget) {
    const auto sixteenths = [&] { return (size_ + waiting_size_) / (capacity_ / 16); };
    const bool can_wait = waiting_size_ < most_waiting_ || most_waiting_ == 0;
    if (can_wait && capacity_ > 0 && sixteenths() < 10) return;
    add_waiting();
    // Enough values can wait after this.
    if (capacity_ > 0 && sixteenths() < 9) return;
    // Growing takes three times the slots, and the sets of all parts grow at about the same time:
    // if they do not fit, the batch ends in a fuller table, and then the caller writes it to disk.
    const bool patient = capacity_ > 0 && sixteenths() < 14;
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
        if (slot.value.empty()) continue;
        std::size_t i = slot.tag & mask;
        while (!grown[i].value.empty()) i = (i + 1) & mask;
        grown[i] = slot;
    }
    memory_ = std::move(memory);
    capacity_ = capacity;
    if (capacity < large_capacity) return;
    account_.take((capacity / 16 - most_waiting_) * sizeof(Slot), budget);
    most_waiting_ = capacity / 16;
    waiting_memory_ = Pages(most_waiting_ * sizeof(Slot));
}

/// Adds those that wait. There are free slots for them.
void DistinctSet::add_waiting() {
    const std::span<Slot> all(waiting(), waiting_size_);
    const std::size_t ranges = std::min(capacity_ / slots_of_page, most_ranges);
    // Few are not worth the sorting.
    if (all.size() > ranges) {
        const auto shift = std::countr_zero(capacity_) - std::countr_zero(ranges);
        std::vector<std::uint64_t> starts;
        csvmill::arrange(all, ranges, starts,
                         [&](const Slot& slot) { return (slot.tag & (capacity_ - 1)) >> shift; });
    }
    for (const Slot& slot : all) {
        Slot* place = find(slot);
        if (!place->value.empty()) continue;
        *place = slot;
        ++size_;
    }
    waiting_size_ = 0;
}

/// Adds a value whose bytes are inside or in an arena of the table.
void DistinctSet::put(const Slot& slot, Budget& budget) {
    make_room(budget);
    if (most_waiting_ > 0) {
        waiting()[waiting_size_++] = slot;
        return;
    }
    Slot* place = find(slot);
    if (!place->value.empty()) return;
    *place = slot;
    ++size_;
}

void DistinctSet::add(std::uint32_t tag, std::uint32_t group, Bytes value) {
    Slot slot{tag, group, DistinctValue(value)};
    if (slot.value.is_inside()) {
        put(slot, account_.budget());
        return;
    }
    make_room(account_.budget());
    Slot* place = find(slot);
    if (!place->value.empty()) return;
    slot.value.move_to(*arena_);
    *place = slot;
    ++size_;
}

void DistinctSet::absorb(DistinctSet& other, const std::vector<std::uint32_t>& groups,
                         Budget& budget) {
    constexpr std::size_t ahead = 16;
    other.add_waiting();
    const std::span<const Slot> slots(other.slots(), other.capacity_);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i + ahead < slots.size() && !slots[i + ahead].value.empty()) {
            slots[i + ahead].value.prefetch();
        }
        if (slots[i].value.empty()) continue;
        const std::uint32_t group = groups[slots[i].group];
        put({tag(group, slots[i].value.bytes()), group, slots[i].value}, budget);
    }
    other.memory_ = Pages();
    other.waiting_memory_ = Pages();
    other.capacity_ = other.size_ = other.most_waiting_ = 0;
}

void DistinctSet::arrange(std::size_t groups) {
    add_waiting();
    waiting_memory_ = Pages();
    most_waiting_ = 0;
    Slot* end = std::remove_if(slots(), slots() + capacity_,
                               [](const Slot& slot) { return slot.value.empty(); });
    arrange_by_group(std::span(slots(), end), groups, starts_);
}

std::span<DistinctSet::Slot> DistinctSet::sorted_slots(std::uint32_t group) const {
    if (group + std::size_t{1} >= starts_.size()) return {};
    const std::span<Slot> of_group(slots() + starts_[group], starts_[group + 1] - starts_[group]);
    std::sort(of_group.begin(), of_group.end(),
              [](const Slot& a, const Slot& b) { return a.value.bytes() < b.value.bytes(); });
    return of_group;
}

void DistinctSet::sorted(std::uint32_t group, std::vector<Bytes>& to) const {
    for (const Slot& slot : sorted_slots(group)) to.push_back(slot.value.bytes());
}

}  // namespace csvmill
