#include "csv/block_indexer.hpp"

#include <algorithm>

#include "csv/masks.hpp"

namespace csvmill {
namespace {

/// Regular records are looked for in so many bytes at least.
constexpr std::size_t stretch = Masks::words * 64;

/// The first line end at `at` or later before which there is an odd number of quotes.
std::size_t line_end_in_quotes(Bytes data, std::size_t at, char quote, char newline) {
    std::size_t opening = data.find(quote, at);
    while (opening != Bytes::npos) {
        const std::size_t closing = data.find(quote, opening + 1);
        const std::size_t line_end = data.substr(0, closing).find(newline, opening);
        if (line_end != Bytes::npos || closing == Bytes::npos) return line_end;
        opening = data.find(quote, closing + 1);
    }
    return Bytes::npos;
}

}  // namespace

BlockIndexer::BlockIndexer(const RecordReader& reader, KeptFields kept, bool vectors)
    : reader_(reader), kept_(std::move(kept)), vectors_(vectors && has_vectors()) {}

void BlockIndexer::index(Bytes data, std::size_t begin, bool final, BlockIndex& to) const {
    to.clear(begin);
    // How far the plain reader reads: further and further while there are few regular records.
    std::size_t plain = stretch;
    while (true) {
        const std::size_t regular_begin = to.end();
        std::size_t until = index_regular(data, regular_begin, final, to.add());
        to.end_part();
        if (until <= to.end()) return;
        plain = to.end() - regular_begin > 2 * plain ? stretch : 2 * plain;
        until = std::min(std::max(until, to.end() + plain), data.size());
        index_plain(data, to.end(), until, final, to.add());
        to.end_part();
        if (to.footer() || to.end() < until || to.end() == data.size()) return;
    }
}

void BlockIndexer::index_plain(Bytes data, std::size_t begin, std::size_t until, bool final,
                               RecordIndex& index) const {
    index.clear(kept_, begin);
    const char newline = reader_.dialect().newline();
    std::vector<Field> fields;
    std::size_t at = begin;
    while (at < until) {
        std::size_t end = at;
        const Outcome outcome = reader_.read(data, at, final, 1, fields, end, nullptr);
        if (outcome == Outcome::unfinished) break;
        if (outcome == Outcome::footer) {
            index.footer = true;
            break;
        }
        const Bytes record = data.substr(at, end - at);
        const auto line_ends =
            static_cast<std::uint64_t>(std::count(record.begin(), record.end(), newline));
        index.line_ends += line_ends;
        if (outcome == Outcome::no_record) {
            ++index.passed_over;
            if (!reader_.begins_mark(data, at)) index.last = Above::empty_line;
        } else {
            const bool good = outcome == Outcome::record;
            index.rows.push_back(
                {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(index.fields.size()),
                 good ? static_cast<std::uint32_t>(fields.size()) : 0, index.last, false});
            index.last = Above::record;
            if (good) {
                index.fields.insert(index.fields.end(), fields.begin(), fields.end());
                const std::uint64_t lines = line_ends + (record.ends_with(newline) ? 0 : 1);
                index.of_several_lines += lines > 1 ? 1 : 0;
                index.rows.back().several_lines = lines > 1;
                index.most_lines = std::max(index.most_lines, lines);
            }
        }
        at = end;
        index.dropping = outcome == Outcome::too_long;
    }
    index.end = static_cast<std::uint32_t>(at);
}

std::size_t BlockIndexer::guess_begin(Bytes data, std::size_t begin, RecordIndex& memory) const {
    const Dialect& dialect = reader_.dialect();
    const std::size_t line_end = data.find(dialect.newline(), begin);
    if (line_end == Bytes::npos) return Bytes::npos;
    const std::size_t first = line_end + 1;
    if (dialect.quote.size() != 1 || begins_regular(data, first, memory)) return first;
    const std::size_t other = line_end_in_quotes(data, first, dialect.quote[0], dialect.newline());
    if (other == Bytes::npos || !begins_regular(data, other + 1, memory)) return first;
    return other + 1;
}

/// Whether there is no irregularity in the first text at `begin`.
bool BlockIndexer::begins_regular(Bytes data, std::size_t begin, RecordIndex& memory) const {
    return index_regular(data.substr(0, begin + stretch), begin, false, memory) == memory.end;
}

}  // namespace csvmill
