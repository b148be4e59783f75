#include "warnings/watch.hpp"

#include <algorithm>
#include <span>

#include "text/case.hpp"
#include "text/show.hpp"
#include "warnings/total_names.hpp"

namespace csvmill {

namespace {

/// The number of decimals that looks like a group of digits, and what has such groups: 1.000 is
/// the least, 999.999 the greatest.
constexpr std::uint32_t group_digits = 3;
constexpr std::int64_t least_grouped = 1000;
constexpr std::int64_t most_grouped = 999999;

/// A record with fewer names of the header is no other header.
constexpr std::size_t least_names = 2;

/// The number of selected rows that have a value.
std::uint64_t count_present(const Batch& batch, const bool* present) {
    std::uint64_t count = 0;
    if (batch.selected.size == batch.rows) {
        for (std::size_t row = 0; row < batch.rows; ++row) count += present[row] ? 1 : 0;
    } else {
        for (const std::uint16_t row : batch.selected) count += present[row] ? 1 : 0;
    }
    return count;
}

bool is_blank(Bytes text) { return text.empty() || trimmed(text).empty(); }

// See `trimmed`; line ends end a record first.
constexpr Bytes blanks = " \t\v\f";
constexpr Bytes no_break_space = "\xC2\xA0";

}  // namespace

bool may_be_grouped(const Decimal& number) {
    if (number.scale() != group_digits || number.is_big()) return false;
    const std::int64_t digits = number.small() < 0 ? -number.small() : number.small();
    return digits >= least_grouped && digits <= most_grouped;
}

Watch::Watch(const Query& query, const RecordReader& reader, const std::vector<std::string>& names,
             Doubts& doubts)
    : query_(query),
      reader_(reader),
      names_(names),
      doubts_(doubts),
      ends_(query, reader, names, doubts) {
    for (const GroupColumn& group : query.group_by) {
        plain_keys_ = plain_keys_ && group.plain();
        groups_of_file_ = groups_of_file_ || group.column < names.size();
    }
    of_file_ = used_columns(query, names.size()).size();
    const Dialect& dialect = reader.dialect();
    std::size_t names_size = 0;
    for (const std::string& name : names) {
        names_size += name.size() + dialect.delimiter.size();
        for (const Bytes mark : {Bytes(dialect.quote), Bytes(dialect.escape)}) {
            names_are_plain_ =
                names_are_plain_ && (mark.empty() || name.find(mark) == std::string::npos);
        }
    }
    // A field has two quotes or none, a record at most two bytes of a line end; and all records
    // but the header may have one more field, which is empty.
    const std::size_t fields = names.size() + 1;
    longest_header_ = names_size + dialect.delimiter.size() + 2 * fields + 2;
    for (const Bytes mark : {Bytes(dialect.delimiter), Bytes(dialect.quote), Bytes(dialect.escape),
                             blanks, no_break_space}) {
        for (const char byte : mark) in_blank_[static_cast<unsigned char>(byte)] = true;
    }
    blanks_.resize(query.group_by.size());
    // Who declares a separator of thousands has said what the other mark is.
    if (query.notation.thousands == 0) watch_numbers();
}

void Watch::watch_numbers() {
    for (const bool of_cells : {false, true}) {
        for (std::size_t i = 0; i < query_.aggregates.size(); ++i) {
            const Aggregate& aggregate = query_.aggregates[i];
            if (!aggregate.column || aggregate.kind != Kind::number) continue;
            if (of_cells == aggregate.reads_all_of_column()) continue;
            watch_number(*aggregate.column, of_cells ? NumberColumn::none : i);
            if (aggregate.operation != Operation::none) {
                watch_number(aggregate.operand, NumberColumn::none);
            }
        }
    }
}

void Watch::watch_number(std::uint32_t column, std::size_t values) {
    if (watches(column)) return;
    numbers_.push_back({values, column, &doubts_.of(Doubt::grouped_integers, column)});
}

/// Whether an aggregate reads a column as numbers.
bool Watch::watches(std::uint32_t column) const {
    return std::ranges::find(numbers_, column, &NumberColumn::column) != numbers_.end();
}

void Watch::see_cell(Sighting& sighting, std::uint32_t start, std::uint32_t column, Bytes cell,
                     const TextPlace& place) const {
    if (!see(sighting, start, place, reader_.dialect().newline())) return;
    sighting.column = column;
    sighting.example = show(cell);
}

/// Counts a record whose fields are `texts`.
void Watch::see_record(Sighting& sighting, std::uint32_t start,
                       const std::vector<std::string>& texts, const TextPlace& place) const {
    if (!see(sighting, start, place, reader_.dialect().newline())) return;
    std::string record;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (i > 0) record += reader_.dialect().delimiter;
        record += texts[i];
    }
    sighting.example = show(record);
}

