#include "query/row_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "batches.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

using Texts = std::vector<std::string>;
using namespace std::string_literals;

std::string key_of(const Texts& texts) {
    std::string key;
    for (std::size_t i = 0; i < texts.size(); ++i) append_key_text(key, texts[i], i == 0);
    return key;
}

Query grouped_by(std::vector<GroupColumn> columns) {
    Query query;
    query.group_by = std::move(columns);
    return query;
}

Query grouped_by_plain(std::size_t count) {
    Query query;
    for (std::uint32_t i = 0; i < count; ++i) {
        query.group_by.push_back({.column = i, .truncate = {}});
    }
    return query;
}

std::string random_text(std::mt19937& random, std::size_t longest) {
    // Few different bytes, so that NULs and equal prefixes are frequent.
    static constexpr char bytes[] = {'\0', '\1', '\2', 'a', '\xFF'};
    std::string text(random() % (longest + 1), ' ');
    for (char& byte : text) byte = bytes[random() % sizeof bytes];
    return text;
}

}  // namespace

TEST_CASE("keys separate texts by two NULs, and mark NULs in texts") {
    CHECK(key_of({"a", "b"}) == "a\0\0b"s);
    CHECK(key_of({"", "", ""}) == "\0\0\0\0"s);
    CHECK(key_of({"\0"s, "a\0b"s}) == "\0\1\0\0a\0\1b"s);
    CHECK(key_of({""}).empty());
}

TEST_CASE("keys give their texts back, and sort as the tuples of these") {
    std::mt19937 random(1);
    for (std::size_t count = 1; count <= 3; ++count) {
        std::vector<std::pair<Texts, std::string>> all;
        for (int i = 0; i < 2000; ++i) {
            Texts texts;
            for (std::size_t k = 0; k < count; ++k) texts.push_back(random_text(random, 3));
            const std::string key = key_of(texts);
            Texts split = {"text of another key"};
            split_key(key, count, split);
            REQUIRE(split == texts);
            all.emplace_back(texts, key);
        }
        const auto less_texts = [](const auto& a, const auto& b) { return a.first < b.first; };
        const auto less_key = [](const auto& a, const auto& b) { return a.second < b.second; };
        std::sort(all.begin(), all.end(), less_texts);
        CHECK(std::is_sorted(all.begin(), all.end(), less_key));
    }
}

TEST_CASE("a key with another number of texts is refused") {
    Texts texts;
    CHECK_THROWS_AS(split_key("a", 2, texts), StateError);
    CHECK_THROWS_AS(split_key("a\0\0b"s, 1, texts), StateError);
    CHECK_THROWS_AS(split_key("a\0\0b\0\0c"s, 2, texts), StateError);
    CHECK_THROWS_AS(split_key("a\0"s, 1, texts), StateError);
    CHECK_THROWS_AS(split_key("a\0\2b"s, 2, texts), StateError);
}

TEST_CASE("keys of a batch are those of its texts, of any length, with and without NULs") {
    std::mt19937 random(2);
    for (std::size_t count = 0; count <= 5; ++count) {
        const Query query = grouped_by_plain(count);
        const RowReader reader(query);
        for (const bool nuls : {false, true}) {
            std::vector<Texts> rows(batch_rows);
            for (Texts& row : rows) {
                for (std::size_t i = 0; i < std::max<std::size_t>(count, 1); ++i) {
                    std::string text(random() % 70, static_cast<char>('a' + random() % 26));
                    if (nuls && random() % 500 == 0) text += '\0';
                    row.push_back(text);
                }
            }
            BatchOf batch(rows);
            reader.read_keys(batch.batch);
            REQUIRE(batch.batch.selected.size == batch_rows);
            for (std::size_t row = 0; row < batch_rows; ++row) {
                Texts texts = rows[row];
                texts.resize(count);
                REQUIRE(batch.batch.keys[row] == key_of(texts));
            }
        }
    }
}

