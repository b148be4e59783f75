/// The positions of records and fields of a part of a block.
#pragma once

#include <cstdint>
#include <vector>

#include "csv/kept_fields.hpp"
#include "csv/positions.hpp"
#include "csv/record_reader.hpp"

namespace csvmill {

/// What is above a record: the record or empty line that is next to it. Comments do not count.
enum class Above : std::uint8_t { nothing, record, empty_line };

/// Where records are, in one of two forms.
///
/// *Regular* records are whole and well-formed, have as many fields as the header, no CR but before
/// LF, and are valid UTF-8; no line between them is empty. Then `ends` says everything. All others
/// are read by the plain reader into `rows` and `fields`.
struct RecordIndex {
    struct Row {
        std::uint32_t at = 0;          ///< Where the record begins.
        std::uint32_t first = 0;       ///< Its first field in `fields`.
        std::uint32_t count = 0;       ///< Its number of fields; 0 for a record with a fault.
        Above above = Above::nothing;  ///< In the index.
        bool several_lines = false;
    };

    const KeptFields* kept = nullptr;
    bool regular = false;
    std::uint32_t begin = 0;  ///< Where the first record begins.
    std::uint32_t end = 0;    ///< Where the last whole record ends.
    bool dropping = false;    ///< The last record is too long: the rest of its line is dropped.
    bool footer = false;      ///< The table ends at `end`: what follows is passed over.
    bool quotes = false;      ///< Regular: fields may be quoted.
    bool crlf = false;        ///< Regular: a CR may precede a line end.
    /// Regular: one before `begin`, then the kept separators of all records.
    Positions ends;
    std::vector<Row> rows;                    ///< Not regular.
    std::vector<Field> fields;                ///< Not regular.
    std::uint64_t line_ends = 0;              ///< In [begin, end), also in quoted fields.
    std::uint64_t of_several_lines = 0;       ///< Records of several lines.
    std::uint64_t most_lines = 1;             ///< Lines of the longest of these.
    std::vector<std::uint32_t> long_records;  ///< Regular: see `InnerLines`.
    std::uint64_t passed_over = 0;            ///< Lines in [begin, end) that are in no record.
    Above last = Above::nothing;              ///< What is above a record after it, in the index.

    std::size_t records() const {
        return regular ? (ends.size() - 1) / kept->stride() : rows.size();
    }

    /// What is above a record after the index, if `above` is above its first one.
    Above above_next(Above above) const { return last == Above::nothing ? above : last; }

    /// Regular: where a record begins, and its line end.
    std::size_t begin_of(std::size_t record) const { return ends[record * kept->stride()] + 1U; }
    std::size_t line_end_of(std::size_t record) const {
        return ends[(record + 1) * kept->stride()];
    }

    /// Regular: the separator after field `column` of a record. The one before it in the list
    /// precedes the field.
    const std::uint32_t* end_of(std::size_t record, std::uint32_t column) const {
        return ends.data() + 1 + record * kept->stride() + kept->place(column);
    }

    void clear(const KeptFields& fields_kept, std::size_t at);
};

}  // namespace csvmill
