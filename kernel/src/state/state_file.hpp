/// A state file: sorted groups with their states, and the values that aggregates keep.
///
/// It is what a thread spills, and what `partial` writes and `merge` reads. docs: kernel/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "groups/table.hpp"
#include "output/file_writer.hpp"
#include "run/scratch.hpp"

namespace csvmill {

/// A finished state file, and where its sections are. Section 0 has the groups; then comes one for
/// each aggregate that keeps values, in order. Deletes the file when it is destroyed.
class StateFile {
public:
    /// Sorts all groups of `table` and their kept values, writes them to a new file and clears the
    /// table. Uses little memory beyond that of the table.
    static StateFile spill(GroupTable& table, Scratch& scratch);

    /// Opens a file that another process wrote. Throws StateError if it is damaged, or was written
    /// by another version or for another layout.
    static StateFile open(const std::string& path, const Layout& layout, Scratch& scratch);

    StateFile(StateFile&&) noexcept;
    StateFile& operator=(StateFile&&) noexcept;
    ~StateFile();

    /// Keeps the file.
    void keep();
    const std::string& path() const;
    std::uint64_t groups() const;

    /// Reads the entries of a section in order, from the first whose key is not less than `from`.
    /// Entries of groups: key and states. Entries of values: key of the group and value, sorted by
    /// both.
    class Cursor {
    public:
        Cursor(const StateFile& file, std::size_t section, Bytes from, std::size_t buffer);
        ~Cursor();
        Cursor(Cursor&&) noexcept;
        Cursor& operator=(Cursor&&) noexcept;
        bool next();  ///< False at the end. Throws StateError, AttemptFailed.
        Bytes key() const;
        Bytes payload() const;

    private:
        struct Impl;
        std::unique_ptr<Impl> impl_;
    };

    /// About `count` keys of groups that divide the file into parts of equal size.
    std::vector<std::string> sample(std::size_t count) const;

private:
    struct Impl;
    explicit StateFile(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Merges state files into one, entry by entry, until at most `count` are left.
std::vector<StateFile> merge_files(std::vector<StateFile> files, const Layout& layout,
                                   std::size_t count, std::size_t memory, Scratch& scratch);

}  // namespace csvmill
