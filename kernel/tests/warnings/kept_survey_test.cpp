#include "warnings/kept_survey.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "groups/rows.hpp"
#include "output/folder.hpp"

using namespace csvmill;

namespace {

/// Rows in two groups: `X`, ` x` and `x` look alike, in the first one; `long ...` in both.
std::vector<test::Row> some_rows() {
    const std::string text(20, '~');
    std::vector<test::Row> rows;
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"a", "x"},
                                                          {"a", "X"},
                                                          {"a", " x"},
                                                          {"a", "x"},
                                                          {"b", "X"},
                                                          {"a", text + "é"},
                                                          {"a", text + "É"},
                                                          {"b", text + "é"},
                                                          {"b", text + "É"},
                                                          {"b", "y"}}) {
        test::Row& row = rows.emplace_back();
        row.key = key;
        row.text = value;
        row.number = {1, 0};
    }
    return rows;
}

Query query_of(Function function) {
    Query query;
    query.aggregates = {test::aggregate(Function::median, Kind::number),
                        test::aggregate(function, Kind::text)};
    return query;
}

Sighting found_in_table(const Query& query, std::uint64_t most) {
    const Layout layout(query);
    Budget budget(std::numeric_limits<std::size_t>::max());
    GroupTable table(layout, 3, budget);
    test::add_rows(some_rows(), query, table);
    for (std::size_t part = 0; part < partitions; ++part) table.prepare_results(part);
    Doubts doubts;
    KeptSurvey(query, layout, 5, doubts, most).look_at(table);
    return doubts.of(Doubt::similar_distinct, 0);
}

/// The same from two files, of which each has half of the rows.
Sighting found_in_files(const Query& query, std::uint64_t most) {
    const Folder folder;
    Scratch scratch(std::numeric_limits<std::uint64_t>::max());
    const Layout layout(query);
    Budget budget(std::numeric_limits<std::size_t>::max());
    GroupTable table(layout, 3, budget);
    std::vector<StateFile> files;
    const std::vector<test::Row> rows = some_rows();
    const auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
    for (const auto& half : {std::vector(rows.begin(), middle), std::vector(middle, rows.end())}) {
        test::add_rows(half, query, table);
        files.push_back(StateFile::spill(table, scratch));
    }
    Doubts doubts;
    KeptSurvey(query, layout, 5, doubts, most).look_at(files);
    return doubts.of(Doubt::similar_distinct, 0);
}

}  // namespace

TEST_CASE("different values that look alike in a group are found in a table and in files") {
    for (const Function function :
         {Function::count_distinct, Function::mode, Function::concat_distinct}) {
        const Query query = query_of(function);
        for (const Sighting& found : {found_in_table(query, 9), found_in_files(query, 9)}) {
            CHECK(found.count == 4);
            CHECK(found.column == 0);
            CHECK(found.example == "' x' and 'X'");
        }
        for (const Sighting& found : {found_in_table(query, 8), found_in_files(query, 8)}) {
            CHECK(found.count == 0);
        }
    }
}
