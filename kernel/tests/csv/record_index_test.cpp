#include "csv/block_indexer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "csv/found_records.hpp"
#include "csv/random_file.hpp"

using namespace csvmill;
using namespace csvmill::test;

namespace {

/// The file, followed by bytes that must not matter.
struct Padded {
    explicit Padded(Bytes file, char filling = '"') : text(file), size(file.size()) {
        text.append(64, filling);
    }
    Bytes data() const { return Bytes(text).substr(0, size); }
    std::string text;
    std::size_t size;
};

/// Any columns of a record.
std::vector<std::uint32_t> any_columns(RandomFile& random, std::size_t width) {
    const std::size_t among = 1 + random.below(width);
    std::vector<std::uint32_t> columns;
    for (std::uint32_t column = 0; column < width; ++column) {
        if (random.one_of(among)) columns.push_back(column);
    }
    return columns;
}

/// Indexes with vectors and without, all columns and some: all indexes must tell the same as that
/// of the plain reader. Returns whether the block is regular.
bool compare(RandomFile& random, Bytes file, std::size_t begin, bool final, const Dialect& dialect,
             std::size_t width) {
    const Padded padded(file, random.one_of(2) ? '"' : '\n');
    const Bytes data = padded.data();
    const RecordReader reader(dialect);
    const auto fields = static_cast<std::uint32_t>(width);
    std::vector<std::uint32_t> all;
    for (std::uint32_t column = 0; column < fields; ++column) all.push_back(column);
    bool regular = true;
    for (const std::vector<std::uint32_t>& columns : {all, any_columns(random, width)}) {
        const KeptFields kept(fields, columns);
        const BlockIndexer plain_indexer(reader, kept);
        RecordIndex plain;
        plain_indexer.index_plain(data, begin, data.size(), final, plain);
        FoundRecords expected{.records = {}, .begin = begin, .end = begin};
        expected.add(plain, columns, data, dialect);
        CHECK(expected.gapless);
        for (const bool vectors : {true, false}) {
            const BlockIndexer indexer(reader, kept, vectors);
            BlockIndex index;
            indexer.index(data, begin, final, index);
            FoundRecords found{.records = {}, .begin = begin, .end = begin};
            for (std::size_t i = 0; i < index.size(); ++i) {
                found.add(index[i], columns, data, dialect);
                regular = regular && index[i].regular;
            }
            CHECK(found == expected);
            CHECK(index.end() == expected.end);
            CHECK(index.line_ends() == expected.line_ends);
            CHECK(index.dropping() == expected.dropping);
            CHECK(index.footer() == plain.footer);
        }
    }
    return regular;
}

}  // namespace

TEST_CASE("A block of well-formed records is regular, wherever it is cut") {
    RandomFile random(1);
    for (int i = 0; i < 3000; ++i) {
        const Dialect dialect = random.plain_dialect();
        const std::size_t width = random.one_of(3) ? 1 : 1 + random.below(12);
        const std::string file = random.records(dialect, width, 1 + random.below(60));
        CAPTURE(file);
        CHECK(compare(random, file, 0, true, dialect, width));
        const std::size_t cut = random.below(file.size() + 1);
        CHECK(compare(random, file.substr(0, cut), 0, false, dialect, width));
    }
}

TEST_CASE("A block that is damaged has the records of the plain reader") {
    RandomFile random(2);
    int regular = 0;
    for (int i = 0; i < 20000; ++i) {
        const Dialect dialect = random.plain_dialect();
        const std::size_t width = 1 + random.below(4);
        std::string file = random.one_of(4) ? random.noise(dialect, random.below(100))
                                            : random.records(dialect, width, 1 + random.below(12));
        random.damage(dialect, file);
        CAPTURE(file);
        const std::size_t begin = random.one_of(3) ? random.below(file.size() + 1) : 0;
        regular += compare(random, file, begin, random.one_of(2), dialect, width);
    }
    CHECK(regular > 1000);
}

