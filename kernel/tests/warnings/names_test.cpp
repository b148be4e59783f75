#include <doctest/doctest.h>

#include <string>

#include "warnings/label_watch.hpp"
#include "warnings/note_marks.hpp"
#include "warnings/total_names.hpp"

using namespace csvmill;

namespace {

bool begins(const std::string& text) {
    return begins_as_total((text + std::string(16, '\0')).c_str());
}

}  // namespace

TEST_CASE("what begins as the name of a total is found by its first bytes") {
    for (const char* text : {"Total", "TOTAL,1", "Sum\n", "subtotal:", "Zwischensumme", "ИТОГО",
                             "Итого:", "合計", "ŁĄCZNIE", "ogółem", "OGÓŁEM", "I ALT"}) {
        CHECK(begins(text));
    }
    for (const char* text : {"Totally", "Summer", "Sumatra", "Tot", "Sports", "Insurance", "1", "",
                             "Grand Rapids", "a,b"}) {
        CHECK_FALSE(begins(text));
    }
}

TEST_CASE("groups that may have all others are known in any case") {
    for (const Bytes text : {Bytes("ALL"), Bytes(" all: "), Bytes("Alle"), Bytes("ВСЕ"),
                             Bytes("VŠE"), Bytes("Tümü"), Bytes("全部")}) {
        CHECK(names_all(text));
    }
    for (const Bytes text : {Bytes(""), Bytes("al"), Bytes("Allee"), Bytes("overall"),
                             Bytes("all of it")}) {
        CHECK_FALSE(names_all(text));
    }
}

TEST_CASE("a note begins with a mark, a number, or a word, or ends in a colon") {
    for (const Bytes text : {Bytes("* x"), Bytes(" Source "), Bytes("QUELLE"), Bytes("Updated:"),
                             Bytes("1) x"), Bytes("(12)"), Bytes("[3] y"), Bytes("出典"),
                             Bytes("更新：")}) {
        CHECK(begins_note(text));
    }
    for (const Bytes text : {Bytes(""), Bytes("Sources of x"), Bytes("1"), Bytes("(123)"),
                             Bytes("(1]"), Bytes("x*"), Bytes("12.")}) {
        CHECK_FALSE(begins_note(text));
    }
}

TEST_CASE("labels are in the first column, and beside groups, but not where numbers are read") {
    using Columns = std::vector<std::uint32_t>;
    Query query;
    CHECK(label_columns(query, 3) == Columns{0});
    query.group_by = {{.column = 1}};
    CHECK(label_columns(query, 3) == Columns{0, 2});
    CHECK(label_columns(query, 2) == Columns{0});
    query.aggregates = {{.function = Function::sum, .column = 2, .kind = Kind::number}};
    CHECK(label_columns(query, 3) == Columns{0});
    query.group_by = {{.column = 0}, {.column = 1}};
    CHECK(label_columns(query, 3).empty());
}
