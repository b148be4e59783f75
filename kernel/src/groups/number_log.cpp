#include "groups/number_log.hpp"

#include <algorithm>

#include "groups/arrange.hpp"
#include "groups/log_growth.hpp"

namespace csvmill {

void NumberLog::grow(Budget& budget) {
    // Pages are moved, so that growth is cheap, and takes no more than it is counted.
    const std::size_t capacity = grown_log(capacity_);
    account_.take((capacity - capacity_) * sizeof(Entry), budget);
    memory_.resize(capacity * sizeof(Entry));
    capacity_ = capacity;
}

NumberLog::Entry NumberLog::big_entry(std::uint32_t group, const Decimal& value, Budget& budget) {
    big_.push_back(value);
    account_.take(2 * sizeof(Decimal) + big_.back().heap_bytes(), budget);
    return {static_cast<std::int64_t>(big_.size() - 1), group, big_scale};
}

void NumberLog::absorb(NumberLog& other, const std::vector<std::uint32_t>& groups, Budget& budget) {
    while (other.size_ > 0) {
        const std::size_t count = std::min(other.size_, moved_at_once);
        const std::size_t begin = other.size_ - count;
        for (std::size_t i = begin; i < other.size_; ++i) {
            if (size_ == capacity_) grow(budget);
            Entry entry = other.entries()[i];
            entry.group = groups[entry.group];
            if (entry.scale == big_scale) {
                big_.push_back(std::move(other.big_[static_cast<std::size_t>(entry.mantissa)]));
                entry.mantissa = static_cast<std::int64_t>(big_.size() - 1);
            }
            entries()[size_++] = entry;
        }
        other.size_ = other.capacity_ = begin;
        other.memory_.resize(begin * sizeof(Entry));
    }
    other.big_.clear();
}

void NumberLog::arrange(std::size_t groups) {
    arrange_by_group(std::span(entries(), size_), groups, starts_);
}

std::span<NumberLog::Entry> NumberLog::of(std::uint32_t group) const {
    if (group + std::size_t{1} >= starts_.size()) return {};
    return {entries() + starts_[group], starts_[group + 1] - starts_[group]};
}

Decimal NumberLog::number(const Entry& entry) const {
    if (entry.scale == big_scale) return big_[static_cast<std::size_t>(entry.mantissa)];
    return {entry.mantissa, entry.scale};
}

bool NumberLog::less(const Entry& a, const Entry& b) const {
    if (a.scale == b.scale && a.scale != big_scale) return a.mantissa < b.mantissa;
    return compare(number(a), number(b)) < 0;
}

void NumberLog::each_sorted(std::uint32_t group,
                            const std::function<void(const Decimal&)>& take) const {
    std::span<Entry> entries = of(group);
    std::sort(entries.begin(), entries.end(),
              [this](const Entry& a, const Entry& b) { return less(a, b); });
    for (const Entry& entry : entries) take(number(entry));
}

void NumberLog::at_rank(std::uint32_t group, std::size_t rank, bool two, Decimal& low,
                        Decimal& high) const {
    std::span<Entry> entries = of(group);
    const auto find = [&](const auto& by) {
        const auto place = entries.begin() + static_cast<std::ptrdiff_t>(rank);
        std::nth_element(entries.begin(), place, entries.end(), by);
        low = number(*place);
        if (two) high = number(*std::min_element(place + 1, entries.end(), by));
    };
    const std::uint32_t scale = entries.front().scale;
    const bool same = scale != big_scale &&
                      std::all_of(entries.begin(), entries.end(),
                                  [scale](const Entry& entry) { return entry.scale == scale; });
    if (same) {
        find([](const Entry& a, const Entry& b) { return a.mantissa < b.mantissa; });
    } else {
        find([this](const Entry& a, const Entry& b) { return less(a, b); });
    }
}

}  // namespace csvmill
