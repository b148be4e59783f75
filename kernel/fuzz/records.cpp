#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "csv/record_index.hpp"
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

/// The fields of all records, as the service of the index reads them; a record that is bad or of
/// another width is empty.
std::vector<std::vector<std::string>> values(const RecordReader& reader, Bytes data,
                                             const RecordIndex& index) {
    std::vector<std::vector<std::string>> all;
    const auto value = [&](Bytes text, bool escaped) {
        std::string to;
        if (!escaped) return std::string(text);
        reader.unescape(text, to);
        return to;
    };
    for (std::size_t row = 0; row < index.records(); ++row) {
        std::vector<std::string> fields;
        for (std::uint32_t i = 0; i < index.width; ++i) {
            if (!index.regular) {
                const RecordIndex::Row& found = index.rows[row];
                if (found.count != index.width) break;
                const Field& field = index.fields[found.first + i];
                fields.push_back(
                    value(data.substr(field.begin, field.end - field.begin), field.escaped));
                continue;
            }
            const std::size_t number = row * index.width + i;
            const std::size_t begin = number == 0 ? index.begin : index.ends[number - 1] + 1;
            Bytes text = data.substr(begin, index.ends[number] - begin);
            if (index.crlf && i + 1 == index.width && text.ends_with('\r')) text.remove_suffix(1);
            const std::string& quote = reader.dialect().quote;
            const bool quoted = index.quotes && !quote.empty() && text.starts_with(quote);
            if (quoted) text = text.substr(1, text.size() - 2);
            fields.push_back(value(text, quoted));
        }
        all.push_back(std::move(fields));
    }
    return all;
}

/// All records that index_plain finds in `data[begin, size)`, of which the file has no more if
/// `final`.
struct Plain {
    RecordIndex index;
    std::vector<std::vector<std::string>> rows;

    Plain(const RecordReader& reader, const BlockIndexer& indexer, Bytes data, std::size_t begin,
          bool final) {
        indexer.index_plain(data, begin, final, index);
        rows = values(reader, data, index);
    }
};

void compare(const RecordIndex& regular, const Plain& plain, const RecordReader& reader,
             Bytes data) {
    require(regular.regular && regular.width == plain.index.width);
    require(regular.begin == plain.index.begin && regular.end == plain.index.end);
    require(!plain.index.dropping && regular.line_ends == plain.index.line_ends);
    require(regular.of_several_lines == plain.index.of_several_lines);
    require(regular.most_lines == plain.index.most_lines);
    require(values(reader, data, regular) == plain.rows);
}

/// A file that is read in two parts has the records of the whole file.
void compare_parts(const RecordReader& reader, const BlockIndexer& indexer, Bytes data,
                   std::size_t cut) {
    const Plain whole(reader, indexer, data, 0, true);
    Plain parts(reader, indexer, data.substr(0, cut), 0, false);
    require(parts.index.end <= cut);
    const Plain rest(reader, indexer, data, parts.index.end, true);
    parts.rows.insert(parts.rows.end(), rest.rows.begin(), rest.rows.end());
    require(parts.rows == whole.rows);
    require(parts.index.line_ends + rest.index.line_ends == whole.index.line_ends);
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

    const BlockIndexer vectors(reader, width, true);
    const BlockIndexer scalars(reader, width, false);
    const Plain plain(reader, scalars, data, 0, final);
    RecordIndex regular;
    const bool is_regular = vectors.index_regular(data, 0, final, regular);
    if (is_regular) compare(regular, plain, reader, data);
    RecordIndex other;
    require(scalars.index_regular(data, 0, final, other) == is_regular);
    if (is_regular) compare(other, plain, reader, data);
    compare_parts(reader, scalars, data, data.empty() ? 0 : cut % data.size());
}

}  // namespace csvmill::fuzz
