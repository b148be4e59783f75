/// From indexed records to groups.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "csv/record_index.hpp"
#include "groups/table.hpp"
#include "pipeline/bad_rows.hpp"
#include "pipeline/regular_cells.hpp"
#include "query/condition.hpp"
#include "query/row_reader.hpp"
#include "run/scratch.hpp"
#include "state/state_file.hpp"
#include "warnings/record_watch.hpp"
#include "warnings/value_watch.hpp"
#include "warnings/watch.hpp"

namespace csvmill {

/// Numbers of records.
struct RowCounts {
    std::uint64_t aggregated = 0;
    std::uint64_t filtered = 0;
    std::uint64_t of_several_lines = 0;
    std::uint64_t most_lines = 1;
    std::uint64_t passed_over = 0;  ///< Lines that are in no record.
    std::uint64_t padded = 0;       ///< Records that were filled with empty fields.
    std::uint64_t truncated = 0;    ///< Records of which fields were dropped.

    void add(const RowCounts& other);
};

/// What all threads of an attempt share.
struct FeedContext {
    const Query& query;
    const Layout& layout;
    const RecordReader& reader;
    std::uint64_t seed;  ///< Of the hashes.
    Scratch& scratch;
    /// Whether the job has failed already: records are only checked and counted.
    std::atomic<bool>& refused;
};

/// Adds the records of blocks to the groups of one thread, which spill when they exceed `memory`
/// bytes.
class RowFeeder {
public:
    /// `names` are those of the columns.
    RowFeeder(const FeedContext& context, const std::vector<std::string>& names,
              std::size_t memory);

    /// Adds all records of `index` that are good, and appends the others to `bad`. `place` is that
    /// of the data.
    void feed(const RecordIndex& index, const TextPlace& place, std::vector<BadRow>& bad);

    /// Counts lines that are in no record.
    void pass_over(std::uint64_t lines) { counts_.passed_over += lines; }

    const RowCounts& counts() const { return counts_; }
    GroupTable& table() { return table_; }
    std::vector<StateFile>& spilled() { return spilled_; }
    const Doubts& doubts() const { return doubts_; }

private:
    void fill_constants();
    void feed_regular(const RecordIndex& index, Bytes data);
    void feed_plain(const RecordIndex& index, const TextPlace& place, std::vector<BadRow>& bad);
    Fit fit_of(const RecordIndex& index, const RecordIndex::Row& row) const;
    void finish_batch(const RecordIndex& index, const TextPlace& place, std::vector<BadRow>& bad);

    const FeedContext& context_;
    Budget budget_;
    GroupTable table_;
    std::vector<StateFile> spilled_;
    std::size_t width_;        ///< The number of names in the header.
    std::size_t of_file_ = 0;  ///< Of the columns of the batch: those that are in the file.
    std::vector<std::string> constants_;  ///< The texts of the others, with bytes after them.
    std::optional<Condition> where_;
    RowReader row_reader_;
    RegularCells regular_cells_;
    Doubts doubts_;
    RecordWatch record_watch_;
    Watch watch_;
    ValueWatch value_watch_;
    RowCounts counts_;
    Batch batch_;
    std::array<std::uint32_t, batch_rows> starts_;  ///< Where the rows of the batch begin.
    std::string unescaped_;  ///< Values with escape sequences of a batch that is not regular.
    std::size_t row_ = 0;    ///< The next one of the index.
};

}  // namespace csvmill
