#include "groups/distinct_log.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "groups/log_growth.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

/// Values whose tags are 0 below this bit show how many are equal.
constexpr std::uint32_t sampled = 16;
/// How many entries are compared at a time: their slots fit into a cache.
constexpr std::size_t usual_range = std::size_t{1} << 17;
constexpr std::size_t most_ranges = 16;
/// Fewer entries are not looked at.
constexpr std::size_t least_look = 4096;
constexpr std::size_t max_entries = std::numeric_limits<std::uint32_t>::max();

/// Finds equal entries of a log, one range of tags after another.
class Finder {
public:
    /// `count`: how many different entries of a range are expected.
    Finder(std::span<DistinctEntry> entries, std::size_t count) : entries_(entries) {
        resize(std::bit_ceil(2 * count));
    }

    /// Clears entries that are equal to earlier ones, of those whose tags begin with the `bits`
    /// bits of `range`.
    void clear_equal(std::uint32_t range, unsigned bits) {
        std::fill(slots_.begin(), slots_.end(), Slot());
        used_ = 0;
        bits_ = bits;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            const std::uint32_t tag = entries_[i].tag;
            if (std::uint64_t{tag} >> (32 - bits) != range) continue;
            __builtin_prefetch(&slots_[home(tag)]);
            waiting_[waiting_size_++] = {tag, static_cast<std::uint32_t>(i + 1)};
            if (waiting_size_ == waiting_.size()) compare();
        }
        compare();
    }

private:
    struct Slot {
        std::uint32_t tag = 0;
        std::uint32_t number = 0;  ///< Of the entry, from 1; 0 if it is free.
    };

    std::size_t home(std::uint32_t tag) const { return tag << bits_ >> shift_; }

    void resize(std::size_t size) {
        const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(size));
        shift_ = 32 - static_cast<unsigned>(std::countr_zero(size));
        for (const Slot& slot : old) {
            if (slot.number == 0) continue;
            std::size_t i = home(slot.tag);
            while (slots_[i].number != 0) i = (i + 1) & (size - 1);
            slots_[i] = slot;
        }
    }

    void compare() {
        for (const Slot& waiting : std::span(waiting_.data(), waiting_size_)) place(waiting);
        waiting_size_ = 0;
    }

    void place(const Slot& wanted) {
        if (used_ > slots_.size() / 4 * 3) [[unlikely]]
            resize(2 * slots_.size());
        const std::size_t mask = slots_.size() - 1;
        for (std::size_t i = home(wanted.tag);; i = (i + 1) & mask) {
            Slot& slot = slots_[i];
            if (slot.number == 0) {
                slot = wanted;
                ++used_;
                return;
            }
            if (slot.tag != wanted.tag) continue;
            DistinctEntry& entry = entries_[wanted.number - 1];
            if (entry == entries_[slot.number - 1]) {
                entry = {};
                return;
            }
        }
    }

    std::span<DistinctEntry> entries_;
    std::vector<Slot> slots_;
    unsigned shift_ = 0;
    unsigned bits_ = 0;
    std::size_t used_ = 0;
    std::array<Slot, 32> waiting_;  ///< Whose slots are being fetched into the cache.
    std::size_t waiting_size_ = 0;
};

}  // namespace

void DistinctLog::make_room(Budget& budget) {
    const std::size_t capacity = grown_log(capacity_);
    const std::size_t bytes = (capacity - capacity_) * sizeof(DistinctEntry);
    const bool tight = !budget.fits(bytes) && size_ > different_ / 8 * 9;
    if ((tight || size_ >= next_look_) && size_ >= least_look) {
        if (equal_share() >= (tight ? 0.125 : 0.25)) remove_equal();
        next_look_ = 2 * size_;
        if (size_ <= capacity_ / 8 * 7) return;
    }
    if (capacity > max_entries) {
        throw AttemptFailed("out of memory: too many values for count_distinct");
    }
    // Pages are moved, so that growth is cheap, and takes no more than it is counted.
    account_.take(bytes, budget);
    memory_.resize(capacity * sizeof(DistinctEntry));
    capacity_ = capacity;
}

/// About how many of the values are equal to earlier ones, as a share of all.
double DistinctLog::equal_share() const {
    std::vector<std::uint32_t> tags;
    tags.reserve(size_ / sampled * 5 / 4);
    for (const DistinctEntry& entry : entries()) {
        if (entry.tag % sampled == 0) tags.push_back(entry.tag);
    }
    if (tags.empty()) return 1;
    std::sort(tags.begin(), tags.end());
    const auto different = std::unique(tags.begin(), tags.end()) - tags.begin();
    return 1 - static_cast<double>(different) / static_cast<double>(tags.size());
}

void DistinctLog::remove_equal() {
    if (size_ == different_) return;
    const std::size_t ranges =
        std::clamp(std::bit_floor(size_ / usual_range), std::size_t{1}, most_ranges);
    const auto bits = static_cast<unsigned>(std::countr_zero(ranges));
    Finder finder(entries(), std::max(size_ / ranges, least_log));
    for (std::uint32_t range = 0; range < ranges; ++range) finder.clear_equal(range, bits);
    const auto left = std::remove_if(
        data(), data() + size_, [](const DistinctEntry& entry) { return entry.value.empty(); });
    size_ = different_ = static_cast<std::size_t>(left - data());
}

void DistinctLog::absorb(DistinctLog& other, const std::vector<std::uint32_t>& groups,
                         Budget& budget) {
    while (other.size_ > 0) {
        const std::size_t count = std::min(other.size_, moved_at_once);
        const std::size_t begin = other.size_ - count;
        for (DistinctEntry entry : other.entries().subspan(begin)) {
            entry.group = groups[entry.group];
            add(entry, budget);
        }
        other.size_ = other.capacity_ = begin;
        other.memory_.resize(begin * sizeof(DistinctEntry));
    }
    other.different_ = other.next_look_ = 0;
}

}  // namespace csvmill
