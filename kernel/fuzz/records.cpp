#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "csv/block_indexer.hpp"
#include "target.hpp"

namespace csvmill::fuzz {

namespace {

constexpr std::size_t readable_after = 64;

Dialect chosen_dialect(unsigned choice) {
    constexpr const char* delimiters[] = {",", ";", "\t", "\xC2\xA7"};
    constexpr const char* quotes[] = {"\"", "'", "", "\xC2\xAB"};
    Dialect dialect;
    dialect.delimiter = delimiters[choice & 3U];
    dialect.quote = quotes[choice >> 2U & 3U];
    if ((choice & 16U) != 0 && !dialect.quote.empty()) dialect.escape = "\\";
    dialect.line_end_cr = (choice & 32U) != 0;
    return dialect;
}

/// Records with their fields; one that is bad or of another width is empty.
using Records = std::vector<std::vector<std::string>>;

/// Appends the values of `columns` of all records, as the service of the index reads them.
void append_values(const RecordReader& reader, Bytes data, const RecordIndex& index,
                   const std::vector<std::uint32_t>& columns, Records& to) {
    const auto value = [&](Bytes text, bool escaped) {
        std::string value_of;
        if (!escaped) return std::string(text);
        reader.unescape(text, value_of);
        return value_of;
    };
    for (std::size_t row = 0; row < index.records(); ++row) {
        std::vector<std::string>& fields = to.emplace_back();
        for (const std::uint32_t column : columns) {
            if (!index.regular) {
                const RecordIndex::Row& found = index.rows[row];
                if (found.count != index.kept->width()) break;
                const Field& field = index.fields[found.first + column];
                fields.push_back(
                    value(data.substr(field.begin, field.end - field.begin), field.escaped));
                continue;
            }
            const std::uint32_t* const end = index.end_of(row, column);
            const std::uint32_t begin = end[-1] + 1;
            Bytes text = data.substr(begin, *end - begin);
            const bool last = column + 1 == index.kept->width();
            if (index.crlf && last && text.ends_with('\r')) text.remove_suffix(1);
            const std::string& quote = reader.dialect().quote;
            const bool quoted = index.quotes && !quote.empty() && text.starts_with(quote);
            if (quoted) text = text.substr(1, text.size() - 2);
            fields.push_back(value(text, quoted));
        }
    }
}

/// What an index tells of a file.
struct Found {
    Records records;
    std::size_t end = 0;
    std::uint64_t line_ends = 0;
    std::uint64_t of_several_lines = 0;
    std::uint64_t most_lines = 1;
    bool dropping = false;
    bool operator==(const Found&) const = default;

    void add(const RecordReader& reader, Bytes data, const RecordIndex& index,
             const std::vector<std::uint32_t>& columns) {
        require(index.begin == end);
        end = index.end;
        line_ends += index.line_ends;
        of_several_lines += index.of_several_lines;
        most_lines = std::max(most_lines, index.most_lines);
        dropping = index.dropping;
        append_values(reader, data, index, columns, records);
    }
};

/// A file that is read in two parts by the plain reader has the records of the whole file.
void compare_parts(const RecordReader& reader, const BlockIndexer& indexer, Bytes data,
                   std::size_t cut, const std::vector<std::uint32_t>& columns) {
    const auto add = [&](Found& to, Bytes text, bool final) {
        RecordIndex index;
        indexer.index_plain(text, to.end, text.size(), final, index);
        to.add(reader, text, index, columns);
    };
    Found whole;
    add(whole, data, true);
    Found parts;
    add(parts, data.substr(0, cut), false);
    require(parts.end <= cut);
    add(parts, data, true);
    require(parts.records == whole.records && parts.line_ends == whole.line_ends);
}

}  // namespace

void records(Bytes input) {
    const RecordReader reader(chosen_dialect(take_choice(input)));
    const unsigned choice = take_choice(input);
    const unsigned cut = take_choice(input);
    const std::uint32_t width = 1 + (choice & 7U);
    const bool final = (choice & 8U) != 0;
    // Without a byte beyond the readable ones, so that the address sanitizer finds reads of them.
    const auto memory = std::make_unique<char[]>(input.size() + readable_after);
    std::copy(input.begin(), input.end(), memory.get());
    std::fill_n(memory.get() + input.size(), readable_after, static_cast<char>(choice));
    const Bytes data(memory.get(), input.size());

    std::vector<std::uint32_t> columns;
    for (std::uint32_t column = 0; column < width; ++column) {
        if ((choice >> 4U & 1U << column % 4) == 0) columns.push_back(column);
    }
    const KeptFields kept(width, columns);
    const BlockIndexer scalars(reader, kept, false);
    RecordIndex plain;
    scalars.index_plain(data, 0, data.size(), final, plain);
    Found expected;
    expected.add(reader, data, plain, columns);
    for (const bool vectors : {false, true}) {
        const BlockIndexer indexer(reader, kept, vectors);
        BlockIndex index;
        indexer.index(data, 0, final, index);
        Found found;
        for (std::size_t i = 0; i < index.size(); ++i) {
            found.add(reader, data, index[i], columns);
        }
        require(found == expected);
        RecordIndex unused;
        const std::size_t guess = indexer.guess_begin(data, 0, unused);
        require(guess == Bytes::npos || data[guess - 1] == reader.dialect().newline());
    }
    compare_parts(reader, scalars, data, data.empty() ? 0 : cut % data.size(), columns);
}

}  // namespace csvmill::fuzz
