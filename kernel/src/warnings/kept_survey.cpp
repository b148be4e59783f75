#include "warnings/kept_survey.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "groups/counted_set.hpp"
#include "state/entry_merge.hpp"
#include "text/likeness.hpp"
#include "text/show.hpp"

namespace csvmill {

namespace {

/// Calls `take` with the key of the group and the bytes of each different value in a section of
/// files, until it returns false.
template <typename Take>
void each_value(const std::vector<StateFile>& files, std::size_t section, bool counted,
                const Take& take) {
    std::vector<EntryCursor> cursors;
    cursors.reserve(files.size());
    for (const StateFile& file : files) cursors.emplace_back(file.entries(), section, Bytes());
    EntryMerge values(std::move(cursors), Ties::payload, Bytes(), nullptr);
    std::optional<std::string> group;
    std::string last;
    while (values.next()) {
        Bytes value = values.payload();
        if (counted) count_in(value, value);
        if (group && *group == values.key() && last == value) continue;
        group = values.key();
        last = value;
        if (!take(*group, counted ? counted_value(last) : last)) return;
    }
}

/// Those of some numbers that are there several times, sorted. Most are there once, so that few of
/// them are sorted.
std::vector<std::uint64_t> repeated(const std::vector<std::uint64_t>& numbers) {
    const std::size_t last = std::bit_ceil(16 * numbers.size() + 1) - 1;
    std::vector<bool> seen(last + 1);
    std::vector<bool> again(last + 1);
    for (const std::uint64_t number : numbers) {
        if (seen[number & last]) again[number & last] = true;
        seen[number & last] = true;
    }
    std::vector<std::uint64_t> some;
    for (const std::uint64_t number : numbers) {
        if (again[number & last]) some.push_back(number);
    }
    std::ranges::sort(some);
    std::vector<std::uint64_t> found;
    for (std::size_t i = 0; i < some.size(); ++i) {
        const bool as_before = i > 0 && some[i - 1] == some[i];
        const bool as_after = i + 1 < some.size() && some[i + 1] == some[i];
        if (as_before || as_after) found.push_back(some[i]);
    }
    return found;
}

}  // namespace

void KeptSurvey::look_at(GroupTable& table) {
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        if (!is_compared(i)) continue;
        std::uint64_t total = 0;
        for (std::size_t part = 0; part < partitions; ++part) {
            if (const KeptValues* kept = table.kept(i, part)) total += kept->different();
        }
        if (total > most_) continue;
        compare(i, [&](const auto& take) {
            for (std::size_t part = 0; part < partitions; ++part) {
                const KeptValues* kept = table.kept(i, part);
                if (kept == nullptr) continue;
                kept->each_different([&](std::uint32_t group, Bytes value) {
                    take(std::uint64_t{part} << 32 | group, value);
                });
            }
        });
    }
}

void KeptSurvey::look_at(const std::vector<StateFile>& files) {
    std::size_t section = 0;
    for (const std::size_t i : keeping_aggregates(layout_)) {
        ++section;
        if (!is_compared(i)) continue;
        const bool counted = layout_[i].keeps() == Aggregator::Keeps::counted;
        std::uint64_t total = 0;
        each_value(files, section, counted, [&](Bytes, Bytes) { return ++total <= most_; });
        if (total > most_) continue;
        compare(i, [&](const auto& take) {
            each_value(files, section, counted, [&](Bytes group, Bytes value) {
                take(hash_(group), value);
                return true;
            });
        });
    }
}

bool KeptSurvey::is_compared(std::size_t aggregate) const {
    const Aggregator::Keeps keeps = layout_[aggregate].keeps();
    const bool different =
        keeps == Aggregator::Keeps::distinct || keeps == Aggregator::Keeps::counted;
    return different && query_.aggregates[aggregate].kind == Kind::text;
}

/// A hash of the group, and of what is the same in values that look alike.
std::uint64_t KeptSurvey::likeness_of(std::uint64_t group, Bytes value) {
    text_.clear();
    if (!append_plain_likeness(text_, value)) append_likeness(text_, value);
    return hash_.with(hash_(text_), group);
}

/// Compares the values of an aggregate: `each` calls what it is given with the group and the bytes
/// of each, in the same order again.
template <typename Each>
void KeptSurvey::compare(std::size_t aggregate, const Each& each) {
    const std::optional<std::uint32_t> column = query_.aggregates[aggregate].column;
    // Of each column, the first aggregate that has such values is reported.
    if (doubts_.of(Doubt::similar_distinct, column).count > 0) return;
    std::vector<std::uint64_t> likenesses;
    each(
        [&](std::uint64_t group, Bytes value) { likenesses.push_back(likeness_of(group, value)); });
    std::vector<std::uint64_t> alike = repeated(likenesses);
    if (alike.empty()) return;
    const std::size_t values = alike.size();
    alike.erase(std::unique(alike.begin(), alike.end()), alike.end());
    Sighting& sighting = doubts_.of(Doubt::similar_distinct, column);
    sighting.count = values - alike.size();
    sighting.column = column;
    sighting.example = example_of(alike, each);
}

/// Shows the first two values that look alike. `alike` has, sorted, what these have in common.
template <typename Each>
std::string KeptSurvey::example_of(const std::vector<std::uint64_t>& alike, const Each& each) {
    std::optional<std::string> first;
    std::vector<std::uint64_t> of_first;  // Of each group that has the first value.
    each([&](std::uint64_t group, Bytes value) {
        if (first && Bytes(*first) < value) return;
        const std::uint64_t likeness = likeness_of(group, value);
        if (!std::ranges::binary_search(alike, likeness)) return;
        if (!first || Bytes(*first) != value) of_first.clear();
        first = value;
        of_first.push_back(likeness);
    });
    std::ranges::sort(of_first);
    std::optional<std::string> second;
    each([&](std::uint64_t group, Bytes value) {
        if (Bytes(*first) == value || (second && Bytes(*second) <= value)) return;
        if (std::ranges::binary_search(of_first, likeness_of(group, value))) second = value;
    });
    return show(*first) + " and " + show(*second);
}

}  // namespace csvmill
