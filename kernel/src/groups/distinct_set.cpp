#include "groups/distinct_set.hpp"

#include <algorithm>

#include "groups/arrange.hpp"

namespace csvmill {

namespace {

/// With as many, a set begins a log.
constexpr std::size_t many_slots = std::size_t{1} << 12;

bool is_free(const DistinctEntry& slot) { return slot.value.empty(); }

}  // namespace

/// The slot that holds the value, or a free one.
DistinctEntry* DistinctSet::find(const DistinctEntry& wanted) const {
    const std::size_t mask = capacity_ - 1;
    for (std::size_t i = wanted.tag & mask;; i = (i + 1) & mask) {
        DistinctEntry& slot = slots()[i];
        if (is_free(slot) || slot == wanted) return &slot;
    }
}

/// Leaves a free slot after the next value.
void DistinctSet::make_room(Budget& budget) {
    const auto sixteenths = [&] { return size_ / (capacity_ / 16); };
    if (capacity_ > 0 && sixteenths() < 10) return;
    if (capacity_ >= many_slots && !logging_) begin_log(budget);
    if (capacity_ > 0 && sixteenths() < 10) return;
    // Growing takes three times the slots, and the sets of all parts grow at about the same time:
    // if they do not fit, the batch ends in a fuller table, and then the caller writes it to disk.
    const bool patient = capacity_ > 0 && sixteenths() < 14;
    if (patient && !budget.fits(2 * capacity_ * sizeof(DistinctEntry))) {
        budget.refuse();
    } else {
        grow(budget);
    }
}

void DistinctSet::grow(Budget& budget) {
    const std::size_t capacity = std::max(least_slots, 2 * capacity_);
    account_.take((capacity - capacity_) * sizeof(DistinctEntry), budget);
    const Pages old = std::exchange(memory_, Pages(capacity * sizeof(DistinctEntry)));
    const std::span from(reinterpret_cast<DistinctEntry*>(old.data()), capacity_);
    capacity_ = capacity;
    const std::size_t mask = capacity - 1;
    for (const DistinctEntry& slot : from) {
        if (is_free(slot)) continue;
        std::size_t i = slot.tag & mask;
        while (!is_free(slots()[i])) i = (i + 1) & mask;
        slots()[i] = slot;
    }
}

/// Moves short values from the slots to the log.
void DistinctSet::begin_log(Budget& budget) {
    logging_ = true;
    const Pages old = std::exchange(memory_, Pages(capacity_ * sizeof(DistinctEntry)));
    size_ = 0;
    for (const DistinctEntry& slot :
         std::span(reinterpret_cast<DistinctEntry*>(old.data()), capacity_)) {
        if (is_free(slot)) continue;
        if (slot.value.is_inside()) {
            log_.add(slot, budget);
        } else {
            *find(slot) = slot;
            ++size_;
        }
    }
}

/// Adds a value whose bytes are inside or in an arena of the table.
void DistinctSet::put(const DistinctEntry& entry, Budget& budget) {
    if (logging_ && entry.value.is_inside()) {
        log_.add(entry, budget);
        return;
    }
    make_room(budget);
    if (logging_ && entry.value.is_inside()) {
        log_.add(entry, budget);
        return;
    }
    DistinctEntry* slot = find(entry);
    if (!is_free(*slot)) return;
    *slot = entry;
    ++size_;
}

void DistinctSet::add_to_slots(DistinctEntry entry) {
    if (entry.value.is_inside()) {
        put(entry, account_.budget());
        return;
    }
    make_room(account_.budget());
    DistinctEntry* slot = find(entry);
    if (!is_free(*slot)) return;
    entry.value.move_to(*arena_);
    *slot = entry;
    ++size_;
}

void DistinctSet::absorb(DistinctSet& other, const std::vector<std::uint32_t>& groups,
                         Budget& budget) {
    constexpr std::size_t ahead = 16;
    if (other.logging_ && !logging_) begin_log(budget);
    const std::span<const DistinctEntry> slots(other.slots(), other.capacity_);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i + ahead < slots.size() && !is_free(slots[i + ahead])) {
            slots[i + ahead].value.prefetch();
        }
        if (is_free(slots[i])) continue;
        put({slots[i].tag, groups[slots[i].group], slots[i].value}, budget);
    }
    log_.absorb(other.log_, groups, budget);
    other.memory_ = Pages();
    other.capacity_ = other.size_ = 0;
    other.logging_ = false;
}

void DistinctSet::count(std::size_t groups) {
    log_.remove_equal();
    starts_.assign(groups + 1, 0);
    for (const DistinctEntry& entry : log_.entries()) ++starts_[entry.group + std::size_t{1}];
    for (const DistinctEntry& slot : std::span(slots(), capacity_)) {
        if (!is_free(slot)) ++starts_[slot.group + std::size_t{1}];
    }
    for (std::size_t group = 0; group < groups; ++group) starts_[group + 1] += starts_[group];
}

void DistinctSet::arrange(std::size_t groups) {
    DistinctEntry* end = std::remove_if(slots(), slots() + capacity_,
                                        [](const DistinctEntry& slot) { return is_free(slot); });
    arranged_ = {slots(), end};
    if (logging_) {
        log_.remove_equal();
        for (const DistinctEntry& entry : arranged_) log_.add(entry);
        memory_ = Pages();
        capacity_ = size_ = 0;
        arranged_ = log_.entries();
    }
    arrange_by_group(arranged_, groups, starts_);
}

std::span<DistinctEntry> DistinctSet::sorted_entries(std::uint32_t group) const {
    if (group + std::size_t{1} >= starts_.size()) return {};
    const std::span<DistinctEntry> of_group =
        arranged_.subspan(starts_[group], starts_[group + 1] - starts_[group]);
    std::sort(of_group.begin(), of_group.end(), [](const DistinctEntry& a, const DistinctEntry& b) {
        return a.value.bytes() < b.value.bytes();
    });
    return of_group;
}

void DistinctSet::sorted(std::uint32_t group, std::vector<Bytes>& to) const {
    for (const DistinctEntry& entry : sorted_entries(group)) to.push_back(entry.value.bytes());
}

}  // namespace csvmill
