#include "output/ordering.hpp"

#include <algorithm>

#include "output/parallel.hpp"
#include "state/entry_merge.hpp"
#include "state/key_prefix.hpp"
#include "state/state_file.hpp"

namespace csvmill {

namespace {

constexpr std::size_t least_chunk = 4 << 10;
constexpr std::size_t greatest_chunk = 1 << 20;
/// Rows beyond the limit that are collected before they are dropped.
constexpr std::size_t spare_rows = 4096;
/// Runs that are merged at once: each needs a cursor.
constexpr std::size_t least_fan_in = 8;

/// A number of the output: an optional sign, digits, an optional point and decimals.
Decimal number_of(Bytes text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    const std::size_t point = text.find('.');
    const std::size_t scale = point == Bytes::npos ? 0 : text.size() - point - 1;
    if (text.size() > 18) {
        std::string digits(text);
        if (point != Bytes::npos) digits.erase(point, 1);
        return Decimal::of_digits(negative, digits, -static_cast<std::int64_t>(scale));
    }
    std::int64_t mantissa = 0;
    for (const char c : text)
        if (c != '.') mantissa = 10 * mantissa + (c - '0');
    return {negative ? -mantissa : mantissa, static_cast<std::uint32_t>(scale)};
}

void append_number(std::string& to, Bytes cell) {
    if (cell.empty()) {
        to += '\0';
        return;
    }
    to += '\1';
    number_of(cell).append_sortable(to);
}

/// As the texts of keys, with an end: no encoding is a prefix of another one.
void append_key_text(std::string& to, Bytes cell) {
    for (const char c : cell) {
        to += c;
        if (c == '\0') to += '\1';
    }
    to.append(2, '\0');
}

/// Merges the smallest runs until at most `count` are left.
void merge_runs(std::vector<EntryFile>& runs, std::size_t count, Scratch& scratch) {
    while (runs.size() > count) {
        std::stable_sort(runs.begin(), runs.end(), [](const EntryFile& a, const EntryFile& b) {
            return a.size() > b.size();
        });
        const std::size_t some = std::min(runs.size() - count + 1, std::max(count, std::size_t{2}));
        std::vector<EntryFile> least;
        for (std::size_t i = 0; i < some; ++i) {
            least.push_back(std::move(runs.back()));
            runs.pop_back();
        }
        std::vector<EntryCursor> cursors;
        for (const EntryFile& run : least) cursors.emplace_back(run, 0, Bytes());
        EntryMerge merge(std::move(cursors), Ties::section, Bytes(), nullptr);
        EntryFileWriter writer(scratch.new_name("order"), 1, 0, scratch);
        while (merge.next()) writer.add(0, merge.key(), merge.payload());
        runs.push_back(writer.finish());
    }
}

}  // namespace

void append_sort_key(std::string& to, const Query& query, const Row& row, Bytes group) {
    for (const OrderKey& order : query.order_by) {
        const std::size_t start = to.size();
        const Bytes cell = row[order.column];
        if (query.numeric(order.column)) {
            append_number(to, cell);
        } else {
            append_key_text(to, cell);
        }
        if (order.descending)
            for (std::size_t i = start; i < to.size(); ++i) to[i] = static_cast<char>(~to[i]);
    }
    to += group;
}

void SortedRows::add(Bytes key, Bytes row) {
    const std::size_t size = key.size() + row.size();
    if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < size) {
        const std::size_t usual = std::clamp(chunk_memory_, least_chunk, greatest_chunk);
        chunks_.emplace_back().reserve(std::max(usual, size));
        chunk_memory_ += chunks_.back().capacity();
    }
    std::string& chunk = chunks_.back();
    const std::size_t start = chunk.size();
    chunk += key;
    chunk += row;
    entries_.push_back({key_prefix(key, 0), chunk.data() + start, key.size(), row.size()});
}

