/// Sees what is doubtful in how records are written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "csv/record_index.hpp"
#include "warnings/text_place.hpp"

namespace csvmill {

/// How a record fits the header.
enum class Fit : std::uint8_t {
    bad,       ///< It has another number of fields.
    whole,     ///< It has as many fields.
    trailing,  ///< It ends in a delimiter, as all records but the header.
    padded,    ///< It is filled with empty fields.
    truncated  ///< Its last fields are dropped.
};

/// It sees all records in the order of the file, index by index.
class RecordWatch {
public:
    /// Records have `width` fields. What is seen is added to `doubts`, which must live as long.
    RecordWatch(const RecordReader& reader, std::size_t width, Doubts& doubts);

    /// Looks at all records of a regular index, which is not empty.
    void look_at_index(const RecordIndex& index, const TextPlace& place);

    /// Looks at a record of an index that is not regular.
    void look_at_record(const RecordIndex& index, const RecordIndex::Row& row, Fit fit,
                        const TextPlace& place);

private:
    void look_above(std::uint32_t start, Above above, const TextPlace& place);
    void look_at_lines(std::uint32_t start, std::size_t end, const TextPlace& place);
    bool lines_are_records(Bytes record) const;
    bool long_delimiters_make_records(Bytes record) const;
    std::size_t end_of(const RecordIndex& index, const RecordIndex::Row& row,
                       const TextPlace& place) const;
    bool is_quoted(const Field& field, std::uint32_t start, const TextPlace& place) const;
    void look_at_quotes(const RecordIndex& index, const RecordIndex::Row& row,
                        const TextPlace& place);
    void see_record(Sighting& sighting, std::uint32_t start, const TextPlace& place);
    std::string shown(std::uint32_t start, const TextPlace& place);

    const RecordReader& reader_;
    const Dialect& dialect_;
    std::size_t delimiters_;  ///< Of a record.
    bool vectors_;            ///< Whether the processor has vector instructions.
    Doubts& doubts_;
    Sighting& below_empty_line_;
    Sighting* in_quotes_ = nullptr;  ///< Null if there is none yet.
    std::vector<Field> fields_;      ///< Of the record that was read last.
};

}  // namespace csvmill
