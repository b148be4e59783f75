#include "output/result.hpp"

#include <doctest/doctest.h>

#include <memory>

#include "folder.hpp"
#include "groups/rows.hpp"
#include "output/row.hpp"

namespace csvmill {

namespace {

constexpr std::size_t much = std::size_t{1} << 40;

/// How rows are divided, and what may be used.
struct Way {
    std::size_t tables;
    std::size_t spills;  ///< Of each table, before the end.
    std::size_t threads;
    std::size_t memory;
};

std::string result_of(const Query& query, const std::vector<test::Row>& rows, const Way& way,
                      std::mt19937_64& random, std::uint64_t& count) {
    const Folder folder;
    Scratch scratch(1 << 30);
    const Layout layout(query);
    std::vector<std::vector<test::Row>> divided(way.tables * (way.spills + 1));
    for (const test::Row& row : rows) divided[random() % divided.size()].push_back(row);
    Budget budget(much);
    std::vector<std::unique_ptr<GroupTable>> tables;
    std::vector<GroupTable*> all;
    std::vector<StateFile> spilled;
    for (std::size_t i = 0; i < way.tables; ++i) {
        tables.push_back(std::make_unique<GroupTable>(layout, 3, budget));
        all.push_back(tables.back().get());
        for (std::size_t j = 0; j <= way.spills; ++j) {
            test::add_rows(divided[i * (way.spills + 1) + j], query, *all.back());
            if (j < way.spills) spilled.push_back(StateFile::spill(*all.back(), scratch, 300));
        }
    }
    FileWriter writer("result", scratch);
    Doubts doubts;
    count = write_result(
        {query, layout, all, std::move(spilled), way.memory, way.threads, scratch, doubts, 3},
        writer);
    writer.finish();
    for (const GroupTable* table : all) CHECK(table->size() == 0);
    CHECK(folder.files() == 1);
    return contents("result");
}

Query full_query() {
    Query query = test::every_aggregate();
    query.group_by.resize(1);
    query.names.push_back("key");
    for (std::size_t i = 0; i < query.aggregates.size(); ++i) {
        Aggregate& aggregate = query.aggregates[i];
        const bool counts =
            aggregate.function == Function::count || aggregate.function == Function::count_distinct;
        aggregate.output = counts ? Kind::integer : aggregate.kind;
        query.names.push_back("a" + std::to_string(i));
    }
    return query;
}

const Way ways[] = {{1, 0, 1, much}, {4, 0, 2, much}, {3, 0, 3, 1},
                    {1, 2, 1, 1},    {2, 6, 2, 1},    {4, 1, 3, much}};

}  // namespace

TEST_CASE(
    "the result is the same for any threads, memory and spilling, and that of a plain model") {
    std::mt19937_64 random(21);
    for (const std::size_t groups : {1UL, 2000UL})
        for (const Way& way : ways) {
            const Query query = full_query();
            const std::vector<test::Row> rows = test::random_rows(random, 12'000, groups);
            std::string expected = RowEncoder(query).header();
            const test::Results results = test::expected_results(rows);
            for (const auto& [key, cells] : results) {
                Row row = {key};
                row.insert(row.end(), cells.begin(), cells.end());
                RowEncoder(query).append(expected, row);
            }
            std::uint64_t count = 0;
            CHECK((result_of(query, rows, way, random, count) == expected));
            CHECK(count == results.size());
        }
}

TEST_CASE("groups of several tables are merged by their keys, unless they keep values") {
    std::mt19937_64 random(26);
    const Query all = full_query();
    Query query = all;
    query.aggregates.clear();
    query.names = {"key"};
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < all.aggregates.size(); ++i) {
        if (make_aggregator(all.aggregates[i])->keeps() != Aggregator::Keeps::none) continue;
        query.aggregates.push_back(all.aggregates[i]);
        query.names.push_back(all.names[i + 1]);
        chosen.push_back(i);
    }
    for (const std::size_t groups : {1UL, 30'000UL})
        for (const Way& way : ways) {
            const std::vector<test::Row> rows = test::random_rows(random, 40'000, groups);
            std::string expected = RowEncoder(query).header();
            const test::Results results = test::expected_results(rows);
            for (const auto& [key, cells] : results) {
                Row row = {key};
                for (const std::size_t i : chosen) row.push_back(cells[i]);
                RowEncoder(query).append(expected, row);
            }
            std::uint64_t count = 0;
            CHECK((result_of(query, rows, way, random, count) == expected));
            CHECK(count == results.size());
        }
}

TEST_CASE("large results are merged in ranges, with a limit and a condition") {
    std::mt19937_64 random(22);
    std::vector<test::Row> rows(40'000);
    for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i].key = "group," + std::to_string(random() % 25'000) + std::string(30, '-');
    Query query;
    query.group_by.resize(1);
    query.aggregates = {test::aggregate(Function::count, Kind::text, false)};
    query.names = {"key", "count"};
    std::map<std::string, std::uint64_t> counts;
    for (const test::Row& row : rows) ++counts[row.key];
    for (const std::uint64_t least : {0UL, 2UL})
        for (const std::uint64_t limit : {0UL, 9'999UL})
            for (const Way& way : ways) {
                if (limit > 0) query.limit = limit;
                if (least > 0) {
                    Restriction& having = query.having.emplace();
                    having.column = 1;
                    having.op = Operator::ge;
                    having.kind = Kind::integer;
                    having.values = {std::to_string(least)};
                }
                std::string expected = "key,count\n";
                std::uint64_t number = 0;
                for (const auto& [key, of_key] : counts) {
                    if (of_key < least || (limit > 0 && number == limit)) continue;
                    expected += "\"" + key + "\"," + std::to_string(of_key) + "\n";
                    ++number;
                }
                std::uint64_t count = 0;
                CHECK((result_of(query, rows, way, random, count) == expected));
                CHECK(count == number);
                query.limit.reset();
                query.having.reset();
            }
}

TEST_CASE("without group columns there is one row, also without records") {
    std::mt19937_64 random(23);
    Query query;
    query.aggregates = {test::aggregate(Function::count, Kind::text, false),
                        test::aggregate(Function::sum, Kind::number),
                        test::aggregate(Function::median, Kind::number),
                        test::aggregate(Function::count_distinct, Kind::text)};
    query.names = {"count", "sum", "median", "distinct"};
    query.limit = 1;
    std::vector<test::Row> rows(3);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i].number = {static_cast<std::int64_t>(i), 1};
        rows[i].text = "same";
    }
    for (const bool ordered : {false, true})
        for (const Way& way : ways) {
            if (ordered) query.order_by = {{1, true}};
            std::uint64_t count = 0;
            CHECK(result_of(query, {}, way, random, count) == "count,sum,median,distinct\n0,,,0\n");
            CHECK(count == 1);
            CHECK(result_of(query, rows, way, random, count) ==
                  "count,sum,median,distinct\n3,0.3,0.1,1\n");
            CHECK(count == 1);
            query.order_by.clear();
        }
}

TEST_CASE("with group columns there may be no row") {
    std::mt19937_64 random(24);
    for (const Way& way : ways) {
        std::uint64_t count = 7;
        const Query query = full_query();
        CHECK(result_of(query, {}, way, random, count) == RowEncoder(query).header());
        CHECK(count == 0);
    }
}

TEST_CASE("texts of keys may have NULs and be empty") {
    std::mt19937_64 random(25);
    Query query;
    query.group_by.resize(3);
    query.names = {"a", "b", "c"};
    const std::vector<std::pair<std::string, std::string>> keys = {
        {std::string("\0\0\0\0", 4), ",,\n"},
        {std::string("\0\0b\0\1\0\0", 7), std::string(",b\0,\n", 5)},
        {std::string("\0\1\0\0\0\0c", 7), std::string("\0,,c\n", 5)},
        {std::string("a\0\0\0\1\0\1\0\0,", 10), std::string("a,\0\0,\",\"\n", 9)},
    };
    std::vector<test::Row> rows;
    std::string expected = "a,b,c\n";
    for (const auto& [key, line] : keys) {
        rows.emplace_back().key = key;
        expected += line;
    }
    for (const Way& way : ways)
        for (const bool ordered : {false, true}) {
            if (ordered) query.order_by = {{0, false}, {1, false}, {2, false}};
            std::uint64_t count = 0;
            CHECK((result_of(query, rows, way, random, count) == expected));
            query.order_by.clear();
        }
}

}  // namespace csvmill
