#include "warnings/end_watch.hpp"

#include <algorithm>

#include "text/case.hpp"
#include "text/show.hpp"
#include "warnings/note_marks.hpp"
#include "warnings/total_names.hpp"

namespace csvmill {

namespace {

/// In narrower tables, records with one cell are common.
constexpr std::size_t least_columns = 3;

}  // namespace

std::vector<std::size_t> summed_aggregates(const Query& query) {
    std::vector<std::size_t> found;
    for (const Function function : {Function::sum, Function::avg}) {
        for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
            const Aggregate& aggregate = query.aggregates[i];
            if (aggregate.function == function && aggregate.reads_all_of_column()) {
                found.push_back(i);
            }
        }
        if (!found.empty()) break;
    }
    return found;
}

EndWatch::EndWatch(const Query& query, const RecordReader& reader,
                   const std::vector<std::string>& names, Doubts& doubts)
    : query_(query),
      reader_(reader),
      names_(names),
      doubts_(doubts),
      sums_(summed_aggregates(query)) {}

void EndWatch::look_at_rows(const PlacedRows& rows) {
    const auto& selected = rows.batch.selected;
    if (EndRow& first = doubts_.first_row(); !first.known) {
        const std::uint16_t row = selected.rows[0];
        note(first, rows, row);
        first.line = rows.place.line_of(rows.starts[row], reader_.dialect().newline());
        read(first, rows.starts[row], rows.place);
    }
    const std::uint16_t row = selected.rows[selected.size - 1];
    note(doubts_.last_row(), rows, row);
    last_start_ = rows.starts[row];
    last_is_new_ = true;
}

void EndWatch::note(EndRow& to, const PlacedRows& rows, std::uint16_t row) const {
    const Batch& batch = rows.batch;
    to.known = true;
    to.position = rows.place.position + rows.starts[row];
    to.key = batch.keys[row];
    to.sums.resize(sums_.size());
    for (std::size_t i = 0; i < sums_.size(); ++i) {
        const Values& values = batch.values_of(sums_[i]);
        to.sums[i].clear();
        if (values.present[row]) values.numbers[row].append_text(to.sums[i]);
    }
}

void EndWatch::end_index(const RecordIndex& index, const TextPlace& place) {
    if (!last_is_new_) return;
    last_is_new_ = false;
    const Bytes rest = place.data.substr(last_start_, index.end - last_start_);
    EndRow& last = doubts_.last_row();
    last.line = place.line + index.line_ends -
                static_cast<std::uint64_t>(std::ranges::count(rest, reader_.dialect().newline()));
    read(last, last_start_, place);
}

/// Looks for the name of a total in the columns that are not those of groups, and whether the row
/// may be a note. The header is neither.
void EndWatch::read(EndRow& row, std::uint32_t start, const TextPlace& place) {
    row.label_column.reset();
    row.label.clear();
    row.note.clear();
    std::size_t end = 0;
    reader_.read(place.data, start, true, 1, fields_, end, nullptr);
    // It may have been filled or cut.
    fields_.resize(names_.size());
    std::size_t filled = 0;
    bool is_header = reader_.dialect().header;
    for (std::size_t column = 0; column < names_.size(); ++column) {
        const std::string value = value_of(column, place.data);
        is_header = is_header && value == names_[column];
        if (!value.empty()) ++filled;
        if (row.label_column || value.empty() || !may_be_named(value) || !names_total(value)) {
            continue;
        }
        if (std::ranges::find(query_.group_by, column, &GroupColumn::column) !=
            query_.group_by.end()) {
            continue;
        }
        row.label_column = static_cast<std::uint32_t>(column);
        row.label = show(value);
    }
    if (is_header) {
        row.label_column.reset();
    } else {
        read_note(row, filled, place.data);
    }
}

/// Reads the first cell or the first two, if no others of the `filled` cells are there.
void EndWatch::read_note(EndRow& row, std::size_t filled, Bytes data) const {
    if (filled == 0 || filled > 2 || names_.size() < least_columns) return;
    const std::string first = value_of(0, data);
    if (trimmed(first).empty()) return;
    if (filled == 1) {
        row.note = show(first);
        return;
    }
    const std::string second = value_of(1, data);
    if (second.empty() || !begins_note(first)) return;
    row.note = show(first + reader_.dialect().delimiter + second);
}

std::string EndWatch::value_of(std::size_t column, Bytes data) const {
    const Field& field = fields_[column];
    const Bytes text = data.substr(field.begin, field.end - field.begin);
    if (!field.escaped) return std::string(text);
    std::string value;
    reader_.unescape(text, value);
    return value;
}

}  // namespace csvmill
