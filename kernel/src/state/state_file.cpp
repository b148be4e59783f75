#include "state/state_file.hpp"

#include <algorithm>
#include <typeinfo>

#include "state/checksum.hpp"
#include "state/group_merge.hpp"
#include "state/group_ranges.hpp"
#include "state/group_states.hpp"

namespace csvmill {

namespace {

/// Merges some files into one.
StateFile merged(const std::vector<StateFile>& files, const Layout& layout, Scratch& scratch) {
    EntryFileWriter writer(scratch.new_name("state"), 1 + keeping_aggregates(layout).size(),
                           mark_of(layout), scratch);
    write_groups(files, layout, writer);
    return StateFile(writer.finish());
}

}  // namespace

void write_groups(const std::vector<StateFile>& files, const Layout& layout, EntryFileWriter& to) {
    const std::size_t keeping = keeping_aggregates(layout).size();
    GroupMerge groups(files, layout, nullptr, nullptr);
    std::string states;
    while (groups.next()) {
        states.clear();
        groups.append_states(states);
        to.add(0, groups.key(), states);
        for (std::size_t i = 0; i < keeping; ++i) {
            Bytes value;
            while (groups.next_value(i, value)) to.add(1 + i, groups.key(), value);
        }
    }
}

void write_groups(GroupTable& table, EntryFileWriter& to) {
    const Layout& layout = table.layout();
    const std::vector<std::size_t> keeping = keeping_aggregates(layout);
    for (std::size_t part = 0; part < partitions; ++part) table.arrange_kept(part);
    GroupTable* const tables[] = {&table};
    const GroupRanges ranges(tables, 1);
    std::vector<SortedGroup> groups;
    GroupCopies copies(layout);
    std::string states;
    for (std::size_t range = 0; range < ranges.size(); ++range) {
        ranges.sorted(range, groups, &copies);
        for (const SortedGroup& sorted : groups) {
            Group* group = sorted.group;
            const Bytes key = layout.key(group);
            states.clear();
            append_states(states, layout, [&](std::size_t i) { return layout.state(group, i); });
            to.add(0, key, states);
            for (std::size_t i = 0; i < keeping.size(); ++i)
                table.kept(keeping[i], group->part)->each_of(group->number, [&](Bytes value) {
                    to.add(1 + i, key, value);
                });
        }
    }
}

StateFile StateFile::spill(GroupTable& table, Scratch& scratch, std::size_t block) {
    const Layout& layout = table.layout();
    EntryFileWriter writer(scratch.new_name("state"), 1 + keeping_aggregates(layout).size(),
                           mark_of(layout), scratch, block);
    write_groups(table, writer);
    StateFile file(writer.finish());
    table.clear();
    return file;
}

StateFile StateFile::open(const std::string& path, const Layout& layout, Scratch& scratch) {
    return StateFile(
        EntryFile::open(path, 1 + keeping_aggregates(layout).size(), mark_of(layout), scratch));
}

std::vector<std::string> StateFile::sample(std::uint64_t bytes) const {
    std::vector<std::string> keys;
    const SectionIndex& index = entries_.sections().front();
    // Other sections grow with the groups; their shares are the same everywhere.
    std::uint64_t of_groups = 1;
    for (const BlockPlace& block : index.blocks) of_groups += block.size;
    const std::uint64_t part =
        std::max<std::uint64_t>(1, bytes / std::max<std::uint64_t>(1, entries_.size() / of_groups));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < index.blocks.size(); ++i) {
        if (i > 0 && seen >= part) {
            keys.emplace_back(index.first_key(i));
            seen = 0;
        }
        seen += index.blocks[i].size;
    }
    return keys;
}

std::vector<std::size_t> keeping_aggregates(const Layout& layout) {
    std::vector<std::size_t> keeping;
    for (std::size_t i = 0; i < layout.size(); ++i)
        if (layout[i].keeps() != Aggregator::Keeps::none) keeping.push_back(i);
    return keeping;
}

std::uint64_t mark_of(const Layout& layout) {
    std::uint64_t mark = layout.size();
    for (std::size_t i = 0; i < layout.size(); ++i) {
        const Aggregator& aggregator = layout[i];
        mark = checksum(typeid(aggregator).name(), mark + aggregator.state_size());
    }
    return mark;
}

std::vector<StateFile> merge_files(std::vector<StateFile> files, const Layout& layout,
                                   std::size_t count, std::size_t memory, Scratch& scratch) {
    const std::size_t sections = 1 + keeping_aggregates(layout).size();
    const std::size_t most = memory / (sections * cursor_memory);
    while (files.size() > std::max<std::size_t>(1, count)) {
        // The largest first, so that the smallest are at the end.
        std::stable_sort(files.begin(), files.end(), [](const StateFile& a, const StateFile& b) {
            return a.entries().size() > b.entries().size();
        });
        const std::size_t needed = files.size() - std::max<std::size_t>(1, count) + 1;
        const std::size_t some = std::clamp<std::size_t>(needed, 2, std::max<std::size_t>(2, most));
        std::vector<StateFile> least;
        for (std::size_t i = 0; i < some; ++i) {
            least.push_back(std::move(files.back()));
            files.pop_back();
        }
        files.push_back(merged(least, layout, scratch));
    }
    return files;
}

}  // namespace csvmill
