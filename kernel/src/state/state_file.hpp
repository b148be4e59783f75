/// A state file: sorted groups with their states, and the values that aggregates keep.
///
/// It is what a thread spills, and what `partial` writes and `merge` reads. docs: kernel/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "groups/table.hpp"
#include "run/scratch.hpp"
#include "state/entry_cursor.hpp"
#include "state/entry_file.hpp"

namespace csvmill {

/// A finished state file. Section 0 has the groups: key and states. Then comes a section for each
/// aggregate that keeps values, in order: key of the group and value, sorted by both. Deletes the
/// file when it is destroyed.
class StateFile {
public:
    /// Sorts all groups of `table` and their kept values, writes them to a new file and clears the
    /// table. Uses little memory beyond that of the table.
    static StateFile spill(GroupTable& table, Scratch& scratch,
                           std::size_t block = EntryFileWriter::usual_block);

    /// Opens a file that another process wrote. Throws StateError if it is damaged, or was written
    /// by another version or for another layout.
    static StateFile open(const std::string& path, const Layout& layout, Scratch& scratch);

    explicit StateFile(EntryFile entries) : entries_(std::move(entries)) {}

    void keep() { entries_.keep(); }  ///< Keeps the file.
    const std::string& path() const { return entries_.path(); }
    std::uint64_t groups() const { return entries_.sections().front().entries; }
    const EntryFile& entries() const { return entries_; }

    /// Keys of groups that divide the file into parts of about `bytes` bytes, as far as its index
    /// has them.
    std::vector<std::string> sample(std::uint64_t bytes) const;

private:
    EntryFile entries_;
};

/// The aggregates that have a section of their own: section `i + 1` is that of the `i`-th.
std::vector<std::size_t> keeping_aggregates(const Layout& layout);

/// Writes all groups of `table` and their kept values, sorted, to the first sections.
void write_groups(GroupTable& table, EntryFileWriter& to);

/// The same of several files, as one.
void write_groups(const std::vector<StateFile>& files, const Layout& layout, EntryFileWriter& to);

/// What `EntryFile` compares: state files of other layouts have another mark.
std::uint64_t mark_of(const Layout& layout);

/// Merges state files, the smallest first, until at most `count` are left.
std::vector<StateFile> merge_files(std::vector<StateFile> files, const Layout& layout,
                                   std::size_t count, std::size_t memory, Scratch& scratch);

/// Memory for reading one section of a file, in bytes.
inline constexpr std::size_t cursor_memory = EntryFileWriter::usual_block + (8 << 10);

}  // namespace csvmill
