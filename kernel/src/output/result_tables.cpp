#include "output/result_tables.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "output/parallel.hpp"
#include "state/key_cuts.hpp"
#include "state/key_prefix.hpp"

namespace csvmill {

namespace {

constexpr std::size_t groups_of_range = 8192;
constexpr std::size_t most_ranges = 1024;
constexpr std::size_t sample_of_range = 16;
constexpr std::size_t ahead = 16;  ///< Keys are loaded so many groups ahead.

/// The groups of a table, part by part; within a part by range.
struct Divided {
    std::vector<SortedGroup> groups;
    /// Where each range of a part begins; part `p` has `ranges + 1` places from `p * (ranges + 1)`.
    std::vector<std::size_t> starts;
    std::size_t ranges = 1;
    std::size_t skip = 0;

    std::span<const SortedGroup> of(std::size_t part, std::size_t range) const {
        const std::size_t at = part * (ranges + 1) + range;
        return std::span(groups).subspan(starts[at], starts[at + 1] - starts[at]);
    }
};

void absorb_all(std::span<GroupTable* const> tables, std::size_t threads) {
    GroupTable& first = *tables.front();
    for_each_task(threads, partitions, [&](std::size_t part) {
        Budget unlimited(std::numeric_limits<std::size_t>::max());
        for (GroupTable* other : tables.subspan(1)) first.absorb(*other, part, unlimited);
    });
    for (GroupTable* other : tables.subspan(1)) other->clear();
}

Divided divide(GroupTable& table, std::size_t threads) {
    const Layout& layout = table.layout();
    const std::size_t size = table.size();
    Divided divided;
    const std::size_t ranges = std::clamp<std::size_t>(size / groups_of_range, 1, most_ranges);
    const std::size_t step = std::max<std::size_t>(1, size / (ranges * sample_of_range));
    const std::vector<std::size_t> keeping = keeping_aggregates(layout);

    std::array<KeySummary, partitions> summaries;
    std::array<std::size_t, partitions> sizes{};
    for_each_task(threads, partitions, [&](std::size_t part) {
        std::vector<Group*> groups;
        table.collect(part, groups);
        sizes[part] = groups.size();
        summaries[part].add(groups, layout, step);
        for (const std::size_t i : keeping) table.kept(i, part)->arrange(groups.size());
    });
    KeySummary summary;
    for (const KeySummary& some : summaries) summary.add(some);
    divided.skip = summary.skip();

    const KeyCuts cuts(summary.sample(), ranges, summary.skip());
    divided.ranges = cuts.ranges();
    divided.groups.resize(size);
    divided.starts.resize(partitions * (divided.ranges + 1));
    for (std::size_t part = 0, start = 0; part < partitions; start += sizes[part++])
        divided.starts[part * (divided.ranges + 1)] = start;

    for_each_task(threads, partitions, [&](std::size_t part) {
        std::vector<Group*> groups;
        table.collect(part, groups);
        std::vector<SortedGroup> sorted(groups.size());
        std::vector<std::uint16_t> range_of(groups.size());
        std::vector<std::size_t> counts(divided.ranges);
        for (std::size_t i = 0; i < groups.size(); ++i) {
            if (i + ahead < groups.size()) prefetch_key(groups[i + ahead], layout);
            const Bytes key = layout.key(groups[i]);
            sorted[i] = {key_prefix(key, divided.skip), groups[i]};
            range_of[i] = static_cast<std::uint16_t>(cuts.range_of(key, sorted[i].prefix));
            ++counts[range_of[i]];
        }
        std::size_t* const starts = &divided.starts[part * (divided.ranges + 1)];
        for (std::size_t range = 0; range < divided.ranges; ++range)
            starts[range + 1] = starts[range] + counts[range];
        std::vector<std::size_t> places(starts, starts + divided.ranges);
        for (std::size_t i = 0; i < groups.size(); ++i)
            divided.groups[places[range_of[i]]++] = sorted[i];
    });
    return divided;
}

}  // namespace

std::size_t memory_for_groups(std::size_t groups, std::size_t threads) {
    const std::size_t of_part = groups / partitions * (2 * sizeof(SortedGroup));
    return groups * sizeof(SortedGroup) + threads * (of_part + (4 << 20));
}

void write_tables(std::span<GroupTable* const> tables, const Layout& layout, std::size_t threads,
                  ResultSink& sink) {
    GroupTable& table = *tables.front();
    std::size_t size = 0;
    for (const GroupTable* some : tables) size += some->size();
    threads = std::min(threads, 1 + size / groups_of_range);
    if (tables.size() > 1) absorb_all(tables, threads);
    const Divided divided = divide(table, threads);
    const NextValue none = [](Bytes&) { return false; };

    Tasks tasks(divided.ranges);
    const auto work = [&] {
        ResultSink::Lane lane(sink);
        std::vector<SortedGroup> groups;
        for (std::size_t range = 0; tasks.take(range);) {
            groups.clear();
            for (std::size_t part = 0; part < partitions; ++part) {
                const auto some = divided.of(part, range);
                groups.insert(groups.end(), some.begin(), some.end());
            }
            sort_groups(groups, layout, divided.skip);
            lane.begin(range);
            for (std::size_t i = 0; i < groups.size(); ++i) {
                if (i + ahead < groups.size()) __builtin_prefetch(groups[i + ahead].group);
                Group* group = groups[i].group;
                const auto finish = [&](std::size_t a, std::string& to) {
                    const std::byte* state = layout.state(group, a);
                    if (layout[a].keeps() == Aggregator::Keeps::none) {
                        layout[a].finish(state, none, to);
                    } else {
                        layout[a].finish_kept(state, *table.kept(a, group->part), group->number,
                                              to);
                    }
                };
                if (!lane.add(layout.key(group), finish)) return tasks.stop();
            }
            if (!lane.end()) return tasks.stop();
        }
    };
    run_on_threads(std::min(threads, divided.ranges), work, [&] {
        tasks.stop();
        sink.fail();
    });
}

}  // namespace csvmill
