#include "warnings/label_watch.hpp"

#include <algorithm>

#include "text/show.hpp"
#include "warnings/total_names.hpp"

namespace csvmill {

namespace {

/// A column that is never the one of a label: nothing begins there.
constexpr std::uint32_t nowhere = ~std::uint32_t{0};

bool groups_by(const Query& query, std::uint32_t column) {
    return std::ranges::find(query.group_by, column, &GroupColumn::column) != query.group_by.end();
}

/// Whether an aggregate reads numbers or dates in a column.
bool has_values(const Query& query, std::uint32_t column) {
    return std::ranges::any_of(query.aggregates, [column](const Aggregate& aggregate) {
        const bool reads = aggregate.column == column ||
                           (aggregate.operation != Operation::none && aggregate.operand == column);
        return reads && aggregate.kind != Kind::text;
    });
}

}  // namespace

std::vector<std::uint32_t> label_columns(const Query& query, std::size_t width) {
    std::vector<std::uint32_t> found{0};
    for (const GroupColumn& group : query.group_by) found.push_back(group.column + 1);
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::erase_if(found, [&](std::uint32_t column) {
        return column >= width || groups_by(query, column) || has_values(query, column);
    });
    return found;
}

LabelWatch::LabelWatch(const Query& query, const RecordReader& reader,
                       const std::vector<std::string>& names, Doubts& doubts)
    : query_(query),
      reader_(reader),
      names_(names),
      quote_(reader.dialect().quote.empty() ? '\0' : reader.dialect().quote[0]),
      delimiter_(reader.dialect().delimiter[0]) {
    for (const std::uint32_t column : label_columns(query, names.size())) {
        columns_.push_back({column, &doubts.of(Doubt::total_row, column), {}});
    }
}

void LabelWatch::begin_regular(const RecordIndex& index, std::size_t first, std::size_t rows) {
    const std::size_t stride = index.kept->stride();
    for (Column& column : columns_) {
        // The separator before it: the line end of the record before, or that of the group column.
        const std::uint32_t* before = column.number == 0 ? index.ends.data() + first * stride
                                                         : index.end_of(first, column.number - 1);
        std::uint32_t* const begins = column.begins.data();
        for (std::size_t i = 0; i < rows; ++i, before += stride) begins[i] = *before + 1;
    }
}

void LabelWatch::begin_plain(const RecordIndex& index, const RecordIndex::Row& record,
                             std::size_t row) {
    for (Column& column : columns_) {
        const bool present = column.number < record.count;
        column.begins[row] =
            present ? index.fields[record.first + column.number].begin : nowhere;
    }
}

/// Whether a name may begin here, perhaps after a quote.
bool LabelWatch::may_be_named(const char* text) const {
    if (quote_ != '\0' && *text == quote_) ++text;
    if (begins_as_total(text)) return true;
    const auto first = static_cast<unsigned char>(*text);
    if (first > ' ' && first != 0xC2) [[likely]]
        return false;
    return *text != '\n' && *text != '\r' && *text != delimiter_;
}

void LabelWatch::look_at_rows(const PlacedRows& rows) {
    const char* const data = rows.place.data.data();
    for (Column& column : columns_) {
        for (const std::uint16_t row : rows.batch.selected) {
            const std::uint32_t begin = column.begins[row];
            if (begin != nowhere && may_be_named(data + begin)) look_at_record(column, rows, row);
        }
    }
}

void LabelWatch::look_at_record(Column& column, const PlacedRows& rows, std::uint16_t row) {
    const Bytes data = rows.place.data;
    std::size_t end = 0;
    reader_.read(data, rows.starts[row], true, 1, fields_, end, nullptr);
    // It may have been filled or cut.
    fields_.resize(names_.size());
    const std::string label = value_of(column.number, data);
    if (!names_total(label)) return;
    for (std::size_t i = 0; i < query_.group_by.size(); ++i) {
        const bool of_file = query_.group_by[i].column < names_.size();
        if (of_file && names_total((*rows.batch.key_cells[i])[row])) return;
    }
    values_.clear();
    for (std::size_t i = 0; i < names_.size(); ++i) values_.push_back(value_of(i, data));
    if (reader_.dialect().header && values_ == names_) return;
    Sighting& sighting = *column.sighting;
    if (!see(sighting, rows.starts[row], rows.place, reader_.dialect().newline())) return;
    sighting.column = column.number;
    sighting.example = show(label);
}

std::string LabelWatch::value_of(std::size_t column, Bytes data) const {
    const Field& field = fields_[column];
    const Bytes text = data.substr(field.begin, field.end - field.begin);
    if (!field.escaped) return std::string(text);
    std::string value;
    reader_.unescape(text, value);
    return value;
}

}  // namespace csvmill
