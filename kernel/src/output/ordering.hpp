/// Sorting the rows of a result as `order_by` says, and its limit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "output/file_writer.hpp"
#include "output/row.hpp"
#include "query/query.hpp"
#include "state/entry_file.hpp"

namespace csvmill {

/// Appends bytes that sort (memcmp) as rows do: by `order_by`, and then by their group. An
/// aggregate without a value comes first, or last if the order is descending.
void append_sort_key(std::string& to, const Query& query, const Row& row, Bytes group);

/// Rows and their sort keys, in memory.
class SortedRows {
public:
    void add(Bytes key, Bytes row);
    void sort();
    /// Leaves the first `count`.
    void truncate(std::size_t count);
    void clear();

    std::size_t size() const { return entries_.size(); }
    std::size_t memory() const;  ///< Bytes.
    Bytes key(std::size_t i) const { return {entries_[i].text, entries_[i].key_size}; }
    Bytes row(std::size_t i) const {
        return {entries_[i].text + entries_[i].key_size, entries_[i].row_size};
    }

private:
    struct Entry {
        std::uint64_t prefix;  ///< Of the key.
        const char* text;      ///< The key, then the row.
        std::size_t key_size;
        std::size_t row_size;
    };
    std::vector<Entry> entries_;
    std::vector<std::string> chunks_;  ///< Never grow beyond their capacity: entries point to them.
    std::size_t chunk_memory_ = 0;
};

/// Takes rows in any order. One for each thread.
class RowSorter {
public:
    RowSorter(const RowEncoder& encoder, const Query& query, Scratch& scratch, std::size_t memory);

    void add(const Row& row, Bytes group);

    /// Writes the rows of all sorters in order, up to the limit. Returns their number.
    static std::uint64_t write(std::vector<RowSorter>& sorters, FileWriter& to);

private:
    void shrink();
    void spill();

    const RowEncoder* encoder_;
    const Query* query_;
    Scratch* scratch_;
    std::size_t memory_;
    SortedRows rows_;
    std::vector<EntryFile> runs_;
    std::string last_needed_;  ///< Rows with greater keys are beyond the limit, unless it is empty.
    std::string key_;
    std::string text_;
};

}  // namespace csvmill
