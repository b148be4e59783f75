#include <doctest/doctest.h>

#include "batches.hpp"

namespace csvmill {

TEST_CASE("a batch gives the cells of a column of the file") {
    BatchOf rows({{"a", "b"}, {"c", "d"}});
    rows.batch.columns = {3, 70};
    CHECK(rows.batch.column(3)[1] == "c");
    CHECK(rows.batch.column(70)[0] == "b");
}

TEST_CASE("a query uses each column once, also those of conditions, but none of having") {
    Query query;
    query.group_by = {{.column = 5, .truncate = {}}, {.column = 2, .truncate = {}}};
    query.aggregates = {{.function = Function::sum, .column = 9, .kind = Kind::number},
                        {.function = Function::count, .column = {}},
                        {.function = Function::min, .column = 5}};
    query.where = Restriction{.form = Restriction::Form::any, .parts = {}, .values = {}};
    query.where->parts = {
        Restriction{.parts = {}, .column = 7, .values = {"a"}},
        Restriction{.form = Restriction::Form::all,
                    .parts = {Restriction{.parts = {}, .column = 1, .values = {"a"}}},
                    .values = {}}};
    query.having = Restriction{.parts = {}, .column = 0, .values = {"a"}};
    CHECK(used_columns(query) == std::vector<std::uint32_t>{1, 2, 5, 7, 9});
    CHECK(used_columns(Query()).empty());
}

TEST_CASE("a message says what a cell was expected to be, and which setting may be missing") {
    using Place = CellFault::Place;
    struct Example {
        Place place;
        Kind kind;
        const char* cell;
        bool hints;
        const char* expected;
    };
    const char* const number = "a number, such as 42, -0.5 or 1e3 (exponents from -400 to 400)";
    const char* const date =
        "a date without a time zone, such as 2020-01-31 or 2020-01-31T23:59:59";
    const std::string hinted = std::string(number) + "; if it is one, set input.decimal to ','";
    const std::string compared = std::string(number) +
                                 " for the comparison in where; if it is one, set input.decimal "
                                 "to ','";
    const std::string compared_date = std::string(date) + " for the comparison in where";
    const Example examples[] = {
        {Place::aggregate, Kind::number, "1,5", true, hinted.c_str()},
        {Place::aggregate, Kind::number, "1,5", false, number},
        {Place::aggregate, Kind::number, "", true, number},
        {Place::aggregate, Kind::integer, "x", true, "an integer, such as 42 or -7"},
        {Place::aggregate, Kind::text, "", true, "text (empty cells are errors here)"},
        {Place::aggregate, Kind::date, "", true, date},
        {Place::where, Kind::number, "1,5", true, compared.c_str()},
        {Place::where, Kind::date, "x", true, compared_date.c_str()},
        {Place::group, Kind::date, "x", true, "a date, such as 2020-01-31 or 2020-01-31T23:59:59Z"},
    };
    for (const Example& example : examples) {
        CAPTURE(example.cell);
        Query query;
        query.hints = example.hints;
        const CellFault fault{0, example.place, example.kind, 0};
        CHECK(expectation(fault, example.cell, query) == example.expected);
    }
}

}  // namespace csvmill
