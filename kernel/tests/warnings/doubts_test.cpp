#include "warnings/doubts.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "query/row_reader.hpp"
#include "text/error.hpp"
#include "text/likeness.hpp"
#include "warnings/total_names.hpp"
#include "warnings/watch.hpp"

using namespace csvmill;

namespace {

void see(Doubts& doubts, std::uint64_t line, std::uint64_t count) {
    Sighting& sighting = doubts.of(Doubt::quote_in_text);
    sighting.count = count;
    sighting.line = line;
    sighting.position = 10 * line;
    sighting.column = 3;
    sighting.example = "'line " + std::to_string(line) + "'";
}

std::string likeness(Bytes text) {
    std::string to;
    append_likeness(to, text);
    return to;
}

}  // namespace

TEST_CASE("of several threads, the first sighting in the file is reported") {
    Doubts all;
    for (const std::uint64_t line : {7U, 4U, 9U}) {
        Doubts doubts;
        see(doubts, line, line);
        all.merge(doubts);
        all.merge(Doubts());
    }
    const Sighting& seen = all.of(Doubt::quote_in_text);
    CHECK(seen.count == 20);
    CHECK(seen.line == 4);
    CHECK(seen.example == "'line 4'");
    CHECK(is_doubtful(Doubt::quote_in_text, seen));
}

TEST_CASE("lines of a part that follows are those of the file") {
    Doubts all;
    all.of(Doubt::grouped_integers, 1).others = 5;
    Doubts next;
    see(next, 3, 1);
    next.of(Doubt::grouped_integers, 1).refuted = true;
    next.first_row() = {true, 0, 2, "other", {"7", ""}, 1, "'Total'", "'a'"};
    next.last_row() = {true, 0, 4, "key", {"1", ""}, {}, {}, {}};
    all.append(next, 100, Above::record);
    all.append(Doubts(), 50, Above::record);
    CHECK(all.of(Doubt::quote_in_text).line == 103);
    CHECK(all.of(Doubt::grouped_integers, 1).others == 5);
    CHECK(all.of(Doubt::grouped_integers, 1).refuted);
    CHECK(all.first_row().line == 102);
    CHECK(all.last_row().line == 104);
}

TEST_CASE("doubts are read as they were written, and cannot be cut off") {
    Doubts doubts;
    see(doubts, 3, 1);
    doubts.of(Doubt::blank_group, 0).count = 2;
    doubts.first_row() = {true, 0, 2, "other", {"7", ""}, 1, "'Total'", "'a'"};
    doubts.last_row() = {true, 0, 4, std::string("a\0\0b", 4), {"1", ""}, {}, {}, {}};
    std::string text;
    doubts.write(text);
    Bytes rest = text;
    Doubts read = Doubts::read(rest);
    CHECK(rest.empty());
    CHECK(read.of(Doubt::quote_in_text).example == "'line 3'");
    CHECK(read.of(Doubt::quote_in_text).column == 3);
    CHECK(read.of(Doubt::blank_group, 0).count == 2);
    CHECK(read.first_row().label == "'Total'");
    CHECK(read.last_row().key == doubts.last_row().key);
    std::string again;
    read.write(again);
    CHECK(again == text);
    for (std::size_t size = 0; size < text.size(); ++size) {
        Bytes cut = Bytes(text).substr(0, size);
        CHECK_THROWS_AS(Doubts::read(cut), StateError);
    }
}

TEST_CASE("the likeness of plain ASCII is found faster, and is the same") {
    std::string plain = "is not replaced";
    CHECK(append_plain_likeness(plain, "Anna Meier-Z@[`{ 7"));
    CHECK(plain == "is not replacedanna meier-z@[`{ 7");
    for (const Bytes text : {Bytes(" a"), Bytes("a "), Bytes("a  b"), Bytes("a\tb"), Bytes("é"),
                             Bytes("1234567  9"), Bytes("12345678 "), Bytes("a\0", 2)}) {
        CHECK_FALSE(append_plain_likeness(plain, text));
    }
    CHECK(plain == "is not replacedanna meier-z@[`{ 7");
    std::string every;
    for (char byte = '!'; byte < 127; ++byte) {
        every += byte;
        every.insert(every.size() / 2, "xY");
        std::string fast;
        CHECK(append_plain_likeness(fast, every));
        CHECK(fast == likeness(every));
    }
}

TEST_CASE("texts that look alike have the same likeness") {
    CHECK(likeness(" A  b\t") == "a b");
    CHECK(likeness("e\xCC\x81\xC2\xA0\xE2\x80\x8BX") == "\xC3\xA9 x");
    CHECK(likeness("e\xC2\xAD\xCC\x81\xE2\x80\x8D\xEF\xB8\x8Fx") == "\xC3\xA9x");
    CHECK(likeness("\xEF\xBB\xBF") == "");
}

TEST_CASE("the likeness of an ASCII key is the key of the likeness of its texts") {
    const std::vector<std::string> texts{
        "",       " ",  "A  b ",         "\tx", std::string("\0 a", 3), std::string("a \0", 3),
        "ab\x1F", "Ab", "A b-Z 1234567", "a b "};
    std::size_t plain = 0;
    for (const std::string& first : texts) {
        for (const std::string& second : texts) {
            std::string key;
            std::string expected;
            append_key_text(key, first, true);
            append_key_text(key, second, false);
            append_key_text(expected, likeness(first), true);
            append_key_text(expected, likeness(second), false);
            std::string found;
            append_ascii_likeness(found, key);
            CHECK(found == expected);
            found.clear();
            if (append_plain_key_likeness(found, key)) {
                CHECK(found == expected);
                ++plain;
            } else {
                CHECK(found.empty());
            }
        }
    }
    CHECK(plain == 9);  // Of two of "", "Ab" and "A b-Z 1234567".
}

TEST_CASE("names of totals are known in any case, with blanks and a colon") {
    for (const Bytes text : {Bytes("Total"), Bytes(" SUMME: "), Bytes("Grand total"),
                             Bytes("\xC2\xA0zwischensumme :"), Bytes("sum")}) {
        CHECK(names_total(text));
    }
    for (const Bytes text : {Bytes(""), Bytes("Totally"), Bytes("Total DE"), Bytes(":"),
                             Bytes("Zwischensummen"), Bytes("totál")}) {
        CHECK_FALSE(names_total(text));
    }
}

TEST_CASE("numbers from 1.000 to 999.999 with three decimals may be grouped") {
    for (const std::int64_t number : {1000, -1000, 999999, -336465}) {
        CHECK(may_be_grouped(Decimal(number, 3)));
        CHECK_FALSE(may_be_grouped(Decimal(number, 2)));
    }
    for (const std::int64_t number : {0, 999, -999, 1000000}) {
        CHECK_FALSE(may_be_grouped(Decimal(number, 3)));
    }
}
