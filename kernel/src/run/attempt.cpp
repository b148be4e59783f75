#include "run/attempt.hpp"

#include <sys/random.h>

#include <chrono>
#include <new>

#include "input/block_source.hpp"
#include "output/problems.hpp"
#include "output/result.hpp"
#include "pipeline/header.hpp"
#include "pipeline/pipeline.hpp"
#include "run/monitor.hpp"
#include "run/scratch.hpp"
#include "text/error.hpp"

namespace csvmill {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Bytes empty_file = "the file is empty: expected a header line, then one line per record";

/// Bytes that each thread needs beside its groups: a block, its index, and buffers.
constexpr std::uint64_t thread_overhead = std::uint64_t{20} << 20;
constexpr std::uint64_t overhead = std::uint64_t{40} << 20;

/// What is known of the file so far.
struct Findings {
    bool read = false;  ///< Whether all records have been read.
    RowCounts rows;
    std::uint64_t groups = 0;
    double write_seconds = 0;
};

std::string json_of(const std::vector<Problem>& problems) {
    std::string text = "[";
    for (const Problem& problem : problems) {
        if (text.size() > 1) text += ',';
        JsonWriter json;
        json.member("line", problem.line).member("offset", problem.offset);
        if (problem.column) {
            json.member("column", *problem.column);
        } else {
            json.null("column");
        }
        if (problem.name) {
            json.member("name", Bytes(*problem.name));
        } else {
            json.null("name");
        }
        json.member("found", Bytes(problem.found)).member("expected", Bytes(problem.expected));
        text += json.finish();
    }
    return text + "]";
}

std::string json_of(const std::vector<std::string>& texts) {
    std::string text = "[";
    for (const std::string& each : texts) {
        if (text.size() > 1) text += ',';
        append_json_string(text, each);
    }
    return text + "]";
}

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) throw system_failure("getrandom", errno);
    return seed;
}

/// The state of an attempt, for its events.
class Attempt {
public:
    Attempt(const Task& task, int source, const std::vector<std::string>& confined,
            Control& control, Events& events)
        : task_(task),
          confined_(confined),
          control_(control),
          events_(events),
          scratch_(task.scratch),
          monitor_(progress_, scratch_, task.memory, events, confined),
          reader_(task.dialect),
          source_(source, task.size, task.dialect.encoding, task.block, progress_),
          problems_(task.skip ? "rejects.csv" : "", scratch_) {}

    void run() {
        try {
            aggregate();
        } catch (const MalformedInput& error) {
            JsonWriter event;
            event.member("event", "malformed").member("reason", Bytes(error.what()));
            send_last(event, true);
        } catch (const std::bad_alloc&) {
            fail(out_of_memory(task_.memory));
        } catch (const std::exception& error) {
            fail(error.what());
        }
    }

private:
    void aggregate() {
        std::optional<Header> header = read_header(source_, reader_, problems_);
        if (!header) {
            found_.read = true;
            problems_.finish();
            problems_.check(0, 0);
            found_.read = false;
            throw MalformedInput(std::string(empty_file));
        }
        JsonWriter event;
        event.member("event", "header").member("line", header->line);
        event.raw("fields", json_of(header->names));
        events_.send(event);
        const Query query = parse_query(Json::parse(control_.next_line()));
        const Layout layout(query);
        std::atomic<bool> refused = problems_.count() > 0 && !query.skip;
        const FeedContext context{query, layout, reader_, random_seed(), scratch_, refused};
        Pipeline pipeline({context, source_, std::move(*header), problems_, progress_,
                           task_.threads, group_memory(), task_.vectors});
        pipeline.run();
        found_.rows = pipeline.counts();
        found_.read = true;
        problems_.finish();
        problems_.check(found_.rows.aggregated, found_.rows.filtered);
        const Clock::time_point begun = Clock::now();
        FileWriter result("result", scratch_);
        found_.groups = write_result({query, layout, pipeline.tables(), pipeline.take_spilled(),
                                      task_.memory - overhead, task_.threads, scratch_},
                                     result);
        result.finish();
        found_.write_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
        JsonWriter last;
        last.member("event", "finished").member("result_size", result.size());
        last.member("rejects_size", problems_.rejects_size());
        send_last(last, true);
    }

    /// The groups may fill what is left; sorting and writing need the rest.
    std::size_t group_memory() const {
        if (task_.groups) return *task_.groups;
        const std::uint64_t taken = overhead + task_.threads * thread_overhead;
        const std::uint64_t left = task_.memory > taken ? task_.memory - taken : 0;
        return std::max<std::uint64_t>(left - left / 4, task_.memory / 4);
    }

    void fail(Bytes reason) {
        JsonWriter event;
        event.member("event", "failed").member("reason", reason);
        send_last(event, false);
    }

    void send_last(JsonWriter& event, bool report) {
        if (report) {
            event.member("aggregated", found_.rows.aggregated);
            event.member("filtered", found_.rows.filtered);
            event.member("rejected", found_.read ? problems_.count() : 0);
            event.member("groups", found_.groups);
            event.member("problem_count", problems_.count());
            event.raw("problems", json_of(problems_.first()));
            event.member("bytes", source_.bytes());
            event.member("of_several_lines", found_.rows.of_several_lines);
            event.member("most_lines", found_.rows.most_lines);
            event.member("write_seconds", found_.write_seconds);
        }
        event.member("peak_memory", peak_memory()).member("peak_scratch", scratch_.peak());
        event.raw("confined", json_of(confined_));
        events_.send_last(event);
    }

    const Task& task_;
    const std::vector<std::string>& confined_;
    Control& control_;
    Events& events_;
    Scratch scratch_;
    Progress progress_;
    Monitor monitor_;
    RecordReader reader_;
    BlockSource source_;
    Problems problems_;
    Findings found_;
};

}  // namespace

void run_attempt(const Task& task, int source, const std::vector<std::string>& confined,
                 Control& control, Events& events) {
    Attempt(task, source, confined, control, events).run();
}

}  // namespace csvmill
