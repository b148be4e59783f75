#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "csv/block_indexer.hpp"
#include "csv/found_records.hpp"
#include "pipeline/regular_cells.hpp"
#include "target.hpp"

namespace csvmill::fuzz {

namespace {

using test::FoundRecords;

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

/// A file that is read in two parts by the plain reader has the records of the whole file.
void compare_parts(const RecordReader& reader, const BlockIndexer& indexer, Bytes data,
                   std::size_t cut, const std::vector<std::uint32_t>& columns) {
    const auto add = [&](FoundRecords& to, Bytes text, bool final) {
        RecordIndex index;
        indexer.index_plain(text, to.end, text.size(), final, index);
        to.add(index, columns, text, reader.dialect());
    };
    FoundRecords whole;
    add(whole, data, true);
    FoundRecords parts;
    add(parts, data.substr(0, cut), false);
    require(parts.end <= cut);
    add(parts, data, true);
    require(parts.gapless && parts.records == whole.records && parts.line_ends == whole.line_ends);
}

/// The cells of regular records are the texts at the places that were found.
void check_cells(const RecordReader& reader, Bytes data, const RecordIndex& index,
                 const std::vector<std::uint32_t>& columns, const test::FoundRecord* found) {
    RegularCells regular(reader.dialect());
    std::vector<Cells> cells(columns.size());
    for (std::size_t first = 0; first < index.records(); first += batch_rows) {
        const std::size_t rows = std::min(batch_rows, index.records() - first);
        regular.begin_batch(index.quotes ? data.size() : 0);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            regular.find(index, data, first, rows, columns[i], cells[i]);
        }
        for (std::size_t row = 0; row < rows; ++row) {
            for (std::size_t i = 0; i < columns.size(); ++i) {
                const test::Place& place = found[first + row][i];
                const Bytes text = data.substr(place.begin, place.end - place.begin);
                std::string value(place.escaped ? Bytes() : text);
                if (place.escaped) reader.unescape(text, value);
                require(cells[i][row] == value);
            }
        }
    }
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
    FoundRecords expected;
    expected.add(plain, columns, data, reader.dialect());
    require(expected.gapless);
    for (const bool vectors : {false, true}) {
        const BlockIndexer indexer(reader, kept, vectors);
        BlockIndex index;
        indexer.index(data, 0, final, index);
        FoundRecords found;
        for (std::size_t i = 0; i < index.size(); ++i) {
            const std::size_t before = found.records.size();
            found.add(index[i], columns, data, reader.dialect());
            if (!index[i].regular) continue;
            check_cells(reader, data, index[i], columns, found.records.data() + before);
        }
        require(found == expected);
        RecordIndex unused;
        const std::size_t guess = indexer.guess_begin(data, 0, unused);
        require(guess == Bytes::npos || data[guess - 1] == reader.dialect().newline());
    }
    compare_parts(reader, scalars, data, data.empty() ? 0 : cut % data.size(), columns);
}

}  // namespace csvmill::fuzz
