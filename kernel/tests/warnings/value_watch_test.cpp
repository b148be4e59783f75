#include "warnings/value_watch.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "query/condition.hpp"
#include "text/likeness.hpp"

using namespace csvmill;

namespace {

Restriction compare(Operator op, std::vector<std::string> values, bool negated = false,
                    std::uint32_t column = 0) {
    Restriction restriction;
    restriction.column = column;
    restriction.op = op;
    restriction.values = std::move(values);
    restriction.negated = negated;
    return restriction;
}

Restriction all_of(std::vector<Restriction> parts) {
    Restriction restriction;
    restriction.form = Restriction::Form::all;
    restriction.parts = std::move(parts);
    return restriction;
}

/// What is seen in rows of as many columns as `columns` has, one cell each.
Doubts seen_in(const Restriction& where, const std::vector<std::vector<std::string>>& columns,
               const std::vector<CellFault>& faults = {}) {
    Query query;
    query.where = where;
    std::string text;
    std::vector<std::uint32_t> starts;
    std::vector<std::vector<std::size_t>> begins(columns.size());
    for (std::size_t row = 0; row < columns.front().size(); ++row) {
        starts.push_back(static_cast<std::uint32_t>(text.size()));
        for (std::size_t i = 0; i < columns.size(); ++i) {
            begins[i].push_back(text.size());
            text += columns[i][row] + (i + 1 == columns.size() ? "\n" : ",");
        }
    }
    const std::size_t size = text.size();
    text += std::string(cell_padding, '\0');
    Batch batch;
    batch.rows = starts.size();
    batch.cells.resize(columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
        batch.columns.push_back(static_cast<std::uint32_t>(i));
        for (std::size_t row = 0; row < batch.rows; ++row) {
            batch.cells[i][row] = Bytes(text).substr(begins[i][row], columns[i][row].size());
        }
    }
    batch.selected.all(batch.rows);
    Condition condition(where, Notation());
    condition.note_almost_asked(where);
    condition.filter(batch);
    for (const CellFault& fault : faults) {
        batch.faults.push_back(fault);
        std::size_t left = 0;
        for (const std::uint16_t row : batch.selected) {
            if (row != fault.row) batch.selected.rows[left++] = row;
        }
        batch.selected.size = left;
    }
    Doubts doubts;
    ValueWatch watch(query, '\n', doubts);
    TextPlace place;
    place.data = Bytes(text).substr(0, size);
    watch.look_at_tested({batch, starts.data(), true, place});
    return doubts;
}

/// The numbers of the rows of one cell that `where` selects.
std::vector<int> rows_of(const Restriction& where, const std::vector<std::string>& cells) {
    std::string text;
    for (const std::string& cell : cells) text += cell + ",";
    text += std::string(cell_padding, ',');
    Batch batch;
    batch.rows = cells.size();
    batch.columns = {0};
    batch.cells.resize(1);
    std::size_t begin = 0;
    for (std::size_t row = 0; row < cells.size(); ++row) {
        batch.cells[0][row] = Bytes(text).substr(begin, cells[row].size());
        begin += cells[row].size() + 1;
    }
    batch.selected.all(batch.rows);
    Condition condition(where, Notation());
    condition.note_almost_asked(where);
    condition.filter(batch);
    return {batch.selected.begin(), batch.selected.end()};
}

std::uint64_t count_of(const Doubts& doubts, Doubt doubt, std::uint32_t column = 0) {
    const auto found = doubts.all().find({doubt, column});
    return found == doubts.all().end() ? 0 : found->second.count;
}

}  // namespace

TEST_CASE("cells that look like a value are told if where excludes them") {
    const std::vector<std::string> cells{"DE", "FR", " de", "De", "DEU", "D E", "", "DE\xC2\xA0"};
    for (const Operator op : {Operator::eq, Operator::in}) {
        const Doubts doubts = seen_in(compare(op, {"DE"}), {cells});
        CHECK(count_of(doubts, Doubt::similar_values) == 3);
        CHECK(count_of(doubts, Doubt::kept_values) == 0);
        const Sighting& seen = doubts.all().at({Doubt::similar_values, 0});
        CHECK(seen.line == 3);
        CHECK(seen.column == 0);
        CHECK(seen.example == "' de' and 'DE'");
    }
}

