/// One attempt: from the task to the last event.
#pragma once

#include <string>
#include <vector>

#include "output/problems.hpp"
#include "run/control.hpp"
#include "run/events.hpp"
#include "run/monitor.hpp"
#include "run/report.hpp"
#include "run/scratch.hpp"
#include "run/task.hpp"
#include "state/part_state.hpp"

namespace csvmill {

/// What an attempt is given.
struct Assignment {
    const Task& task;
    int source;  ///< The descriptor of the file, if the task reads one.
    const std::vector<std::string>& confined;
    Control& control;
    Events& events;
};

/// Does the task in the current folder. Sends all events; the last one says how it ended.
void run_attempt(const Assignment& assignment);

/// What the attempts of all kinds of work share.
class Attempt {
public:
    explicit Attempt(const Assignment& assignment);
    virtual ~Attempt() = default;
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

    void run();

protected:
    /// Memory beside blocks and groups.
    static constexpr std::uint64_t overhead = std::uint64_t{40} << 20;

    /// Tells the header, and waits for the query.
    Query query_for(std::uint64_t line, const std::vector<std::string>& names);

    /// Writes the result of all records, and ends the attempt. Throws MalformedInput if there is
    /// none.
    void finish(const Query& query, const Layout& layout, std::vector<GroupTable*> tables,
                std::vector<StateFile> files);

    /// Writes the state of a part, and ends the attempt. A part with bad records that fail the job
    /// has no groups.
    void finish_part(PartAccount account, const Layout& layout, std::uint64_t mark,
                     const std::vector<GroupTable*>& tables, std::vector<StateFile> files);

    /// Notes a file in UTF-8 that was read in another encoding.
    static void tell_utf8(const Utf8Evidence& utf8, Doubts& doubts);

    /// A seed for hashes of what is in a file, which may be hostile.
    static std::uint64_t random_seed();

    /// Sends the last event.
    void send_last(JsonWriter& event, bool report);

    const Task& task_;
    Scratch scratch_;
    Progress progress_;
    ProblemLog log_;  ///< The problems of a part.
    Problems problems_;
    Findings found_;

private:
    virtual void work() = 0;
    void end_without_result(const char* event, const std::string& reason, bool report);

    const std::vector<std::string>& confined_;
    Control& control_;
    Events& events_;
    Monitor monitor_;
};

}  // namespace csvmill
