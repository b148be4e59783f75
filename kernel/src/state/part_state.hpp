/// The state of a part of a file.
///
/// It is a state file with three more sections: the bad records, a place for statistics of each
/// column (empty so far), and the account, which is one entry.
#pragma once

#include <string>
#include <vector>

#include "groups/table.hpp"
#include "state/part_account.hpp"
#include "state/problem_entries.hpp"
#include "state/state_file.hpp"

namespace csvmill {

/// A state that another process wrote. The file is kept.
class PartState {
public:
    /// Throws StateError.
    static PartState open(const std::string& path, Scratch& scratch);

    const PartAccount& account() const { return account_; }
    std::uint64_t mark() const { return file_.mark(); }
    const EntryFile& file() const { return file_; }
    std::size_t problems() const { return file_.sections().size() - 3; }  ///< The section.

    /// The groups, to be merged. Throws StateError if they are those of another layout.
    StateFile take_groups(const Layout& layout) &&;

private:
    PartState(EntryFile file, PartAccount account)
        : file_(std::move(file)), account_(std::move(account)) {}

    EntryFile file_;
    PartAccount account_;
};

/// Writes the state of a part to the file `state`.
class PartWriter {
public:
    PartWriter(const Layout& layout, std::uint64_t mark, Scratch& scratch);

    /// Writes all groups of `tables`, which are emptied, and `files`. `memory` is for everything,
    /// the groups in `tables` included.
    void add_groups(const std::vector<GroupTable*>& tables, std::vector<StateFile> files,
                    std::size_t memory, std::size_t threads);

    /// Writes problems and account, and keeps the file. Returns its size.
    std::uint64_t finish(ProblemLog& problems, const PartAccount& account);

private:
    const Layout& layout_;
    Scratch& scratch_;
    std::size_t sections_;  ///< Of groups and kept values.
    EntryFileWriter writer_;
};

}  // namespace csvmill
