#include "state/problem_entries.hpp"

#include "csv/faults.hpp"
#include "state/encoding.hpp"
#include "state/entry_cursor.hpp"

namespace csvmill {

std::string KeptProblem::key() const {
    std::string key;
    for (unsigned shift = 32; shift > 0;) {
        shift -= 8;
        key += static_cast<char>(problem.input >> shift);
    }
    for (unsigned shift = 64; shift > 0;) {
        shift -= 8;
        key += static_cast<char>(problem.offset >> shift);
    }
    return key;
}

void KeptProblem::write(std::string& to) const {
    append_varint(to, problem.line);
    append_varint(to, problem.column.value_or(0));
    append_varint(to, problem.name ? 1 : 0);
    append_text(to, problem.name.value_or(""));
    append_text(to, problem.found);
    append_text(to, problem.expected);
    append_text(to, record);
    append_varint(to, omitted ? 1 : 0);
}

KeptProblem KeptProblem::read(Bytes key, Bytes payload) {
    KeptProblem kept;
    if (key.size() != 12) throw StateError("a state file is damaged: a bad record has no place");
    for (const char byte : key.substr(0, 4)) {
        kept.problem.input = kept.problem.input << 8U | static_cast<unsigned char>(byte);
    }
    for (const char byte : key.substr(4)) {
        kept.problem.offset = kept.problem.offset << 8U | static_cast<unsigned char>(byte);
    }
    kept.problem.line = take_varint(payload);
    const std::uint64_t column = take_varint(payload);
    if (column > 0) kept.problem.column = column;
    const bool named = take_varint(payload) > 0;
    std::string name = take_text(payload);
    if (named) kept.problem.name = std::move(name);
    kept.problem.found = take_text(payload);
    kept.problem.expected = take_text(payload);
    kept.record = take_text(payload);
    kept.omitted = take_varint(payload) > 0;
    if (!payload.empty()) throw StateError("a state file is damaged: a bad record is too long");
    return kept;
}

void KeptProblem::move(std::uint64_t lines) {
    problem.line += lines;
    move_opened_line(problem.found, lines);
    move_opened_line(problem.expected, lines);
}

void ProblemLog::take(const Problem& problem, Bytes record, bool omitted) {
    if (!writer_) writer_.emplace(scratch_.new_name("problems"), 1, 0, scratch_);
    const KeptProblem kept{problem, std::string(record), omitted};
    std::string payload;
    kept.write(payload);
    writer_->add(0, kept.key(), payload);
}

void ProblemLog::copy(EntryFileWriter& to, std::size_t section) {
    if (!writer_) return;
    const EntryFile file = writer_->finish();
    EntryCursor cursor(file, 0, "");
    while (cursor.next()) to.add(section, cursor.key(), cursor.payload());
}

}  // namespace csvmill
