/// What indexes of a file tell, in a form in which indexes of different kinds are compared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "csv/record_index.hpp"

namespace csvmill::test {

/// Where a field is.
struct Place {
    std::size_t begin;
    std::size_t end;
    bool escaped;
    bool operator==(const Place&) const = default;
};

/// The kept fields of a record; none if it has a fault or another number of fields.
using FoundRecord = std::vector<Place>;

inline FoundRecord plain_record(const RecordIndex& index, const RecordIndex::Row& row,
                                const std::vector<std::uint32_t>& columns) {
    FoundRecord record;
    if (row.count != index.kept->width()) return record;
    for (const std::uint32_t column : columns) {
        const Field& field = index.fields[row.first + column];
        record.push_back({field.begin, field.end, field.escaped});
    }
    return record;
}

inline FoundRecord regular_record(const RecordIndex& index, std::size_t number,
                                  const std::vector<std::uint32_t>& columns, Bytes data,
                                  const Dialect& dialect) {
    FoundRecord record;
    for (const std::uint32_t column : columns) {
        const std::uint32_t* end = index.end_of(number, column);
        Place place{end[-1] + 1, *end, false};
        const bool last = column + 1 == index.kept->width();
        if (last && index.crlf && place.end > place.begin && data[place.end - 1] == '\r') {
            --place.end;
        }
        if (index.quotes && place.end > place.begin &&
            data.substr(place.begin).starts_with(dialect.quote)) {
            ++place.begin;
            --place.end;
            const Bytes text = data.substr(place.begin, place.end - place.begin);
            place.escaped = text.find(dialect.quote) != Bytes::npos;
        }
        record.push_back(place);
    }
    return record;
}

/// All that the indexes of a file tell, which are added in order.
struct FoundRecords {
    std::vector<FoundRecord> records;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint64_t line_ends = 0;
    std::uint64_t of_several_lines = 0;
    std::uint64_t most_lines = 1;
    std::uint64_t passed_over = 0;
    bool dropping = false;
    bool gapless = true;  ///< Whether each index begins where the one before it ends.
    bool operator==(const FoundRecords&) const = default;

    void add(const RecordIndex& index, const std::vector<std::uint32_t>& columns, Bytes data,
             const Dialect& dialect) {
        gapless = gapless && index.begin == end;
        end = index.end;
        line_ends += index.line_ends;
        of_several_lines += index.of_several_lines;
        most_lines = std::max(most_lines, index.most_lines);
        passed_over += index.passed_over;
        dropping = index.dropping;
        for (std::size_t i = 0; i < index.records(); ++i) {
            records.push_back(index.regular ? regular_record(index, i, columns, data, dialect)
                                            : plain_record(index, index.rows[i], columns));
        }
    }
};

}  // namespace csvmill::test
