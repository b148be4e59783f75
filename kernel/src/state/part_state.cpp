#include "state/part_state.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

#include "output/parallel.hpp"
#include "output/result_tables.hpp"
#include "run/monitor.hpp"
#include "state/entry_cursor.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

/// Sections of a part beside those of groups: problems, statistics, account.
constexpr std::size_t more_sections = 3;
constexpr std::size_t least_files = 4;

/// Moves all groups into the first table.
void absorb_all(const std::vector<GroupTable*>& tables, std::size_t threads) {
    for_each_task(threads, partitions, [&](std::size_t part) {
        Budget unlimited(std::numeric_limits<std::size_t>::max());
        for (std::size_t i = 1; i < tables.size(); ++i)
            tables.front()->absorb(*tables[i], part, unlimited);
    });
}

}  // namespace

PartState PartState::open(const std::string& path, Scratch& scratch) {
    EntryFile file = EntryFile::open(path, scratch);
    const std::size_t sections = file.sections().size();
    // Files that a thread spills have no account.
    if (sections <= more_sections || file.sections().back().entries != 1)
        throw StateError("this is not the state of a part of a file");
    EntryCursor cursor(file, sections - 1, "");
    if (!cursor.next()) throw StateError("a state file is damaged: it has no account");
    PartAccount account = PartAccount::read(cursor.payload());
    return {std::move(file), std::move(account)};
}

StateFile PartState::take_groups(const Layout& layout) && {
    if (file_.sections().size() != 1 + keeping_aggregates(layout).size() + more_sections)
        throw StateError("a state file was written for another aggregation");
    return StateFile(std::move(file_));
}

PartWriter::PartWriter(const Layout& layout, std::uint64_t mark, Scratch& scratch)
    : layout_(layout),
      scratch_(scratch),
      sections_(1 + keeping_aggregates(layout).size()),
      writer_("state", sections_ + more_sections, mark, scratch) {}

void PartWriter::add_groups(const std::vector<GroupTable*>& tables, std::vector<StateFile> files,
                            std::size_t memory, std::size_t threads) {
    const std::size_t used = resident_memory();
    const std::size_t unused = memory > used ? memory - used : 0;
    if (!tables.empty() && files.empty() &&
        (tables.size() == 1 || memory_for_tables(threads) <= unused)) {
        absorb_all(tables, threads);
        write_groups(*tables.front(), writer_);
    } else {
        std::mutex lock;
        for_each_task(threads, tables.size(), [&](std::size_t i) {
            if (tables[i]->size() == 0) return;
            StateFile file = StateFile::spill(*tables[i], scratch_);
            const std::lock_guard hold(lock);
            files.push_back(std::move(file));
        });
        const std::size_t cursors = memory / 4 / (sections_ * cursor_memory);
        files = merge_files(std::move(files), layout_, std::max(least_files, cursors), memory / 4,
                            scratch_);
        write_groups(files, layout_, writer_);
    }
    for (GroupTable* table : tables) table->clear();
}

std::uint64_t PartWriter::finish(ProblemLog& problems, const PartAccount& account) {
    problems.copy(writer_, sections_);
    std::string payload;
    account.write(payload);
    writer_.add(sections_ + 2, "", payload);
    EntryFile file = writer_.finish();
    file.keep();
    return file.size();
}

}  // namespace csvmill
