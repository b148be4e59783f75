#include "groups/counted_set.hpp"

#include <algorithm>

#include "groups/arrange.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

constexpr std::size_t count_size = sizeof(std::uint64_t);
/// After a value; a NUL within one is followed by another byte.
constexpr Bytes value_end("\0\0", 2);

bool is_free(const CountedEntry& slot) { return slot.count == 0; }

}  // namespace

/// The slot that holds the value, or a free one.
CountedEntry& CountedSet::find(const DistinctEntry& wanted) const {
    const std::size_t mask = capacity_ - 1;
    for (std::size_t i = wanted.tag & mask;; i = (i + 1) & mask) {
        CountedEntry& slot = slots()[i];
        if (is_free(slot) || slot.of == wanted) return slot;
    }
}

/// Leaves a free slot after the next value.
void CountedSet::make_room(Budget& budget) {
    const std::size_t sixteenths = capacity_ > 0 ? size_ / (capacity_ / 16) : 16;
    if (sixteenths < 10) return;
    // The sets of all parts grow at about the same time: if that does not fit, the batch ends in a
    // fuller table, and then the caller writes it to disk.
    if (sixteenths < 14 && !budget.fits(2 * capacity_ * sizeof(CountedEntry))) {
        budget.refuse();
    } else {
        grow(budget);
    }
}

void CountedSet::grow(Budget& budget) {
    const std::size_t capacity = std::max(least_slots, 2 * capacity_);
    account_.take((capacity - capacity_) * sizeof(CountedEntry), budget);
    const Pages old = std::exchange(memory_, Pages(capacity * sizeof(CountedEntry)));
    const std::span from(reinterpret_cast<CountedEntry*>(old.data()), capacity_);
    capacity_ = capacity;
    const std::size_t mask = capacity - 1;
    for (const CountedEntry& slot : from) {
        if (is_free(slot)) continue;
        std::size_t i = slot.of.tag & mask;
        while (!is_free(slots()[i])) i = (i + 1) & mask;
        slots()[i] = slot;
    }
}

void CountedSet::add(std::uint32_t tag, std::uint32_t group, Bytes value) {
    DistinctEntry entry{tag, group, DistinctValue(value)};
    make_room(account_.budget());
    CountedEntry& slot = find(entry);
    if (is_free(slot)) {
        entry.value.move_to(*arena_);
        slot.of = entry;
        ++size_;
    }
    ++slot.count;
}

void CountedSet::absorb(CountedSet& other, const std::vector<std::uint32_t>& groups,
                        Budget& budget) {
    for (const CountedEntry& from : std::span(other.slots(), other.capacity_)) {
        if (is_free(from)) continue;
        make_room(budget);
        const DistinctEntry entry{from.of.tag, groups[from.of.group], from.of.value};
        CountedEntry& slot = find(entry);
        if (is_free(slot)) {
            slot.of = entry;
            ++size_;
        }
        slot.count += from.count;
    }
    other.memory_ = Pages();
    other.capacity_ = other.size_ = 0;
}

void CountedSet::arrange(std::size_t groups) {
    const CountedEntry* const end = std::remove_if(slots(), slots() + capacity_, is_free);
    csvmill::arrange(std::span(slots(), static_cast<std::size_t>(end - slots())), groups, starts_,
                     [](const CountedEntry& entry) { return std::size_t{entry.of.group}; });
}

std::span<CountedEntry> CountedSet::of(std::uint32_t group) const {
    if (group + std::size_t{1} >= starts_.size()) return {};
    return {slots() + starts_[group], starts_[group + 1] - starts_[group]};
}

std::span<CountedEntry> CountedSet::sorted(std::uint32_t group) const {
    const std::span<CountedEntry> entries = of(group);
    std::sort(entries.begin(), entries.end(), [](const CountedEntry& a, const CountedEntry& b) {
        return a.of.value.bytes() < b.of.value.bytes();
    });
    return entries;
}

bool CountedSet::most_frequent(std::uint32_t group, Bytes& value) const {
    const CountedEntry* most = nullptr;
    for (const CountedEntry& entry : of(group)) {
        if (most == nullptr || entry.count > most->count ||
            (entry.count == most->count && entry.of.value.bytes() < most->of.value.bytes())) {
            most = &entry;
        }
    }
    if (most != nullptr) value = most->of.value.bytes();
    return most != nullptr;
}

void append_counted(std::string& to, Bytes value, std::uint64_t count) {
    for (std::size_t nul = value.find('\0'); nul != Bytes::npos; nul = value.find('\0')) {
        to += value.substr(0, nul + 1);
        to += '\1';
        value.remove_prefix(nul + 1);
    }
    to += value;
    to += value_end;
    for (std::size_t i = count_size; i-- > 0;) to += static_cast<char>(count >> (8 * i));
}

std::uint64_t count_in(Bytes counted, Bytes& escaped) {
    const std::size_t tail = count_size + value_end.size();
    if (counted.size() < tail) throw StateError("a counted value of a state is not complete");
    escaped = counted.substr(0, counted.size() - tail);
    if (counted.substr(escaped.size(), value_end.size()) != value_end) {
        throw StateError("a counted value of a state does not end");
    }
    std::uint64_t count = 0;
    for (const char byte : counted.substr(counted.size() - count_size)) {
        count = count << 8 | static_cast<unsigned char>(byte);
    }
    return count;
}

std::string counted_value(Bytes escaped) {
    std::string value;
    for (std::size_t nul = escaped.find('\0'); nul != Bytes::npos; nul = escaped.find('\0')) {
        if (nul + 1 >= escaped.size() || escaped[nul + 1] != '\1') {
            throw StateError("a counted value of a state is not one");
        }
        value += escaped.substr(0, nul + 1);
        escaped.remove_prefix(nul + 2);
    }
    value += escaped;
    return value;
}

}  // namespace csvmill
