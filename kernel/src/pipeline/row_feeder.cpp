#include "pipeline/row_feeder.hpp"

#include <algorithm>

#include "text/error.hpp"
#include "warnings/enabled.hpp"

namespace csvmill {

void RowCounts::add(const RowCounts& other) {
    aggregated += other.aggregated;
    filtered += other.filtered;
    of_several_lines += other.of_several_lines;
    most_lines = std::max(most_lines, other.most_lines);
    passed_over += other.passed_over;
    padded += other.padded;
    truncated += other.truncated;
}

RowFeeder::RowFeeder(const FeedContext& context, const std::vector<std::string>& names,
                     std::size_t memory)
    : context_(context),
      budget_(memory),
      table_(context.layout, context.seed, budget_),
      width_(names.size()),
      row_reader_(context.query),
      regular_cells_(context.reader.dialect()),
      record_watch_(context.reader, width_ + (context.reader.dialect().trailing_delimiters ? 1 : 0),
                    doubts_),
      watch_(context.query, context.reader, names, doubts_),
      value_watch_(context.query, context.reader.dialect().newline(), doubts_) {
    if (context.query.where) {
        where_.emplace(*context.query.where, context.query.notation, context.query.dates);
        where_->note_almost_asked(*context.query.where);
    }
    batch_.columns = used_columns(context.query);
    batch_.cells.resize(batch_.columns.size());
    batch_.values.resize(context.query.aggregates.size());
    of_file_ = used_columns(context.query, width_).size();
    fill_constants();
}

/// Sets the cells of the columns that are not in the file, for all batches.
void RowFeeder::fill_constants() {
    constants_.reserve(batch_.columns.size() - of_file_);
    for (std::size_t k = of_file_; k < batch_.columns.size(); ++k) {
        const std::size_t number = batch_.columns[k] - width_;
        if (number >= context_.query.constants.size()) {
            throw StateError("a message has a column that the file does not have");
        }
        const std::string& text = context_.query.constants[number].text;
        constants_.push_back(text + std::string(cell_padding, '\0'));
        batch_.cells[k].fill(Bytes(constants_.back()).substr(0, text.size()));
    }
}

void RowFeeder::feed(const RecordIndex& index, const TextPlace& place, std::vector<BadRow>& bad) {
    const Bytes data = place.data;
    RowCounts lines;
    lines.of_several_lines = index.of_several_lines;
    lines.most_lines = index.most_lines;
    lines.passed_over = index.passed_over;
    counts_.add(lines);
    if (!index.regular && unescaped_.capacity() < data.size() + cell_padding) {
        // Views into it must stay valid within a batch.
        unescaped_.reserve(data.size() + cell_padding);
    }
    const std::size_t records = index.records();
    if (warnings_enabled && index.regular && records > 0) {
        record_watch_.look_at_index(index, place);
    }
    for (row_ = 0; row_ < records;) {
        if (index.regular) {
            feed_regular(index, data);
        } else {
            feed_plain(index, place, bad);
        }
        finish_batch(index, place, bad);
    }
    if (warnings_enabled) watch_.end_index(index, place);
}

void RowFeeder::feed_regular(const RecordIndex& index, Bytes data) {
    const std::size_t rows = std::min(batch_rows, index.records() - row_);
    const std::size_t stride = index.kept->stride();
    const std::uint32_t* before = index.ends.data() + row_ * stride;
    std::uint32_t* const starts = starts_.data();
    for (std::size_t i = 0; i < rows; ++i, before += stride) starts[i] = *before + 1;
    regular_cells_.begin_batch(index.quotes ? data.size() : 0);
    for (std::size_t k = 0; k < of_file_; ++k) {
        regular_cells_.find(index, data, row_, rows, batch_.columns[k], batch_.cells[k]);
    }
    batch_.rows = rows;
    row_ += rows;
}

/// Whether a record has as many fields as it is to have, or is made to have them.
Fit RowFeeder::fit_of(const RecordIndex& index, const RecordIndex::Row& row) const {
    if (row.count == 0) return Fit::bad;
    const Dialect& dialect = context_.reader.dialect();
    const std::uint32_t expected = index.kept->width();
    if (row.count == expected) {
        if (expected == width_) return Fit::whole;
        const Field& last = index.fields[row.first + row.count - 1];
        if (last.begin == last.end) return Fit::trailing;
    }
    if (row.count < expected && dialect.pad) return Fit::padded;
    if (row.count > width_ && dialect.truncate) return Fit::truncated;
    return Fit::bad;
}

void RowFeeder::feed_plain(const RecordIndex& index, const TextPlace& place,
                           std::vector<BadRow>& bad) {
    const Bytes data = place.data;
    unescaped_.clear();
    std::size_t& rows = batch_.rows;
    rows = 0;
    for (; row_ < index.rows.size() && rows < batch_rows; ++row_) {
        const RecordIndex::Row& row = index.rows[row_];
        const Fit fit = fit_of(index, row);
        if (fit == Fit::bad) {
            bad.push_back(
                {row.at, row.count == 0 ? BadRow::Check::reader : BadRow::Check::width, {}});
            continue;
        }
        counts_.padded += fit == Fit::padded ? 1 : 0;
        counts_.truncated += fit == Fit::truncated ? 1 : 0;
        if (warnings_enabled) record_watch_.look_at_record(index, row, fit, place);
        starts_[rows] = row.at;
        for (std::size_t k = 0; k < of_file_; ++k) {
            if (batch_.columns[k] >= row.count) {
                batch_.cells[k][rows] = data.substr(row.at, 0);  // of a record that is filled
                continue;
            }
            const Field& field = index.fields[row.first + batch_.columns[k]];
            const Bytes text = data.substr(field.begin, field.end - field.begin);
            if (field.escaped) {
                const std::size_t at = unescaped_.size();
                context_.reader.unescape(text, unescaped_);
                batch_.cells[k][rows] = Bytes(unescaped_).substr(at);
            } else {
                batch_.cells[k][rows] = text;
            }
        }
        ++rows;
    }
}

void RowFeeder::finish_batch(const RecordIndex& index, const TextPlace& place,
                             std::vector<BadRow>& bad) {
    const std::size_t rows = batch_.rows;
    batch_.selected.all(rows);
    batch_.filtered = 0;
    batch_.faults.clear();
    if (!context_.query.nulls.empty()) empty_nulls(batch_, context_.query.nulls, of_file_);
    std::uint64_t* const positions = batch_.positions.data();
    const std::uint32_t* const starts = starts_.data();
    for (std::size_t i = 0; i < rows; ++i) positions[i] = place.position + starts[i];
    const PlacedRows placed{batch_, starts, index.regular, place};
    if (where_) {
        where_->filter(batch_);
        if (warnings_enabled) watch_.look_at_tested(placed);
    }
    row_reader_.read_keys(batch_);
    row_reader_.read_values(batch_);
    if (warnings_enabled) value_watch_.look_at_tested(placed);
    for (const CellFault& fault : batch_.faults) {
        bad.push_back({starts_[fault.row], BadRow::Check::cell, fault});
    }
    if (!bad.empty() && !context_.query.skip) context_.refused = true;
    counts_.aggregated += batch_.selected.size;
    counts_.filtered += batch_.filtered;
    if (batch_.selected.size == 0 || context_.refused.load(std::memory_order_relaxed)) return;
    table_.add(batch_);
    if (warnings_enabled) watch_.look_at_rows(placed, table_.new_rows());
    if (budget_.exceeded()) spilled_.push_back(StateFile::spill(table_, context_.scratch));
}

}  // namespace csvmill
