#include "csv/record_index.hpp"

#include <algorithm>

#include "csv/masks.hpp"

namespace csvmill {

void RecordIndex::clear() {
    regular = false;
    begin = end = 0;
    dropping = quotes = crlf = false;
    ends.clear();
    rows.clear();
    fields.clear();
    line_ends = 0;
    of_several_lines = 0;
    most_lines = 1;
}

BlockIndexer::BlockIndexer(const RecordReader& reader, std::uint32_t width, bool vectors)
    : reader_(reader), width_(width), vectors_(vectors && has_vectors()) {}

void BlockIndexer::index_plain(Bytes data, std::size_t begin, bool final, RecordIndex& index,
                               std::size_t stop) const {
    index.clear();
    index.width = width_;
    index.begin = static_cast<std::uint32_t>(begin);
    const char newline = reader_.dialect().newline();
    std::vector<Field> fields;
    std::size_t at = begin;
    while (at < data.size() && at < stop) {
        std::size_t end = at;
        const Outcome outcome = reader_.read(data, at, final, 1, fields, end, nullptr);
        if (outcome == Outcome::unfinished) break;
        const Bytes record = data.substr(at, end - at);
        const auto line_ends =
            static_cast<std::uint64_t>(std::count(record.begin(), record.end(), newline));
        index.line_ends += line_ends;
        if (outcome != Outcome::empty_line) {
            const bool good = outcome == Outcome::record;
            index.rows.push_back({static_cast<std::uint32_t>(at),
                                  static_cast<std::uint32_t>(index.fields.size()),
                                  good ? static_cast<std::uint32_t>(fields.size()) : 0});
            if (good) {
                index.fields.insert(index.fields.end(), fields.begin(), fields.end());
                const std::uint64_t lines = line_ends + (record.ends_with(newline) ? 0 : 1);
                index.of_several_lines += lines > 1 ? 1 : 0;
                index.most_lines = std::max(index.most_lines, lines);
            }
        }
        at = end;
        index.dropping = outcome == Outcome::too_long;
    }
    index.end = static_cast<std::uint32_t>(at);
}

}  // namespace csvmill