TEST_CASE("a single NUL anywhere in a key is found") {
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            std::string text(size, 'x');
            text[at] = '\0';
            const std::string escaped = key_of({text});
            BatchOf one({{text}});
            const Query by_one = grouped_by_plain(1);
            RowReader(by_one).read_keys(one.batch);
            REQUIRE(one.batch.keys[0] == escaped);
            BatchOf two({{"a", text}});
            const Query by_two = grouped_by_plain(2);
            RowReader(by_two).read_keys(two.batch);
            REQUIRE(two.batch.keys[0] == "a\0\0"s + escaped);
        }
    }
}

TEST_CASE("a batch may be used again for longer and shorter keys") {
    const Query query = grouped_by_plain(2);
    const RowReader reader(query);
    BatchOf batch({{std::string(3 << 20, 'a'), "b"}});
    reader.read_keys(batch.batch);
    CHECK(batch.batch.keys[0].size() == (3 << 20) + 3);
    const std::string cells[] = {"c", std::string("d\0", 2)};
    for (const std::string& cell : cells) {
        const std::string padded = cell + std::string(cell_padding, ' ');
        batch.batch.cells[0][0] = Bytes(padded).substr(0, cell.size());
        reader.read_keys(batch.batch);
        CHECK(batch.batch.keys[0] == key_of({cell, "b"}));
    }
    CHECK(batch.batch.key_text.capacity() < (1 << 20));
}

TEST_CASE("a text is trimmed, then truncated, then converted") {
    struct Example {
        GroupColumn group;
        const char* cell;
        const char* text;
    };
    const auto column = [](bool trim, std::optional<Truncation> truncate, Case letters) {
        return GroupColumn{0, trim, truncate, letters};
    };
    const Example examples[] = {
        {column(true, {}, Case::none), " \t\xC2\xA0 a b\v\r\n", "a b"},
        {column(true, {}, Case::none), " \xC2\xA0", ""},
        {column(true, {}, Case::upper), " a\xC3\x9F ", "ASS"},
        {column(false, {}, Case::lower), " \xC3\x84 B", " \xC3\xA4 b"},
        {column(true, {}, Case::upper), " a text of more than 32 characters ",
         "A TEXT OF MORE THAN 32 CHARACTERS"},
        {column(false, Truncation::month, Case::lower), "2020-12-31T10:00Z", "2020-12"},
        {column(false, Truncation::month, Case::none), "2020-12-31T10:00Z", "2020-12"},
        {column(true, Truncation::week, Case::lower), " 2020-12-31 ", "2020-w53"},
        {column(true, Truncation::day, Case::none), " 2020-12-31 23:59", "2020-12-31"},
        {column(true, Truncation::year, Case::none), "  ", ""},
        {column(false, Truncation::year, Case::none), "", ""},
        {{.trim = true, .nfc = true}, " e\xCC\x81 ", "\xC3\xA9"},
        {{.nfc = true}, " plain ", " plain "},
        {{.letters = Case::upper, .nfc = true}, "e\xCC\x81", "\xC3\x89"},
    };
    for (const Example& example : examples) {
        CAPTURE(example.cell);
        const Query query = grouped_by({example.group});
        // Twice, so that its text is not the first one of the batch.
        BatchOf rows({{example.cell}, {""}, {example.cell}});
        RowReader(query).read_keys(rows.batch);
        REQUIRE(rows.batch.selected.size == 3);
        CHECK(rows.batch.keys[0] == example.text);
        CHECK(rows.batch.keys[1].empty());
        CHECK(rows.batch.keys[2] == example.text);
    }
}

TEST_CASE("texts in and beyond ASCII are converted in the same batch") {
    const Query query = grouped_by({{0, false, {}, Case::upper}});
    std::vector<Texts> rows;
    for (std::size_t row = 0; row < batch_rows; ++row) {
        rows.push_back({std::string(row * 7 % 50, 'x') + (row % 3 == 0 ? "\xC3\xA4" : "z")});
    }
    BatchOf batch(rows);
    RowReader(query).read_keys(batch.batch);
    for (std::size_t row = 0; row < batch_rows; ++row) {
        CHECK(batch.batch.keys[row] ==
              std::string(row * 7 % 50, 'X') + (row % 3 == 0 ? "\xC3\x84" : "Z"));
    }
}

