/// Bad records in state files.
#pragma once

#include <optional>
#include <string>

#include "output/problems.hpp"
#include "state/entry_file.hpp"

namespace csvmill {

/// A problem of a part of a file, and its record. Lines are counted from the start of the part.
struct KeptProblem {
    Problem problem;
    std::string record;
    bool omitted = false;  ///< Whether it is not in the rejects, as these were full.

    /// The entry: its key has file and offset, so that entries are in the order of the files.
    std::string key() const;
    void write(std::string& to) const;
    /// Throws StateError.
    static KeptProblem read(Bytes key, Bytes payload);

    /// Adds `lines`, those of the file before the part, to all lines.
    void move(std::uint64_t lines);
};

/// Keeps the problems of an attempt in a file of its own, until they go to a state.
class ProblemLog {
public:
    explicit ProblemLog(Scratch& scratch) : scratch_(scratch) {}

    void take(const Problem& problem, Bytes record, bool omitted = false);

    /// Copies all problems to a section. No more may be taken.
    void copy(EntryFileWriter& to, std::size_t section);

private:
    Scratch& scratch_;
    std::optional<EntryFileWriter> writer_;  ///< Once there is a problem.
};

}  // namespace csvmill