TEST_CASE("A block with comments, a footer and trailing delimiters has those of the plain reader") {
    RandomFile random(4);
    for (int i = 0; i < 10000; ++i) {
        Dialect dialect = random.plain_dialect();
        const std::size_t width = 1 + random.below(4);
        std::string file = random.records(dialect, width, 1 + random.below(200));
        if (random.one_of(2)) random.damage(dialect, file);
        // How a line of the file begins, so that there may be several of them.
        const auto mark = [&] {
            const std::size_t at = file.find(dialect.newline(), random.below(file.size())) + 1;
            const std::string found = file.substr(at, 1 + random.below(3));
            return found.find_first_of("\r\n") == std::string::npos ? found : "x";
        };
        if (random.one_of(2)) dialect.comment = mark();
        if (random.one_of(3)) dialect.footer = mark();
        dialect.trailing_delimiters = random.one_of(3);
        CAPTURE(file);
        CAPTURE(dialect.comment);
        CAPTURE(dialect.footer);
        // Within the file, a line that may continue in quotes is left to the next block.
        compare(random, file, 0, true, dialect, width);
    }
}

TEST_CASE("Regular records before and after an irregularity are indexed as such") {
    RandomFile random(3);
    for (int i = 0; i < 60; ++i) {
        const Dialect dialect = random.plain_dialect();
        const std::size_t width = 1 + random.below(30);
        std::string file;
        for (std::size_t part = 1 + random.below(4); part > 0; --part) {
            std::string text = random.records(dialect, width, random.below(600));
            if (!text.empty() && text.back() != dialect.newline()) text += dialect.newline();
            file += text;
            if (random.one_of(2)) file += random.noise(dialect, random.below(10));
            random.damage(dialect, text);
            if (random.one_of(2)) file += text;
        }
        compare(random, file, 0, random.one_of(2), dialect, width);
    }
    const std::string good = "1,\"x\"\n";
    std::string file;
    for (int i = 0; i < 10000; ++i) file += i == 5000 ? "\n" : good;
    const Padded padded(file);
    const RecordReader reader{Dialect{}};
    const BlockIndexer indexer(reader, KeptFields(2));
    BlockIndex index;
    indexer.index(padded.data(), 0, true, index);
    REQUIRE(index.size() == 3);
    CHECK(index[0].regular);
    CHECK(index[0].records() > 4000);
    CHECK_FALSE(index[1].regular);
    CHECK(index[2].regular);
    CHECK(index[2].records() > 3000);
}

TEST_CASE("A record is looked for after a line end within quotes, too") {
    const RecordReader reader{Dialect{}};
    const BlockIndexer indexer(reader, KeptFields(2));
    RecordIndex memory;
    const auto guess = [&](Bytes text) {
        const Padded padded(text);
        return indexer.guess_begin(padded.data(), 0, memory);
    };
    CHECK(guess("b,c\nd,e\nf,g\n") == 4);
    CHECK(guess("end\",c\n\"d\ne\",f\n") == 7);
    CHECK(guess("more\nend\",c\n\"d\ne\",f\n\"g\nh\",i\n") == 12);
    CHECK(guess("more\nand \"\"more\"\"\n\nend\",\"c\"\n\"d\ne\",f\n") == 28);
    CHECK(guess("no line end") == Bytes::npos);
    // No record is regular: after the first line end.
    CHECK(guess("a\nb\"c\nd\"\"e\n") == 2);
}

TEST_CASE("A block of the plain reader lists bad records and skips empty lines") {
    const RecordReader reader{Dialect{}};
    const Padded file("a,b\n\n\"x\"y,1\n\"p\nq\",2\r\nc\n\xFF,3\nrest");
    RecordIndex index;
    const BlockIndexer indexer(reader, KeptFields(2));
    indexer.index_plain(file.data(), 0, file.size, false, index);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> rows;
    for (const RecordIndex::Row& row : index.rows) rows.emplace_back(row.at, row.count);
    CHECK(rows == std::vector<std::pair<std::uint32_t, std::uint32_t>>{
                      {0, 2}, {5, 0}, {12, 2}, {21, 1}, {23, 0}});
    CHECK(index.end == 27);
    CHECK(index.line_ends == 7);
    CHECK(index.of_several_lines == 1);
    CHECK(index.most_lines == 2);
    CHECK_FALSE(index.dropping);
}
