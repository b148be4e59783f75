#include "query/condition.hpp"

#include <doctest/doctest.h>

#include "batches.hpp"
#include "text/error.hpp"

namespace csvmill {

namespace {

using Rows = std::vector<std::size_t>;

Restriction comparison(std::uint32_t column, Operator op, Kind kind,
                       std::vector<std::string> values) {
    return {.parts = {}, .column = column, .op = op, .kind = kind, .values = std::move(values)};
}

Restriction combination(Restriction::Form form, std::vector<Restriction> parts) {
    return {.form = form, .parts = std::move(parts), .values = {}};
}

/// A batch of one column.
BatchOf cells(const std::vector<std::string>& texts) {
    std::vector<std::vector<std::string>> rows;
    for (const std::string& text : texts) rows.push_back({text});
    return BatchOf(rows);
}

}  // namespace

TEST_CASE("a comparison leaves the rows for which it holds") {
    struct Example {
        Operator op;
        Kind kind;
        std::vector<std::string> values;
        std::vector<std::string> cells;
        Rows rows;
    };
    const Example examples[] = {
        {Operator::eq, Kind::text, {"a"}, {"a", "A", "", "aa"}, {0}},
        {Operator::ne, Kind::text, {"a"}, {"a", "A", "", "aa"}, {1, 2, 3}},
        {Operator::lt, Kind::text, {"b"}, {"", "a", "b", "\xC3\xA9", "bb"}, {0, 1}},
        {Operator::ge, Kind::text, {"b"}, {"", "a", "b", "\xC3\xA9", "bb"}, {2, 3, 4}},
        {Operator::in, Kind::text, {"a", "", "a"}, {"a", "b", ""}, {0, 2}},
        {Operator::contains, Kind::text, {"bc"}, {"abcd", "bd", "bc", ""}, {0, 2}},
        {Operator::contains, Kind::text, {""}, {"a", ""}, {0, 1}},
        {Operator::starts_with, Kind::text, {"ab"}, {"abc", "a", "cab", "ab"}, {0, 3}},
        {Operator::is_empty, Kind::text, {}, {"", " ", "a"}, {0}},
        {Operator::eq, Kind::number, {"1.50"}, {"1.5", "15e-1", "1.51", ""}, {0, 1}},
        {Operator::ne, Kind::number, {"1"}, {"1.0", "2", ""}, {1}},
        {Operator::gt, Kind::integer, {"9"}, {"10", "9", "-10", "123456789012345678901"}, {0, 3}},
        {Operator::le, Kind::number, {"-0"}, {"0", "-1e-400", "0.1", ""}, {0, 1}},
        {Operator::in, Kind::number, {"2", "1"}, {"1.00", "2", "3", ""}, {0, 1}},
        {Operator::lt, Kind::date, {"2020-01-02"}, {"2020-01-01T23:59", "2020-01-02", ""}, {0}},
        {Operator::ne, Kind::date, {"2020-01-02"}, {"2020-01-02T00:00", "2020-01-03", ""}, {1}},
        {Operator::in, Kind::date, {"2020-01-02"}, {"2020-01-02 00:00:00.0", "2020-01-03"}, {0}},
    };
    for (const Example& example : examples) {
        CAPTURE(static_cast<int>(example.op));
        CAPTURE(static_cast<int>(example.kind));
        BatchOf rows = cells(example.cells);
        const Restriction restriction = comparison(0, example.op, example.kind, example.values);
        Condition(restriction, Notation()).filter(rows.batch);
        CHECK(rows.selected() == example.rows);
        CHECK(rows.batch.faults.empty());
        CHECK(rows.batch.filtered == example.cells.size() - example.rows.size());
    }
}

TEST_CASE("only the cells that the outcome of their row needs are read") {
    const Restriction number = comparison(0, Operator::gt, Kind::number, {"0"});
    const Restriction date = comparison(1, Operator::gt, Kind::date, {"2020-01-01"});
    const std::vector<std::vector<std::string>> rows = {
        {"1", "2021-01-01"}, {"1", "bad"}, {"0", "bad"}, {"bad", "bad"}, {"", "2021-01-01"}};

    BatchOf all(rows);
    Condition(combination(Restriction::Form::all, {number, date}), Notation()).filter(all.batch);
    CHECK(all.selected() == Rows{0});
    CHECK(all.batch.filtered == 2);
    REQUIRE(all.batch.faults.size() == 2);
    CHECK(all.batch.faults[0].row == 3);
    CHECK(all.batch.faults[0].column == 0);
    CHECK(all.batch.faults[0].kind == Kind::number);
    CHECK(all.batch.faults[1].row == 1);
    CHECK(all.batch.faults[1].column == 1);
    CHECK(all.batch.faults[1].kind == Kind::date);

    BatchOf any(rows);
    Condition(combination(Restriction::Form::any, {number, date}), Notation()).filter(any.batch);
    CHECK(any.selected() == Rows{0, 1, 4});
    CHECK(any.batch.filtered == 0);
    REQUIRE(any.batch.faults.size() == 2);
    CHECK(any.batch.faults[0].row == 3);
    CHECK(any.batch.faults[0].column == 0);
    CHECK(any.batch.faults[1].row == 2);
    CHECK(any.batch.faults[1].column == 1);
}

TEST_CASE("rows that are not selected are neither tested nor counted") {
    BatchOf rows = cells({"bad", "1", "bad", "2"});
    rows.batch.selected.rows[0] = 1;
    rows.batch.selected.rows[1] = 3;
    rows.batch.selected.size = 2;
    rows.batch.filtered = 5;
    Condition(comparison(0, Operator::eq, Kind::number, {"2"}), Notation()).filter(rows.batch);
    CHECK(rows.selected() == Rows{3});
    CHECK(rows.batch.filtered == 6);
    CHECK(rows.batch.faults.empty());
}

TEST_CASE("cells of where have the notation of the file, cells of having the canonical one") {
    const Condition condition(comparison(0, Operator::eq, Kind::number, {"1234.5"}),
                              Notation{',', '.'});
    BatchOf rows = cells({"1.234,5", "1234,5", "1234.5"});
    condition.filter(rows.batch);
    CHECK(rows.selected() == Rows{0, 1});
    CHECK(rows.batch.faults.size() == 1);
    CHECK(condition.holds({"1234.50"}));
    CHECK_FALSE(condition.holds({""}));
}

TEST_CASE("having tests rows of the result") {
    const Restriction text = comparison(0, Operator::starts_with, Kind::text, {"a"});
    const Restriction number = comparison(1, Operator::ge, Kind::number, {"10"});
    const Condition all(combination(Restriction::Form::all, {text, number}), Notation());
    const Condition any(combination(Restriction::Form::any, {text, number}), Notation());
    CHECK(all.holds({"ab", "10"}));
    CHECK_FALSE(all.holds({"ab", "9.99"}));
    CHECK_FALSE(all.holds({"b", "10"}));
    CHECK(any.holds({"b", "10"}));
    CHECK_FALSE(any.holds({"b", ""}));
}

TEST_CASE("a query with a wrong value or operator is refused") {
    const Restriction wrong[] = {
        comparison(0, Operator::eq, Kind::number, {"1,5"}),
        comparison(0, Operator::eq, Kind::date, {"2020-01-01Z"}),
        comparison(0, Operator::eq, Kind::text, {}),
        comparison(0, Operator::lt, Kind::number, {"1", "2"}),
        comparison(0, Operator::contains, Kind::number, {"1"}),
    };
    for (const Restriction& restriction : wrong) {
        CHECK_THROWS_AS(Condition(restriction, Notation()), StateError);
    }
}

}  // namespace csvmill
