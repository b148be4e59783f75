#include "run/file_attempt.hpp"

#include <algorithm>

#include "state/part_mark.hpp"
#include "text/error.hpp"
#include "warnings/group_survey.hpp"

namespace csvmill {
namespace {

constexpr Bytes empty_file = "the file is empty: expected a header line, then one line per record";

/// Bytes that each thread needs beside its groups: a block, its index, and buffers.
constexpr std::uint64_t thread_overhead = std::uint64_t{20} << 20;

/// Positions in the text order the rows of a group. Those of a part begin at so many times its
/// first byte, as a text in UTF-8 is at most three times as long as its file.
constexpr std::uint64_t text_growth = 4;

/// The bytes that the source must have.
std::optional<std::uint64_t> size_of(const Task& task) {
    const auto end = task.range.end ? task.range.end : task.size;
    if (!end) return std::nullopt;
    return *end - task.range.begin;
}

SourceEnd end_of(const Task& task) {
    const auto& end = task.range.end;
    if (!end) return {};
    return {*end - task.range.begin, end == task.size, task.range.cut};
}

}  // namespace

FileAttempt::FileAttempt(const Assignment& assignment)
    : Attempt(assignment),
      descriptor_(assignment.source),
      reader_(task_.dialect),
      source_(assignment.source, size_of(task_), task_.dialect, task_.block, progress_,
              end_of(task_)) {}

void FileAttempt::work() {
    try {
        Header begin = header();
        const Query query = query_for(begin.line, begin.names);
        aggregate(std::move(begin), query);
    } catch (const MalformedInput&) {
        found_.bytes = source_.bytes();
        throw;
    }
}

Header FileAttempt::header() {
    if (task_.range.begin > 0) {
        Header given;
        given.names = task_.range.names;
        given.line = task_.range.header_line;
        given.rest.offset = task_.range.begin;
        given.rest.position = text_growth * task_.range.begin;
        return given;
    }
    std::optional<Header> header = read_header(source_, reader_, problems_);
    if (header) {
        if (task_.input) header->rest.position += text_growth * task_.input->before;
        return std::move(*header);
    }
    if (!source_.final()) {
        throw Refused("the first " + std::to_string(source_.bytes()) +
                      " bytes of the file do not have its header");
    }
    found_.read = true;
    problems_.finish();
    problems_.check(0, 0);
    found_.read = false;
    throw MalformedInput(std::string(empty_file));
}

void FileAttempt::aggregate(Header begin, const Query& query) {
    const Layout layout(query);
    const std::vector<std::string> names = begin.names;
    if (!query.numbers.empty() && query.numbers.size() != names.size() + query.constants.size()) {
        throw StateError("a message has numbers for too few or many columns");
    }
    const std::uint64_t line = begin.line;
    const std::uint64_t above = begin.passed_over;
    std::atomic<bool> refused = problems_.count() > 0 && !query.skip;
    const FeedContext context{query, layout, reader_, random_seed(), scratch_, refused};
    Pipeline pipeline({context, source_, std::move(begin), problems_, progress_, task_.threads,
                       group_memory(), task_.vectors});
    pipeline.run();
    const Link rest = task_.work == Work::run ? Link() : rest_of(pipeline);
    const RowCounts rows = pipeline.counts();
    found_.aggregated = rows.aggregated;
    found_.filtered = rows.filtered;
    found_.of_several_lines = rows.of_several_lines;
    found_.most_lines = rows.most_lines;
    if (problems_.count() == 0 || query.skip) found_.doubts = pipeline.doubts();
    found_.utf8 = source_.utf8();
    found_.passed_over = above + rows.passed_over + source_.footer_lines();
    found_.padded = rows.padded;
    found_.truncated = rows.truncated;
    found_.bytes = source_.bytes();
    if (task_.work == Work::run) {
        finish(query, layout, pipeline.tables(), pipeline.take_spilled());
        return;
    }
    PartAccount account = account_of(rest);
    account.header_line = line;
    account.names = names;
    found_.bytes = account.end - account.begin;
    std::vector<StateFile> spilled = pipeline.take_spilled();
    if (task_.input) conclude(account, query, layout, pipeline.tables(), spilled);
    const std::uint64_t mark =
        task_.input ? input_mark(query, layout) : part_mark(query, task_.dialect, names, layout);
    finish_part(std::move(account), layout, mark, pipeline.tables(), std::move(spilled));
}

/// Concludes the account of a file that is one of several.
void FileAttempt::conclude(PartAccount& account, const Query& query, const Layout& layout,
                           const std::vector<GroupTable*>& tables,
                           const std::vector<StateFile>& spilled) const {
    account.first_input = account.last_input = task_.input->number;
    tell_utf8(account.utf8, account.doubts);
    account.utf8 = Utf8Evidence();
    if (problems_.count() == 0 || query.skip) {
        survey_ends({query, layout, tables, spilled, found_.aggregated, random_seed()},
                    account.doubts);
    }
    account.doubts.settle(task_.input->number, query.numbers);
}

/// Reads what is left of a part whose end is known, though more of the file follows. If a quote is
/// never closed, or a record is too long, that is known from what follows.
Link FileAttempt::rest_of(Pipeline& pipeline) {
    Link rest = pipeline.rest();
    if (source_.final() || task_.range.cut || rest.tail.empty()) return rest;
    SourceEnd end{std::nullopt, false};
    if (task_.size) end = {*task_.size - *task_.range.end, true};
    Progress none;
    BlockSource ahead(descriptor_, end.limit, task_.dialect, task_.block, none, end);
    return pipeline.read_tail(std::move(rest), ahead);
}

/// `rest` is the link to what follows the part.
PartAccount FileAttempt::account_of(const Link& rest) const {
    const Range& range = task_.range;
    PartAccount account;
    account.begin = range.begin;
    account.end = source_.final() ? range.begin + source_.bytes() : rest.offset;
    account.lines = rest.line - 1;
    account.aggregated = found_.aggregated;
    account.filtered = found_.filtered;
    account.of_several_lines = found_.of_several_lines;
    account.most_lines = found_.most_lines;
    account.doubts = found_.doubts;
    account.utf8 = found_.utf8;
    account.padded = found_.padded;
    account.truncated = found_.truncated;
    account.footer = rest.footer ? 1 : 0;
    account.open_line = rest.open_line ? 1 : 0;
    account.above = static_cast<std::uint64_t>(rest.above);
    account.passed_over =
        found_.passed_over - (source_.final() ? account.footer * account.open_line : 0);
    const std::uint64_t footer = task_.dialect.footer_lines;
    if (range.begin > 0 && source_.final() && source_.bytes() > 0 &&
        source_.footer_lines() < footer) {
        throw Refused("the last part has to have all of the last " + std::to_string(footer) +
                      " lines");
    }
    if (source_.final()) return account;
    if (rest.dropping) {
        throw Refused("a record before byte " + std::to_string(*range.end) + " is too long: the " +
                      "part must end after its line");
    }
    if (account.end != *range.end && !range.cut) {
        const bool after = account.end > *range.end;
        throw Refused("byte " + std::to_string(*range.end) + " is within a record, which " +
                      (after ? "ends" : "begins") + " at byte " + std::to_string(account.end));
    }
    return account;
}

/// The groups may fill what is left; sorting and writing need the rest.
std::size_t FileAttempt::group_memory() const {
    if (task_.groups) return *task_.groups;
    const std::uint64_t taken = overhead + task_.threads * thread_overhead;
    const std::uint64_t left = task_.memory > taken ? task_.memory - taken : 0;
    return std::max<std::uint64_t>(left - left / 4, task_.memory / 4);
}

}  // namespace csvmill