TEST_CASE("cells that look like a value are told if where keeps them") {
    const std::vector<std::string> cells{"DE", "FR", " de", "De", "DEU", "D E", "", "DE\xC2\xA0"};
    for (const Restriction& where :
         {compare(Operator::ne, {"DE"}), compare(Operator::in, {"DE", "IT"}, true)}) {
        const Doubts doubts = seen_in(where, {cells});
        CHECK(count_of(doubts, Doubt::kept_values) == 3);
        CHECK(count_of(doubts, Doubt::similar_values) == 0);
        CHECK(doubts.all().at({Doubt::kept_values, 0}).line == 3);
    }
}

TEST_CASE("values of any length select the cells that equal them, and tell those that look alike") {
    for (const std::size_t size : {0, 1, 7, 8, 9, 15, 16, 17, 31, 64, 200}) {
        std::string value(size, 'x');
        std::string other = value + "y";
        std::string like = value + " ";
        const std::vector<std::string> cells{value, other, like, value, other};
        for (const bool excludes : {false, true}) {
            const auto op = excludes ? Operator::ne : Operator::eq;
            const Doubt doubt = excludes ? Doubt::kept_values : Doubt::similar_values;
            for (const Restriction& where :
                 {compare(op, {value}), compare(Operator::in, {value}, excludes)}) {
                CHECK(rows_of(where, cells) ==
                      (excludes ? std::vector<int>{1, 2, 4} : std::vector<int>{0, 3}));
                CHECK(count_of(seen_in(where, {cells}), doubt) == 1);
            }
        }
    }
}

TEST_CASE("what another comparison of the column has as a value is not told") {
    const Restriction two = all_of({compare(Operator::ne, {"DE"}), compare(Operator::ne, {"de"})});
    const Doubts doubts = seen_in(two, {{"DE", "de", "De", "x"}});
    // Once for a row, though it is like both.
    CHECK(count_of(doubts, Doubt::kept_values) == 1);
}

TEST_CASE("rows that another condition excludes, and bad ones, are not kept") {
    const Restriction two =
        all_of({compare(Operator::ne, {"DE"}), compare(Operator::eq, {"x"}, false, 1)});
    const std::vector<std::vector<std::string>> columns{{"de", "de", "De"}, {"x", "y", "x"}};
    CHECK(count_of(seen_in(two, columns), Doubt::kept_values) == 2);
    const std::vector<CellFault> faults{{2, CellFault::Place::aggregate, Kind::number, 0, false}};
    CHECK(count_of(seen_in(two, columns, faults), Doubt::kept_values) == 1);
}

TEST_CASE("values of comparisons are compared by likeness, if neither is much longer") {
    AskedTexts asked(compare(Operator::in, {"Köln", "a b", ""}));
    for (const Bytes cell : {Bytes("KÖLN"), Bytes("Ko\xCC\x88ln"), Bytes("A\t B "), Bytes(" "),
                             Bytes("\xE2\x80\x8B")}) {
        CHECK(asked.like(cell) != nullptr);
        // Again, when it is known.
        CHECK(asked.like(cell) != nullptr);
    }
    for (const Bytes cell :
         {Bytes("Koln"), Bytes("ab"), Bytes("a c"), Bytes("Köln 2"), Bytes("x")}) {
        CHECK(asked.like(cell) == nullptr);
        CHECK(asked.like(cell) == nullptr);
    }
    CHECK(asked.like("a b" + std::string(19, ' ')) != nullptr);
    CHECK(asked.like("a b" + std::string(20, ' ')) == nullptr);
}

TEST_CASE(
    "comparisons of many values, or of other kinds, are not those of texts that are asked for") {
    CHECK(asked_texts(compare(Operator::in, std::vector<std::string>(16, "x"))).size() == 1);
    CHECK(asked_texts(compare(Operator::in, std::vector<std::string>(17, "x"))).empty());
    CHECK(asked_texts(compare(Operator::contains, {"x"})).empty());
    Restriction number = compare(Operator::eq, {"1"});
    number.kind = Kind::number;
    CHECK(asked_texts(number).empty());
}
