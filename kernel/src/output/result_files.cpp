#include <algorithm>

#include "output/parallel.hpp"
#include "output/result_tables.hpp"
#include "state/group_merge.hpp"
#include "state/key_cuts.hpp"

namespace csvmill {

namespace {

constexpr std::size_t least_files = 8;
constexpr std::size_t least_range = 256 << 10;
constexpr std::size_t greatest_range = 32 << 20;
constexpr std::size_t sample_of_range = 16;

KeyCuts cuts_of(const std::vector<StateFile>& files, std::size_t range_size) {
    std::uint64_t total = 0;
    for (const StateFile& file : files) total += file.entries().size();
    std::vector<std::string> sample;
    for (const StateFile& file : files)
        for (std::string& key : file.sample(range_size / sample_of_range))
            sample.push_back(std::move(key));
    const auto ranges = static_cast<std::size_t>(1 + total / range_size);
    return {std::vector<Bytes>(sample.begin(), sample.end()), ranges};
}

}  // namespace

void write_files(std::vector<StateFile> files, const Layout& layout, std::size_t memory,
                 std::size_t threads, Scratch& scratch, KeptSurvey& survey, ResultSink& sink) {
    const std::size_t cursors = memory / cursor_memory;
    const std::size_t sections = 1 + keeping_aggregates(layout).size();
    files = merge_files(std::move(files), layout,
                        std::max(least_files, cursors / (2 * threads * sections)), memory, scratch);
    survey.look_at(files);
    const KeyCuts cuts =
        cuts_of(files, std::clamp(memory / (8 * threads), least_range, greatest_range));

    Tasks tasks(cuts.ranges());
    const auto work = [&] {
        ResultSink::Lane lane(sink);
        for (std::size_t range = 0; tasks.take(range);) {
            GroupMerge groups(files, layout, cuts.from(range), cuts.to(range));
            std::vector<NextValue> values(layout.size(), [](Bytes&) { return false; });
            std::size_t keeping = 0;
            for (const std::size_t i : keeping_aggregates(layout))
                values[i] = [&groups, k = keeping++](Bytes& value) {
                    return groups.next_value(k, value);
                };
            lane.begin(range);
            while (groups.next()) {
                const GroupStates& states = groups.states();
                const auto finish = [&](std::size_t i, std::string& to) {
                    layout[i].finish(states.state(i), values[i], to);
                };
                if (!lane.add(groups.key(), finish)) return tasks.stop();
            }
            if (!lane.end()) return tasks.stop();
        }
    };
    run_on_threads(std::min(threads, cuts.ranges()), work, [&] {
        tasks.stop();
        sink.fail();
    });
}

}  // namespace csvmill