TEST_CASE("a row whose group is not a date is bad, at its first such column") {
    const Query query = grouped_by({{.column = 1, .truncate = Truncation::day},
                                    {.column = 0, .truncate = {}},
                                    {.column = 2, .trim = true, .truncate = Truncation::year}});
    BatchOf rows({{"a", "2020-01-01", "2021-01-01"},
                  {"b", "2020-02-30", "x"},
                  {"c", "", " "},
                  {"d", " 2020-01-01", "2021-01-01"},
                  {"e", "2020-01-02", "x"}});
    RowReader(query).read_keys(rows.batch);
    CHECK(rows.selected() == std::vector<std::size_t>{0, 2});
    CHECK(rows.batch.keys[0] == key_of({"2020-01-01", "a", "2021"}));
    CHECK(rows.batch.keys[2] == key_of({"", "c", ""}));
    std::vector<std::pair<int, int>> faults;
    for (const CellFault& fault : rows.batch.faults) {
        CHECK(fault.place == CellFault::Place::group);
        faults.emplace_back(fault.row, fault.column);
    }
    CHECK(faults == std::vector<std::pair<int, int>>{{1, 1}, {3, 1}, {4, 2}});
}

TEST_CASE("values are read as their kind; the first bad cell of a row is reported") {
    Query query;
    query.aggregates = {
        {.function = Function::sum, .column = 0, .kind = Kind::integer},
        {.function = Function::count, .column = {}},
        {.function = Function::avg, .column = 1, .kind = Kind::number, .strict = true},
        {.function = Function::min, .column = 2, .kind = Kind::date},
        {.function = Function::count, .column = 3},
        {.function = Function::first, .column = 3, .strict = true},
        {.function = Function::max, .column = 0, .kind = Kind::integer, .strict = true},
        {.function = Function::max, .column = 2, .kind = Kind::date},
    };
    BatchOf rows({{"12345678901234567890", "1.50", "0001-01-02", "a"},
                  {"x", "x", "x", ""},
                  {"7", "", "x", ""},
                  {"7", "1", "x", ""},
                  {"7", "1", "", ""},
                  {"", "1", "", "b"},
                  {"-7", "1e2", "", "c"}});
    const RowReader reader(query);
    reader.read_values(rows.batch);
    CHECK(rows.selected() == std::vector<std::size_t>{0, 6});
    const auto values = [&rows](std::size_t aggregate) -> const Values& {
        return rows.batch.values_of(aggregate);
    };
    const auto text = [&values](std::size_t aggregate, std::size_t row) {
        std::string digits;
        values(aggregate).numbers[row].append_text(digits);
        return digits;
    };
    for (const std::size_t aggregate : {0U, 6U}) {
        CHECK(text(aggregate, 0) == "12345678901234567890");
        CHECK(text(aggregate, 6) == "-7");
    }
    CHECK(text(2, 0) == "1.50");
    CHECK(text(2, 6) == "100");
    CHECK(values(1).cells == nullptr);
    CHECK(values(1).present[6]);
    for (const std::size_t aggregate : {3U, 7U}) {
        CHECK(values(aggregate).present[0]);
        CHECK_FALSE(values(aggregate).present[6]);
        CHECK(values(aggregate).dates[0].seconds == 24 * 60 * 60);
        CHECK((*values(aggregate).cells)[0] == "0001-01-02");
    }
    for (const std::size_t aggregate : {4U, 5U}) {
        CHECK((*values(aggregate).cells)[6] == "c");
        CHECK(values(aggregate).present[6]);
    }
    std::vector<std::pair<int, int>> faults;
    for (const CellFault& fault : rows.batch.faults) {
        CHECK(fault.place == CellFault::Place::aggregate);
        faults.emplace_back(fault.row, fault.column);
    }
    CHECK(faults == std::vector<std::pair<int, int>>{{1, 0}, {2, 1}, {3, 2}, {4, 3}, {5, 0}});
    CHECK(rows.batch.faults[4].kind == Kind::integer);
}

