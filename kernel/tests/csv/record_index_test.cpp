#include "csv/record_index.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "csv/random_file.hpp"

using namespace csvmill;

namespace {

struct Place {
    std::size_t begin;
    std::size_t end;
    bool escaped;
    bool operator==(const Place&) const = default;
};

/// The fields of a plain index; none if a record has a fault or another number of fields.
std::vector<Place> plain_fields(const RecordIndex& index) {
    std::vector<Place> places;
    for (const RecordIndex::Row& row : index.rows) {
        if (row.count != index.width) return {};
    }
    for (const Field& field : index.fields) {
        places.push_back({field.begin, field.end, field.escaped});
    }
    return places;
}

std::vector<Place> regular_fields(const RecordIndex& index, Bytes data, const Dialect& dialect) {
    std::vector<Place> places;
    std::size_t begin = index.begin;
    for (std::size_t i = 0; i < index.ends.size(); ++i) {
        std::size_t end = index.ends[i];
        const bool last = (i + 1) % index.width == 0;
        Place place{begin, end, false};
        if (last && index.crlf && end > begin && data[end - 1] == '\r') --place.end;
        if (index.quotes && place.end > begin && data.substr(begin).starts_with(dialect.quote)) {
            ++place.begin;
            --place.end;
            const Bytes text = data.substr(place.begin, place.end - place.begin);
            place.escaped = text.find(dialect.quote) != Bytes::npos;
        }
        places.push_back(place);
        begin = end + 1;
    }
    return places;
}

/// The file, followed by bytes that must not matter.
struct Padded {
    explicit Padded(Bytes file, char filling = '"') : text(file), size(file.size()) {
        text.append(64, filling);
    }
    Bytes data() const { return Bytes(text).substr(0, size); }
    std::string text;
    std::size_t size;
};

/// Indexes with vectors and without; both must agree with each other and, if the block is regular,
/// with the plain reader. Returns whether it is.
bool compare(Bytes file, std::size_t begin, bool final, const Dialect& dialect,
             std::uint32_t width) {
    const Padded padded(file, file.size() % 2 == 0 ? '"' : '\n');
    const RecordReader reader(dialect);
    RecordIndex vector;
    RecordIndex portable;
    const bool regular =
        BlockIndexer(reader, width).index_regular(padded.data(), begin, final, vector);
    CHECK(regular ==
          BlockIndexer(reader, width, false).index_regular(padded.data(), begin, final, portable));
    if (!regular) return false;
    RecordIndex plain;
    BlockIndexer(reader, width).index_plain(padded.data(), begin, final, plain);
    CHECK(std::ranges::equal(vector.ends, portable.ends));
    CHECK(plain_fields(plain) == regular_fields(vector, padded.data(), dialect));
    for (const RecordIndex* index : {&vector, &portable}) {
        CHECK(index->regular);
        CHECK(index->records() == plain.records());
        CHECK(index->begin == plain.begin);
        CHECK(index->end == plain.end);
        CHECK(index->line_ends == plain.line_ends);
        CHECK(index->of_several_lines == plain.of_several_lines);
        CHECK(index->most_lines == plain.most_lines);
    }
    return true;
}

}  // namespace

TEST_CASE("A block of well-formed records is regular, wherever it is cut") {
    RandomFile random(1);
    for (int i = 0; i < 3000; ++i) {
        const Dialect dialect = random.plain_dialect();
        const std::size_t width = random.one_of(3) ? 1 : 1 + random.below(12);
        const std::string file = random.records(dialect, width, 1 + random.below(60));
        CAPTURE(file);
        CHECK(compare(file, 0, true, dialect, static_cast<std::uint32_t>(width)));
        const std::size_t cut = random.below(file.size() + 1);
        CHECK(compare(file.substr(0, cut), 0, false, dialect, static_cast<std::uint32_t>(width)));
    }
}

TEST_CASE("A block that is damaged is not regular, or has the records of the plain reader") {
    RandomFile random(2);
    int regular = 0;
    for (int i = 0; i < 30000; ++i) {
        const Dialect dialect = random.plain_dialect();
        const std::size_t width = 1 + random.below(4);
        std::string file = random.one_of(4) ? random.noise(dialect, random.below(100))
                                            : random.records(dialect, width, 1 + random.below(12));
        random.damage(dialect, file);
        CAPTURE(file);
        const std::size_t begin = random.one_of(3) ? random.below(file.size() + 1) : 0;
        regular +=
            compare(file, begin, random.one_of(2), dialect, static_cast<std::uint32_t>(width));
    }
    CHECK(regular > 1000);
}

TEST_CASE("A block of the plain reader lists bad records and skips empty lines") {
    const RecordReader reader{Dialect{}};
    const Padded file("a,b\n\n\"x\"y,1\n\"p\nq\",2\r\nc\n\xFF,3\nrest");
    RecordIndex index;
    const BlockIndexer indexer(reader, 2);
    CHECK_FALSE(indexer.index_regular(file.data(), 0, false, index));
    indexer.index_plain(file.data(), 0, false, index);
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
