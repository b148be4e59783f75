/// Notes the first and the last row that are aggregated: they may sum all others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/query.hpp"
#include "warnings/placed_rows.hpp"

namespace csvmill {

/// The aggregates whose sums are compared with the cells of a row: each `sum` of a column; if there
/// is none, each `avg`.
std::vector<std::size_t> summed_aggregates(const Query& query);

/// It sees all records in the order of the file, block by block.
class EndWatch {
public:
    /// `names` are those of the columns of the file. The rows are noted in `doubts`. All must live
    /// as long.
    EndWatch(const Query& query, const RecordReader& reader, const std::vector<std::string>& names,
             Doubts& doubts);

    /// Looks at the selected rows of a batch, of which there are some.
    void look_at_rows(const PlacedRows& rows);

    /// All batches of an index were looked at.
    void end_index(const RecordIndex& index, const TextPlace& place);

private:
    void note(EndRow& to, const PlacedRows& rows, std::uint16_t row) const;
    void read(EndRow& row, std::uint32_t start, const TextPlace& place);
    void read_note(EndRow& row, std::size_t filled, Bytes data) const;
    std::string value_of(std::size_t column, Bytes data) const;

    const Query& query_;
    const RecordReader& reader_;
    const std::vector<std::string>& names_;
    Doubts& doubts_;
    std::vector<std::size_t> sums_;  ///< `summed_aggregates`.
    std::uint32_t last_start_ = 0;   ///< Of the last row of the index.
    bool last_is_new_ = false;       ///< Whether its line is not known yet.
    std::vector<Field> fields_;      ///< Of the record that was read last.
};

}  // namespace csvmill
