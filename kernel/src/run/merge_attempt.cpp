#include "run/merge_attempt.hpp"

#include "state/part_mark.hpp"
#include "state/parts.hpp"
#include "text/error.hpp"

namespace csvmill {

void MergeAttempt::work() {
    try {
        merge();
    } catch (const StateError& error) {
        throw Refused(error.what());
    }
}

void MergeAttempt::merge() {
    const bool of_inputs = !task_.files.empty();
    const Parts parts(task_.states, scratch_, of_inputs);
    if (task_.work == Work::merge && of_inputs) parts.check_inputs(task_.files.size());
    if (task_.work == Work::merge && !of_inputs) parts.check_whole(task_.size);
    const PartAccount& total = parts.total();
    const Query query = query_for(total.header_line, total.names);
    const Layout layout(query);
    const std::uint64_t mark = of_inputs ? input_mark(query, layout)
                                         : part_mark(query, task_.dialect, total.names, layout);
    if (mark != parts.mark()) {
        throw Refused("the states are of another aggregation or dialect");
    }
    std::uint64_t taken = 0;
    const auto take = [&](KeptProblem kept) {
        // As in a run: if bad records fail the job, only those that are shown are described.
        if (!query.skip && taken == shown_problems) return false;
        ++taken;
        if (of_inputs) kept.problem.file = task_.files.at(kept.problem.input);
        problems_.take(std::move(kept.problem), kept.record, kept.omitted);
        return true;
    };
    parts.each_problem(take, [&](std::uint64_t omitted) {
        taken += omitted;
        problems_.omit_more(omitted);
    });
    if (taken > total.problems || (query.skip && taken != total.problems)) {
        throw Refused("a state is damaged: it has another number of bad records than it says");
    }
    problems_.count_more(total.problems - taken);
    found_.aggregated = total.aggregated;
    found_.filtered = total.filtered;
    found_.of_several_lines = total.of_several_lines;
    found_.most_lines = total.most_lines;
    found_.doubts = total.doubts;
    found_.utf8 = total.utf8;
    found_.passed_over = total.all_passed_over();
    found_.padded = total.padded;
    found_.truncated = total.truncated;
    found_.bytes = total.end - total.begin;
    std::vector<StateFile> files = parts.groups(layout, task_.memory / 4);
    if (task_.work == Work::merge) {
        finish(query, layout, {}, std::move(files));
    } else {
        finish_part(total, layout, parts.mark(), {}, std::move(files));
    }
}

}  // namespace csvmill