void SortedRows::sort() {
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        if (a.prefix != b.prefix) return a.prefix < b.prefix;
        return Bytes(a.text, a.key_size) < Bytes(b.text, b.key_size);
    });
}

void SortedRows::truncate(std::size_t count) {
    if (count >= size()) return;
    SortedRows left;
    for (std::size_t i = 0; i < count; ++i) left.add(key(i), row(i));
    std::swap(*this, left);
}

void SortedRows::clear() { *this = SortedRows(); }

std::size_t SortedRows::memory() const {
    // The vector needs both its memories while it grows.
    return chunk_memory_ + entries_.capacity() * sizeof(Entry) * 3 / 2;
}

RowSorter::RowSorter(const RowEncoder& encoder, const Query& query, Scratch& scratch,
                     std::size_t memory)
    : encoder_(&encoder), query_(&query), scratch_(&scratch), memory_(memory) {}

void RowSorter::add(const Row& row, Bytes group) {
    key_.clear();
    append_sort_key(key_, *query_, row, group);
    if (!last_needed_.empty() && key_ > last_needed_) return;
    text_.clear();
    encoder_->append(text_, row);
    rows_.add(key_, text_);
    const bool many = query_->limit && rows_.size() >= spare_rows &&
                      rows_.size() - spare_rows >= *query_->limit &&
                      rows_.size() / 2 >= *query_->limit;
    if (many || rows_.memory() > memory_) shrink();
}

/// Drops the rows beyond the limit, and writes a run if many are left.
void RowSorter::shrink() {
    rows_.sort();
    if (query_->limit && rows_.size() >= *query_->limit) {
        const auto limit = static_cast<std::size_t>(*query_->limit);
        last_needed_ = rows_.key(limit - 1);
        rows_.truncate(limit);
    }
    if (rows_.memory() > memory_ / 2) spill();
}

void RowSorter::spill() {
    EntryFileWriter writer(scratch_->new_name("order"), 1, 0, *scratch_);
    for (std::size_t i = 0; i < rows_.size(); ++i) writer.add(0, rows_.key(i), rows_.row(i));
    rows_.clear();
    runs_.push_back(writer.finish());
    merge_runs(runs_, std::max(2 * least_fan_in, memory_ / cursor_memory), *scratch_);
}

std::uint64_t RowSorter::write(std::vector<RowSorter>& sorters, FileWriter& to) {
    if (sorters.empty()) return 0;
    for_each_task(sorters.size(), sorters.size(), [&](std::size_t i) { sorters[i].rows_.sort(); });
    std::vector<EntryFile> runs;
    for (RowSorter& sorter : sorters)
        for (EntryFile& run : sorter.runs_) runs.push_back(std::move(run));
    const std::size_t memory = sorters.front().memory_ * sorters.size();
    merge_runs(runs, std::max(least_fan_in, memory / cursor_memory / 2), *sorters.front().scratch_);
    std::vector<EntryCursor> cursors;
    for (const EntryFile& run : runs) cursors.emplace_back(run, 0, Bytes());
    EntryMerge merge(std::move(cursors), Ties::section, Bytes(), nullptr);

    std::vector<std::size_t> next(sorters.size());
    bool live = merge.next();
    std::uint64_t count = 0;
    for (; !sorters.front().query_->limit || count < *sorters.front().query_->limit; ++count) {
        const SortedRows* least = nullptr;
        std::size_t from = 0;
        for (std::size_t i = 0; i < sorters.size(); ++i) {
            const SortedRows& rows = sorters[i].rows_;
            if (next[i] == rows.size()) continue;
            if (least != nullptr && rows.key(next[i]) >= least->key(next[from])) continue;
            least = &rows;
            from = i;
        }
        if (live && (least == nullptr || merge.key() < least->key(next[from]))) {
            to.write(merge.payload());
            live = merge.next();
        } else if (least != nullptr) {
            to.write(least->row(next[from]++));
        } else {
            break;
        }
    }
    return count;
}

}  // namespace csvmill