void Watch::look_at_rows(const PlacedRows& rows, std::span<const std::uint16_t> new_rows) {
    for (const NumberColumn& number : numbers_) {
        if (!number.sighting->refuted) look_at_numbers(number, rows);
    }
    ends_.look_at_rows(rows);
    if (!groups_of_file_) {
        look_at_records(rows);
        return;
    }
    // Cells that differ may give the same text: a doubtful one may be in a group that is not new.
    watching_ = watching_ || !plain_keys_ || std::ranges::any_of(new_rows, [&](std::uint16_t row) {
                    return may_be_doubtful(rows, row);
                });
    if (watching_) look_at_groups(rows);
}

/// Whether the group of a row is blank, or named as a total or as the header.
bool Watch::may_be_doubtful(const PlacedRows& rows, std::uint16_t row) const {
    return has_names(rows, row) ||
           std::ranges::any_of(rows.batch.key_cells, [row](const Cells* cells) {
               return may_be_named((*cells)[row]) &&
                      (is_blank((*cells)[row]) || names_total((*cells)[row]));
           });
}

void Watch::look_at_numbers(const NumberColumn& number, const PlacedRows& rows) {
    const Batch& batch = rows.batch;
    if (number.values == NumberColumn::none) {
        look_at_cells(number, rows);
        return;
    }
    const Values& values = batch.values_of(number.values);
    Sighting& sighting = *number.sighting;
    const bool* const present = values.present.data();
    if (!values.decimals) {
        sighting.others += count_present(batch, present);
        return;
    }
    for (const std::uint16_t row : batch.selected) {
        if (!present[row]) continue;
        if (!look_at_number(number, rows, row, values.numbers[row])) return;
    }
}

/// Looks at a column of which aggregates do not have all numbers.
void Watch::look_at_cells(const NumberColumn& number, const PlacedRows& rows) {
    const Cells& cells = rows.batch.column(number.column);
    for (const std::uint16_t row : rows.batch.selected) {
        Decimal value;
        const bool read = read_number<Readable::beyond>(cells[row], query_.notation, value);
        if (read && !look_at_number(number, rows, row, value)) return;
    }
}

/// Returns false if the column is not doubtful any more.
bool Watch::look_at_number(const NumberColumn& number, const PlacedRows& rows, std::uint16_t row,
                           const Decimal& value) {
    Sighting& sighting = *number.sighting;
    if (value.scale() == 0) {
        ++sighting.others;
    } else if (may_be_grouped(value)) {
        see_cell(sighting, rows.starts[row], number.column, rows.batch.column(number.column)[row],
                 rows.place);
    } else {
        sighting.refuted = true;
    }
    return !sighting.refuted;
}

void Watch::look_at_tested(const PlacedRows& rows) {
    const Batch& batch = rows.batch;
    if (!tested_known_) find_tested(batch);
    for (const NumberColumn& number : tested_) {
        if (number.sighting->refuted) continue;
        const TestedNumbers& tested = batch.tested[number.values];
        const Cells& cells = batch.column(number.column);
        for (const std::uint16_t row : tested.rows) {
            if (cells[row].empty()) continue;
            if (!tested.decimals) {
                ++number.sighting->others;
                continue;
            }
            Decimal value;
            read_number<Readable::beyond>(cells[row], query_.notation, value);
            if (!look_at_number(number, rows, row, value)) break;
        }
    }
}

void Watch::find_tested(const Batch& batch) {
    tested_known_ = true;
    if (query_.notation.thousands != 0) return;
    for (std::size_t i = 0; i < batch.tested.size(); ++i) {
        const std::uint32_t column = batch.tested[i].column;
        if (watches(column)) continue;
        tested_.push_back({i, column, &doubts_.of(Doubt::grouped_integers, column)});
    }
}

void Watch::look_at_groups(const PlacedRows& rows) {
    const Batch& batch = rows.batch;
    const std::size_t count = query_.group_by.size();
    for (const std::uint16_t row : batch.selected) {
        const std::uint32_t* total = nullptr;
        bool blank = false;
        for (std::size_t i = 0; i < count; ++i) {
            const Bytes text = (*batch.key_cells[i])[row];
            if (!may_be_named(text) || is_constant(i)) continue;
            if (is_blank(text)) {
                blank = true;
            } else if (total == nullptr && names_total(text)) {
                total = &query_.group_by[i].column;
                if (!look_at_group(rows, row, total, blank)) {
                    see_cell(doubts_.of(Doubt::total_row), rows.starts[row], *total, text,
                             rows.place);
                }
                break;
            }
        }
        if (total == nullptr) look_at_group(rows, row, nullptr, blank);
    }
}

/// Looks at a row whose group may be that of the header, or has a blank name or that of a total.
/// Returns whether the row is a header or empty, which is not doubtful for another reason.
bool Watch::look_at_group(const PlacedRows& rows, std::uint16_t row, const std::uint32_t* total,
                          bool blank) {
    const Batch& batch = rows.batch;
    if (has_names(rows, row) && look_at_names(rows, row)) return true;
    if (!blank) return false;
    const bool all_empty =
        std::ranges::all_of(std::span(batch.cells).first(of_file_),
                            [row](const Cells& cells) { return is_blank(cells[row]); });
    if (all_empty && is_empty(rows, row)) {
        see_empty(rows, row);
        return true;
    }
    if (total != nullptr) return false;
    for (std::size_t i = 0; i < blanks_.size(); ++i) {
        const Bytes text = (*batch.key_cells[i])[row];
        if (!is_blank(text) || is_constant(i)) continue;
        const std::uint32_t column = query_.group_by[i].column;
        if (blanks_[i] == nullptr) blanks_[i] = &doubts_.of(Doubt::blank_group, column);
        see_cell(*blanks_[i], rows.starts[row], column, text, rows.place);
    }
    return false;
}

