#include "output/result.hpp"

#include <algorithm>

#include "output/parallel.hpp"
#include "output/result_sink.hpp"
#include "output/result_tables.hpp"
#include "run/monitor.hpp"
#include "state/group_states.hpp"

namespace csvmill {

namespace {

constexpr std::size_t least_memory = 1 << 20;

/// Without group columns, there is a row even if there is no group.
void write_empty_group(const Layout& layout, ResultSink& sink) {
    GroupStates states(layout);
    states.create();
    const NextValue none = [](Bytes&) { return false; };
    ResultSink::Lane lane(sink);
    lane.begin(0);
    lane.add(Bytes(),
             [&](std::size_t i, std::string& to) { layout[i].finish(states.state(i), none, to); });
    lane.end();
}

}  // namespace

std::uint64_t write_result(ResultInput input, FileWriter& to) {
    const RowMaker maker(input.query);
    to.write(maker.encoder().header());
    const std::size_t threads = std::max<std::size_t>(1, input.threads);
    std::size_t groups = 0;
    for (const GroupTable* table : input.tables) groups += table->size();
    std::uint64_t spilled = 0;
    for (const StateFile& file : input.spilled) spilled += file.groups();

    const std::size_t used = resident_memory();
    const std::size_t unused = input.memory > used ? input.memory - used : 0;
    const std::size_t for_groups = memory_for_tables(threads);
    const bool in_memory = input.spilled.empty() && for_groups <= unused;
    // Spilled tables leave their memory to rows and cursors.
    const std::size_t for_rows =
        std::max(least_memory, in_memory ? (unused - for_groups) / 2 : input.memory / 4);
    KeptSurvey survey(input.query, input.layout, input.seed, input.doubts);
    ResultSink sink(maker, input.scratch, to, for_rows, threads);
    if (groups + spilled == 0) {
        if (input.query.group_by.empty()) write_empty_group(input.layout, sink);
    } else if (in_memory) {
        write_tables(input.tables, input.layout, threads, survey, sink);
    } else {
        std::vector<StateFile> files = std::move(input.spilled);
        std::mutex lock;
        for_each_task(threads, input.tables.size(), [&](std::size_t i) {
            if (input.tables[i]->size() == 0) return;
            StateFile file = StateFile::spill(*input.tables[i], input.scratch);
            const std::lock_guard hold(lock);
            files.push_back(std::move(file));
        });
        write_files(std::move(files), input.layout, std::max(least_memory, input.memory / 4),
                    threads, input.scratch, survey, sink);
    }
    const std::uint64_t rows = sink.finish();
    for (GroupTable* table : input.tables) table->clear();
    return rows;
}

}  // namespace csvmill
