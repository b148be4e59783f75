#include "pipeline/regular_cells.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "csv/block_indexer.hpp"

using namespace csvmill;

namespace {

std::string quoted(const std::string& text) {
    std::string to = "\"";
    for (const char c : text) to += c == '"' ? "\"\"" : std::string(1, c);
    return to + '"';
}

std::string any_text(std::mt19937& random) {
    std::string text;
    const std::size_t kind = random() % 3;
    for (std::size_t size = random() % (random() % 5 == 0 ? 300 : 30); size > 0; --size) {
        text += kind > 0 && random() % 4 == 0 ? '"' : kind > 1 && random() % 9 == 0 ? ',' : 'x';
    }
    return text;
}

}  // namespace

TEST_CASE("cells are found in any column, quoted or not, with doubled quotes anywhere") {
    std::mt19937 random(1);
    const RecordReader reader{Dialect{}};
    for (int i = 0; i < 300; ++i) {
        const std::uint32_t width = 1 + static_cast<std::uint32_t>(random() % 9);
        const bool crlf = random() % 2 == 0;
        std::vector<std::vector<std::string>> records(1 + random() % 100);
        std::string file;
        for (std::vector<std::string>& record : records) {
            for (std::uint32_t column = 0; column < width; ++column) {
                std::string text = any_text(random);
                const bool plain = text.find_first_of("\",") == std::string::npos &&
                                   random() % 2 == 0 && (width > 1 || !text.empty());
                file += (column > 0 ? "," : "") + (plain ? text : quoted(text));
                record.push_back(std::move(text));
            }
            file += crlf && random() % 3 > 0 ? "\r\n" : "\n";
        }
        const std::size_t size = file.size();
        file.append(64, '"');
        const Bytes data = Bytes(file).substr(0, size);
        const BlockIndexer indexer(reader, KeptFields(width));
        RecordIndex index;
        REQUIRE(indexer.index_regular(data, 0, true, index) == size);
        REQUIRE(index.records() == records.size());
        RegularCells cells(reader.dialect());
        std::vector<Cells> columns(width);
        const std::size_t first = random() % records.size();
        cells.begin_batch(size);
        for (std::uint32_t column = 0; column < width; ++column) {
            cells.find(index, data, first, records.size() - first, column, columns[column]);
        }
        for (std::size_t row = first; row < records.size(); ++row) {
            for (std::uint32_t column = 0; column < width; ++column) {
                REQUIRE(columns[column][row - first] == records[row][column]);
            }
        }
    }
}

TEST_CASE("a NUL is no quote if nothing is quoted") {
    Dialect dialect;
    dialect.quote = "";
    const RecordReader reader(dialect);
    std::string file("\0a,\0b\r\n", 7);
    file.append(64, '\0');
    const BlockIndexer indexer(reader, KeptFields(2));
    RecordIndex index;
    REQUIRE(indexer.index_regular(Bytes(file).substr(0, 7), 0, true, index) == 7);
    RegularCells cells(reader.dialect());
    Cells column;
    cells.begin_batch(7);
    cells.find(index, file, 0, 1, 1, column);
    CHECK(column[0] == Bytes("\0b", 2));
}
