#include "output/result_tables.hpp"

#include <algorithm>
#include <limits>

#include "output/parallel.hpp"
#include "state/group_ranges.hpp"

namespace csvmill {

namespace {

constexpr std::size_t groups_of_thread = 8192;  ///< Fewer are not worth a thread.
constexpr std::size_t ahead = 16;               ///< Groups are loaded so many groups ahead.

/// Fetches the states and the first bytes of the key.
void prefetch_group(const Group* group, const Layout& layout) {
    __builtin_prefetch(group);
    __builtin_prefetch(reinterpret_cast<const char*>(group) + layout.header_size() + 31);
}

/// Merges all tables into the first one, with the values that their groups keep.
void absorb_all(std::span<GroupTable* const> tables, std::size_t threads) {
    GroupTable& first = *tables.front();
    for_each_task(threads, partitions, [&](std::size_t part) {
        Budget unlimited(std::numeric_limits<std::size_t>::max());
        for (GroupTable* other : tables.subspan(1)) first.absorb(*other, part, unlimited);
    });
    for (GroupTable* other : tables.subspan(1)) other->clear();
}

/// Merges groups with the same key, which follow one another, into the first of them.
void merge_equal(std::vector<SortedGroup>& groups, const Layout& layout, Budget& budget) {
    if (groups.empty()) return;
    std::size_t last = 0;
    for (std::size_t i = 1; i < groups.size(); ++i) {
        Group* const group = groups[i].group;
        if (groups[i].prefix != groups[last].prefix ||
            !layout.has_key(groups[last].group, layout.key(group))) {
            groups[++last] = groups[i];
            continue;
        }
        for (std::size_t a = 0; a < layout.size(); ++a) {
            layout[a].merge(layout.state(groups[last].group, a), layout.state(group, a), budget);
        }
    }
    groups.resize(last + 1);
}

/// Destroys the states of copies of groups at the end, if merging has given them memory.
class OwnedCopies {
public:
    OwnedCopies(const std::vector<SortedGroup>& groups, const Layout& layout, bool owning)
        : groups_(groups), layout_(layout), owning_(owning) {}
    ~OwnedCopies() {
        if (!owning_) return;
        for (const SortedGroup& sorted : groups_) {
            for (std::size_t a = 0; a < layout_.size(); ++a) {
                if (layout_[a].owns()) layout_[a].destroy(layout_.state(sorted.group, a));
            }
        }
    }
    OwnedCopies(const OwnedCopies&) = delete;
    OwnedCopies& operator=(const OwnedCopies&) = delete;

private:
    const std::vector<SortedGroup>& groups_;
    const Layout& layout_;
    bool owning_;
};

}  // namespace

std::size_t memory_for_tables(std::size_t threads) { return threads * (8 << 20); }

void write_tables(std::span<GroupTable* const> tables, const Layout& layout, std::size_t threads,
                  KeptSurvey& survey, ResultSink& sink) {
    std::size_t size = 0;
    for (const GroupTable* some : tables) size += some->size();
    threads = std::min(threads, 1 + size / groups_of_thread);
    GroupTable& first = *tables.front();
    if (layout.keeps()) {
        // Kept values are found by the numbers of groups in a table.
        if (tables.size() > 1) absorb_all(tables, threads);
        tables = tables.first(1);
        for_each_task(threads, partitions, [&](std::size_t part) { first.prepare_results(part); });
        survey.look_at(first);
    }
    const GroupRanges ranges(tables, threads);
    const NextValue none = [](Bytes&) { return false; };
    const bool owning = std::any_of(tables.begin(), tables.end(),
                                    [](const GroupTable* table) { return table->owning(); });
    // Merging may change what states own: then it must be those in the tables.
    const bool copied = tables.size() == 1 || !owning;

    Tasks tasks(ranges.size());
    const auto work = [&] {
        ResultSink::Lane lane(sink);
        std::vector<SortedGroup> groups;
        GroupCopies copies(layout);
        for (std::size_t range = 0; tasks.take(range);) {
            Budget taken(std::numeric_limits<std::size_t>::max());
            ranges.sorted(range, groups, copied ? &copies : nullptr);
            if (tables.size() > 1) merge_equal(groups, layout, taken);
            const OwnedCopies owned(groups, layout, copied && taken.used() > 0);
            lane.begin(range);
            for (std::size_t i = 0; i < groups.size(); ++i) {
                Group* group = groups[i].group;
                if (!copied && i + ahead < groups.size()) {
                    prefetch_group(groups[i + ahead].group, layout);
                }
                const auto finish = [&](std::size_t a, std::string& to) {
                    const std::byte* state = layout.state(group, a);
                    if (layout[a].keeps() == Aggregator::Keeps::none) {
                        layout[a].finish(state, none, to);
                    } else {
                        layout[a].finish_kept(state, *first.kept(a, group->part), group->number,
                                              to);
                    }
                };
                if (!lane.add(layout.key(group), finish)) return tasks.stop();
            }
            if (!lane.end()) return tasks.stop();
        }
    };
    run_on_threads(std::min(threads, ranges.size()), work, [&] {
        tasks.stop();
        sink.fail();
    });
    if (owning && tables.size() > 1) {
        for (GroupTable* table : tables) table->expect_owned();
    }
}

}  // namespace csvmill
