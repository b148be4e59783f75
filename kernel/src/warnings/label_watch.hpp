/// Sees names of totals beside groups.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "query/query.hpp"
#include "warnings/placed_rows.hpp"

namespace csvmill {

/// The columns in which labels of all records are looked at: the first one, and those that follow a
/// group column; but for group columns, and for those of which numbers or dates are read.
std::vector<std::uint32_t> label_columns(const Query& query, std::size_t width);

/// Looks at the label columns of aggregated rows. Where a label begins is known from what is next
/// to it, so that records are read again only where a name may be.
class LabelWatch {
public:
    /// `names` are those of the columns of the file. What is seen is added to `doubts`. All must
    /// live as long.
    LabelWatch(const Query& query, const RecordReader& reader,
               const std::vector<std::string>& names, Doubts& doubts);

    /// Notes where the labels of the next batch begin: of rows of a regular index, from the record
    /// `first` on; or of one record of another index, which is row `row` of the batch.
    void begin_regular(const RecordIndex& index, std::size_t first, std::size_t rows);
    void begin_plain(const RecordIndex& index, const RecordIndex::Row& record, std::size_t row);

    /// Looks at the selected rows of the batch.
    void look_at_rows(const PlacedRows& rows);

private:
    struct Column {
        std::uint32_t number;
        Sighting* sighting;
        std::array<std::uint32_t, batch_rows> begins;
    };

    bool may_be_named(const char* text) const;
    void look_at_record(Column& column, const PlacedRows& rows, std::uint16_t row);
    std::string value_of(std::size_t column, Bytes data) const;

    const Query& query_;
    const RecordReader& reader_;
    const std::vector<std::string>& names_;
    std::vector<Column> columns_;
    char quote_;
    char delimiter_;
    std::vector<std::string> values_;  ///< Of the record that was read last.
    std::vector<Field> fields_;
};

}  // namespace csvmill
