#include "output/problems.hpp"

#include "output/row.hpp"
#include "text/error.hpp"
#include "text/show.hpp"

namespace csvmill {

std::string Problem::text() const {
    std::string text = file ? show(*file) + ", " : "";
    text += "line " + std::to_string(line);
    if (column) {
        text += ", column " + std::to_string(*column);
        if (name) text += " (" + show(*name) + ")";
    } else if (name) {
        text += ", column " + show(*name);
    }
    return text + ": found " + found + ", expected " + expected;
}

Problems::Problems(std::string rejects, std::uint64_t limit, Scratch& scratch)
    : path_(std::move(rejects)), skip_(!path_.empty()), limit_(limit), scratch_(scratch) {}

Problems::Problems(Keep keep, bool skip, std::uint64_t limit, Scratch& scratch)
    : skip_(skip), limit_(limit), scratch_(scratch), keep_(std::move(keep)) {}

Problems::~Problems() = default;

void Problems::set_input(std::uint32_t number, std::string file) {
    input_ = number;
    file_ = std::move(file);
}

void Problems::take(Problem problem, Bytes record, bool omitted) {
    ++count_;
    if (file_) {
        problem.input = input_;
        problem.file = file_;
    }
    if (!skip_) {
        if (keep_) keep_(problem, record, false);
    } else {
        full_ = full_ || omitted;
        if (full_ || !reject(problem, record)) {
            ++omitted_;
            if (keep_ && first_.size() < shown_problems) {
                keep_(problem, "", true);
            } else {
                ++forgotten_;
            }
        }
    }
    if (first_.empty()) {
        const std::lock_guard guard(first_lock_);
        first_text_ = problem.text();
    }
    if (first_.size() < shown_problems) first_.push_back(std::move(problem));
}

bool Problems::reject(const Problem& problem, Bytes record) {
    std::string lines;
    // The rejects of a part have no header. So if they are full, those of the file are, too.
    if (size_ == 0 && !keep_) {
        lines = problem.file ? "line,offset,column,reason,record,file\n"
                             : "line,offset,column,reason,record\n";
    }
    const std::string line = std::to_string(problem.line);
    const std::string offset = std::to_string(problem.offset);
    const std::string column = problem.column ? std::to_string(*problem.column) : "";
    const std::string reason = "found " + problem.found + ", expected " + problem.expected;
    std::vector<Bytes> cells{line, offset, column, reason, record};
    if (problem.file) cells.emplace_back(*problem.file);
    append_csv(lines, cells);
    full_ = lines.size() > limit_ - size_;
    if (full_) return false;
    size_ += lines.size();
    if (keep_) {
        keep_(problem, record, false);
    } else {
        if (!rejects_) rejects_ = std::make_unique<FileWriter>(path_, scratch_);
        rejects_->write(lines);
    }
    return true;
}

void Problems::omit_more(std::uint64_t number) {
    if (number == 0) return;
    count_ += number;
    omitted_ += number;
    forgotten_ += number;
    full_ = true;
}

std::string Problems::first_text() const {
    const std::lock_guard guard(first_lock_);
    return first_text_;
}

void Problems::check(std::uint64_t aggregated, std::uint64_t filtered) const {
    if (count_ == 0) return;
    const std::string first = first_.front().text();
    if (!skip_) {
        const std::uint64_t more = count() - 1;
        if (more == 0) throw MalformedInput(first);
        throw MalformedInput(first + " (and " + std::to_string(more) + " more problem" +
                             (more > 1 ? "s" : "") + ")");
    }
    // An empty result would look like that of a file without records.
    if (aggregated + filtered == 0)
        throw MalformedInput((count_ == 1 ? std::string("the only row was")
                                          : "all " + std::to_string(count()) + " rows were") +
                             " rejected: " + first);
}

void Problems::finish() {
    if (rejects_) rejects_->finish();
}

std::uint64_t Problems::rejects_size() const { return rejects_ ? rejects_->size() : 0; }

}  // namespace csvmill