/// Looks at a row whose groups have the names of their columns. Returns whether it is the header,
/// or has some of its names.
bool Watch::look_at_names(const PlacedRows& rows, std::uint16_t row) {
    if (is_header(rows, row)) {
        see_record(doubts_.of(Doubt::repeated_header), rows.starts[row], names_, rows.place);
        return true;
    }
    if (!read(rows, row)) return false;
    std::vector<std::string> values;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        values.push_back(value_of(i, rows.place.data));
        if (values.back() == names_[i] && !names_[i].empty()) ++equal;
    }
    if (equal < least_names || 2 * equal < names_.size()) return false;
    see_record(doubts_.of(Doubt::similar_header), rows.starts[row], values, rows.place);
    return true;
}

/// Looks for headers and empty records among rows without groups.
void Watch::look_at_records(const PlacedRows& rows) {
    for (const std::uint16_t row : rows.batch.selected) {
        if (may_be_header(rows, row) && is_header(rows, row)) {
            see_record(doubts_.of(Doubt::repeated_header), rows.starts[row], names_, rows.place);
        } else if (is_empty(rows, row)) {
            see_empty(rows, row);
        }
    }
}

/// Counts the record that was read last, which is empty.
void Watch::see_empty(const PlacedRows& rows, std::uint16_t row) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < names_.size(); ++i) values.push_back(value_of(i, rows.place.data));
    see_record(doubts_.of(Doubt::empty_row), rows.starts[row], values, rows.place);
}

/// Whether the cells of all group columns are the names of these columns.
bool Watch::has_names(const PlacedRows& rows, std::uint16_t row) const {
    if (!reader_.dialect().header) return false;
    return std::ranges::all_of(query_.group_by, [&](const GroupColumn& group) {
        return group.column >= names_.size() ||
               rows.batch.column(group.column)[row] == names_[group.column];
    });
}

/// Whether a record has more than `size` bytes. False if that is not known.
bool Watch::is_longer(const PlacedRows& rows, std::uint16_t row, std::size_t size) {
    const std::size_t next = row + std::size_t{1};
    return rows.regular && next < rows.batch.rows && rows.starts[next] - rows.starts[row] > size;
}

/// Whether a record begins as the header does.
bool Watch::may_be_header(const PlacedRows& rows, std::uint16_t row) const {
    if (!reader_.dialect().header) return false;
    if (!names_are_plain_) return true;
    if (is_longer(rows, row, longest_header_)) return false;
    Bytes text = rows.place.data.substr(rows.starts[row]);
    const Bytes quote = reader_.dialect().quote;
    if (!quote.empty() && text.starts_with(quote)) text.remove_prefix(quote.size());
    return text.starts_with(names_.front());
}

/// Whether no byte of a record, up to the end of its line or of the last column, is of other text
/// than blanks.
bool Watch::may_be_empty(const PlacedRows& rows, std::uint16_t row) const {
    const char delimiter = reader_.dialect().delimiter.back();
    std::size_t fields = 0;
    for (const char byte : rows.place.data.substr(rows.starts[row])) {
        if (byte == '\n' || byte == '\r') return true;
        if (!in_blank_[static_cast<unsigned char>(byte)]) return false;
        if (byte == delimiter && ++fields == names_.size()) return true;
    }
    return true;
}

bool Watch::is_header(const PlacedRows& rows, std::uint16_t row) {
    if (!read(rows, row)) return false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (value_of(i, rows.place.data) != names_[i]) return false;
    }
    return true;
}

/// A value of the record that was read last.
std::string Watch::value_of(std::size_t column, Bytes data) const {
    const Field& field = fields_[column];
    const Bytes text = data.substr(field.begin, field.end - field.begin);
    if (!field.escaped) return std::string(text);
    std::string value;
    reader_.unescape(text, value);
    return value;
}

/// Whether all fields are empty or blank; those beyond the header do not count.
bool Watch::is_empty(const PlacedRows& rows, std::uint16_t row) {
    if (!may_be_empty(rows, row) || !read(rows, row)) return false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        if (!is_blank(value_of(i, rows.place.data))) return false;
    }
    return true;
}

/// Reads the record of a row, which is well-formed.
bool Watch::read(const PlacedRows& rows, std::uint16_t row) {
    std::size_t end = 0;
    const Outcome outcome =
        reader_.read(rows.place.data, rows.starts[row], true, 1, fields_, end, nullptr);
    // It may have been filled or cut.
    fields_.resize(names_.size());
    return outcome == Outcome::record;
}

}  // namespace csvmill
