#include "pipeline/row_feeder.hpp"

#include <algorithm>
#include <cstring>

namespace csvmill {

void RowCounts::add(const RowCounts& other) {
    aggregated += other.aggregated;
    filtered += other.filtered;
    of_several_lines += other.of_several_lines;
    most_lines = std::max(most_lines, other.most_lines);
}

RowFeeder::RowFeeder(const FeedContext& context, std::size_t memory)
    : context_(context),
      budget_(memory),
      table_(context.layout, context.seed, budget_),
      row_reader_(context.query) {
    if (context.query.where) where_.emplace(*context.query.where, context.query.notation);
    batch_.columns = used_columns(context.query);
    batch_.cells.resize(batch_.columns.size());
    batch_.values.resize(context.query.aggregates.size());
}

void RowFeeder::feed(const RecordIndex& index, Bytes data, std::uint64_t position,
                     std::vector<BadRow>& bad) {
    counts_.add({0, 0, index.of_several_lines, index.most_lines});
    const std::size_t longest = data.size() + cell_padding;
    if ((index.quotes || !index.regular) && unescaped_.capacity() < longest) {
        unescaped_.reserve(longest);  // views into it must stay valid within a batch
    }
    const std::size_t records = index.records();
    for (row_ = 0; row_ < records;) {
        unescaped_.clear();
        const std::size_t first = row_;
        if (index.regular) {
            feed_regular(index, data);
            finish_batch(row_ - first, position, bad);
        } else {
            batch_.rows = 0;
            feed_plain(index, data, bad);
            finish_batch(batch_.rows, position, bad);
        }
    }
}

void RowFeeder::feed_regular(const RecordIndex& index, Bytes data) {
    const std::size_t width = index.width;
    const std::size_t first = row_;
    const std::size_t rows = std::min(batch_rows, index.records() - first);
    const auto begin_of = [&](std::size_t field) -> std::uint32_t {
        return field == 0 ? index.begin : index.ends[field - 1] + 1;
    };
    for (std::size_t i = 0; i < rows; ++i) starts_[i] = begin_of((first + i) * width);
    for (std::size_t k = 0; k < batch_.columns.size(); ++k) {
        const std::size_t column = batch_.columns[k];
        Cells& cells = batch_.cells[k];
        const bool last = column + 1 == width;
        for (std::size_t i = 0; i < rows; ++i) {
            const std::size_t field = (first + i) * width + column;
            const std::size_t begin = begin_of(field);
            std::size_t end = index.ends[field];
            if (index.crlf && last && end > begin && data[end - 1] == '\r') --end;
            cells[i] =
                index.quotes ? unquoted(data, begin, end) : Bytes(data.data() + begin, end - begin);
        }
    }
    row_ += rows;
}

Bytes RowFeeder::unquoted(Bytes data, std::size_t begin, std::size_t end) {
    const char quote = context_.reader.dialect().quote[0];
    if (begin == end || data[begin] != quote) return {data.data() + begin, end - begin};
    const Bytes text(data.data() + begin + 1, end - begin - 2);
    if (std::memchr(text.data(), quote, text.size()) == nullptr) return text;
    const std::size_t at = unescaped_.size();
    context_.reader.unescape(text, unescaped_);
    return Bytes(unescaped_).substr(at);
}

void RowFeeder::feed_plain(const RecordIndex& index, Bytes data, std::vector<BadRow>& bad) {
    std::size_t& rows = batch_.rows;
    for (; row_ < index.rows.size() && rows < batch_rows; ++row_) {
        const RecordIndex::Row& row = index.rows[row_];
        if (row.count != index.width) {
            bad.push_back(
                {row.at, row.count == 0 ? BadRow::Check::reader : BadRow::Check::width, {}});
            continue;
        }
        starts_[rows] = row.at;
        for (std::size_t k = 0; k < batch_.columns.size(); ++k) {
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

void RowFeeder::finish_batch(std::size_t rows, std::uint64_t position, std::vector<BadRow>& bad) {
    batch_.rows = rows;
    batch_.selected.all(rows);
    batch_.filtered = 0;
    batch_.faults.clear();
    for (std::size_t i = 0; i < rows; ++i) batch_.positions[i] = position + starts_[i];
    if (where_) where_->filter(batch_);
    row_reader_.read_keys(batch_);
    row_reader_.read_values(batch_);
    for (const CellFault& fault : batch_.faults) {
        bad.push_back({starts_[fault.row], BadRow::Check::cell, fault});
    }
    if (!bad.empty() && !context_.query.skip) context_.refused = true;
    counts_.aggregated += batch_.selected.size;
    counts_.filtered += batch_.filtered;
    if (batch_.selected.size == 0 || context_.refused.load(std::memory_order_relaxed)) return;
    table_.add(batch_);
    if (budget_.exceeded()) spilled_.push_back(StateFile::spill(table_, context_.scratch));
}

}  // namespace csvmill
