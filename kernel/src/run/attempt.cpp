#include "run/attempt.hpp"

#include <sys/random.h>

#include <cerrno>
#include <chrono>
#include <new>

#include "output/result.hpp"
#include "run/file_attempt.hpp"
#include "run/merge_attempt.hpp"
#include "text/error.hpp"
#include "text/show.hpp"
#include "warnings/enabled.hpp"
#include "warnings/group_survey.hpp"

namespace csvmill {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

Problems problems_of(const Task& task, Scratch& scratch, ProblemLog& log) {
    if (!task.gives_state()) {
        return {task.skip ? "rejects.csv" : "", task.rejects, scratch};
    }
    const auto keep = [&log](const Problem& problem, Bytes record, bool omitted) {
        log.take(problem, record, omitted);
    };
    return {keep, task.skip, task.rejects, scratch};
}

}  // namespace

Attempt::Attempt(const Assignment& assignment)
    : task_(assignment.task),
      scratch_(task_.scratch),
      log_(scratch_),
      problems_(problems_of(task_, scratch_, log_)),
      confined_(assignment.confined),
      control_(assignment.control),
      events_(assignment.events),
      monitor_(progress_, problems_, scratch_, task_.memory, events_, confined_) {
    if (task_.input) problems_.set_input(task_.input->number, task_.input->name);
}

void Attempt::run() {
    try {
        work();
    } catch (const MalformedInput& error) {
        end_without_result("malformed", error.what(), true);
    } catch (const Refused& error) {
        end_without_result("refused", error.what(), false);
    } catch (const std::bad_alloc&) {
        end_without_result("failed", out_of_memory(task_.memory), false);
    } catch (const std::exception& error) {
        end_without_result("failed", error.what(), false);
    }
}

Query Attempt::query_for(std::uint64_t line, const std::vector<std::string>& names) {
    JsonWriter event;
    event.member("event", "header").member("line", line).raw("fields", json_array(names));
    events_.send(event);
    return parse_query(Json::parse(control_.next_line()));
}

void Attempt::finish(const Query& query, const Layout& layout, std::vector<GroupTable*> tables,
                     std::vector<StateFile> files) {
    found_.read = true;
    problems_.finish();
    problems_.check(found_.aggregated, found_.filtered);
    const Clock::time_point begun = Clock::now();
    tell_utf8(found_.utf8, found_.doubts);
    if (warnings_enabled) {
        survey_groups({query, layout, tables, files, found_.aggregated, random_seed()},
                      found_.doubts);
    }
    FileWriter result("result", scratch_);
    found_.groups =
        write_result({query, layout, std::move(tables), std::move(files), task_.memory - overhead,
                      task_.threads, scratch_, found_.doubts, random_seed()},
                     result);
    result.finish();
    found_.write_seconds = seconds_since(begun);
    JsonWriter last;
    last.member("event", "finished").member("result_size", result.size());
    last.member("rejects_size", problems_.rejects_size());
    send_last(last, true);
}

void Attempt::finish_part(PartAccount account, const Layout& layout, std::uint64_t mark,
                          const std::vector<GroupTable*>& tables, std::vector<StateFile> files) {
    found_.read = true;
    account.problems = problems_.count();
    account.omitted = problems_.forgotten();
    if (account.problems > 0 && !task_.skip) account.doubts.clear();
    const Clock::time_point begun = Clock::now();
    PartWriter writer(layout, mark, scratch_);
    if (task_.skip || problems_.count() == 0) {
        writer.add_groups(tables, std::move(files), task_.memory - overhead, task_.threads);
    }
    const std::uint64_t size = writer.finish(log_, account);
    found_.write_seconds = seconds_since(begun);
    JsonWriter last;
    last.member("event", "finished").member("state_size", size);
    last.member("begin", account.begin).member("end", account.end).member("lines", account.lines);
    send_last(last, true);
}

void Attempt::tell_utf8(const Utf8Evidence& utf8, Doubts& doubts) {
    if (!utf8.found()) return;
    Sighting& sighting = doubts.of(Doubt::utf8_text);
    sighting.count = 1;
    sighting.example = show(utf8.first());
}

std::uint64_t Attempt::random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw system_failure("getrandom", errno);
    return seed;
}

void Attempt::end_without_result(const char* event, const std::string& reason, bool report) {
    found_.doubts.clear();
    JsonWriter last;
    last.member("event", event).member("reason", Bytes(reason));
    send_last(last, report);
}

void Attempt::send_last(JsonWriter& event, bool report) {
    if (report) add_report(event, found_, problems_, !task_.files.empty());
    event.member("peak_memory", peak_memory()).member("peak_scratch", scratch_.peak());
    event.raw("confined", json_array(confined_));
    events_.send_last(event);
}

void run_attempt(const Assignment& assignment) {
    if (assignment.task.reads_states()) {
        MergeAttempt(assignment).run();
    } else {
        FileAttempt(assignment).run();
    }
}

}  // namespace csvmill