TEST_CASE("an aggregate reads the rows for which its own condition holds, and no other cells") {
    Restriction good;
    good.column = 0;
    good.op = Operator::gt;
    good.kind = Kind::number;
    good.values = {"1"};
    Query query;
    query.aggregates = {
        {.function = Function::sum, .column = 1, .kind = Kind::number, .where = good},
        {.function = Function::count, .column = {}, .where = good},
        {.function = Function::count, .column = 1},
    };
    BatchOf rows({{"2", "5"}, {"1", "x"}, {"", "x"}, {"x", "5"}, {"3", "x"}, {"4", ""}});
    RowReader(query).read_values(rows.batch);
    CHECK(rows.selected() == std::vector<std::size_t>{0, 1, 2, 5});
    const auto present = [&rows](std::size_t aggregate) {
        std::vector<bool> found;
        for (const std::size_t row : rows.selected()) {
            found.push_back(rows.batch.values_of(aggregate).present[row]);
        }
        return found;
    };
    CHECK(present(0) == std::vector<bool>{true, false, false, false});
    CHECK(present(1) == std::vector<bool>{true, false, false, true});
    CHECK(present(2) == std::vector<bool>{true, true, true, false});
    std::vector<std::pair<int, int>> faults;
    for (const CellFault& fault : rows.batch.faults) faults.emplace_back(fault.row, fault.column);
    CHECK(faults == std::vector<std::pair<int, int>>{{3, 0}, {4, 1}});
    CHECK(rows.batch.faults[0].place == CellFault::Place::where);
}

TEST_CASE("arithmetic of two columns is exact, and names the column with a bad cell") {
    const auto of = [](Operation operation) {
        return Aggregate{.function = Function::sum,
                         .column = 0,
                         .kind = Kind::number,
                         .operation = operation,
                         .operand = 1};
    };
    Query query;
    query.aggregates = {of(Operation::multiply), of(Operation::add), of(Operation::subtract)};
    const std::string longest(1001, '9');
    BatchOf rows({{"1.5", "0.20"}, {"", "2"}, {"2", ""}, {"x", "y"}, {"1", "y"}, {longest, "1"}});
    RowReader(query).read_values(rows.batch);
    CHECK(rows.selected() == std::vector<std::size_t>{0, 1, 2});
    std::string found;
    for (std::size_t i = 0; i < 3; ++i) {
        const Values& values = rows.batch.values_of(i);
        values.numbers[0].append_text(found);
        found += ' ';
        CHECK_FALSE(values.present[1]);
        CHECK_FALSE(values.present[2]);
    }
    CHECK(found == "0.300 1.70 1.30 ");
    std::vector<std::pair<int, int>> faults;
    for (const CellFault& fault : rows.batch.faults) faults.emplace_back(fault.row, fault.column);
    CHECK(faults == std::vector<std::pair<int, int>>{{3, 0}, {5, 0}, {4, 1}});
    CHECK(rows.batch.faults[1].too_long);
}

TEST_CASE("group columns take parts of dates, and characters of texts") {
    const auto of_part = [](DatePart part) { return GroupColumn{.column = 0, .part = part}; };
    Query query;
    query.group_by = {
        of_part(DatePart::year),
        of_part(DatePart::month),
        of_part(DatePart::day),
        of_part(DatePart::hour),
        of_part(DatePart::weekday),
        GroupColumn{.column = 1, .substring = Substring{2, 2}},
        GroupColumn{.column = 1, .letters = Case::upper, .substring = Substring{1, 3}}};
    BatchOf rows({{"2024-02-29", "aéßo"}, {"2021-01-03T07:30Z", "x"}, {"", ""}, {"2021-1-3", "x"}});
    RowReader(query).read_keys(rows.batch);
    CHECK(rows.selected() == std::vector<std::size_t>{0, 1, 2});
    CHECK(rows.batch.keys[0] == key_of({"2024", "02", "29", "00", "4", "éß", "AÉSS"}));
    CHECK(rows.batch.keys[1] == key_of({"2021", "01", "03", "07", "7", "", "X"}));
    CHECK(rows.batch.keys[2] == key_of({"", "", "", "", "", "", ""}));
}

}  // namespace csvmill
