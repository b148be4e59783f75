#include "output/ordering.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "folder.hpp"

namespace csvmill {

namespace {

Query ordered_query(std::vector<OrderKey> order) {
    Query query;
    query.group_by.resize(1);
    query.aggregates.resize(2);
    query.aggregates[0].output = Kind::number;
    query.aggregates[1].output = Kind::text;
    query.names = {"k", "n", "t"};
    query.order_by = std::move(order);
    return query;
}

/// Whether row `a` is before row `b`, by comparing cells.
bool before(const Query& query, const Row& a, const Row& b) {
    for (const OrderKey& order : query.order_by) {
        const std::string& x = (order.descending ? b : a)[order.column];
        const std::string& y = (order.descending ? a : b)[order.column];
        if (order.column == 1) {
            const double numbers[] = {x.empty() ? -1e300 : std::stod(x),
                                      y.empty() ? -1e300 : std::stod(y)};
            if (numbers[0] != numbers[1]) return numbers[0] < numbers[1];
        } else if (x != y) {
            return x < y;
        }
    }
    return a[0] < b[0];
}

}  // namespace

TEST_CASE("rows are sorted by numbers, texts and groups, in memory or in runs, up to a limit") {
    const Folder folder;
    std::mt19937 random(9);
    const std::vector<OrderKey> orders[] = {
        {{1, true}}, {{2, true}, {1, false}}, {{1, false}, {2, true}, {0, true}}};
    for (const auto& order : orders)
        for (const std::size_t memory : {1UL << 30, 20'000UL})
            for (const std::size_t limit : {0UL, 1UL, 3000UL})
                for (const std::size_t threads : {1UL, 3UL}) {
                    Query query = ordered_query(order);
                    if (limit > 0) query.limit = limit;
                    Scratch scratch(1 << 30);
                    const RowEncoder encoder(query);
                    std::vector<RowSorter> sorters;
                    for (std::size_t i = 0; i < threads; ++i)
                        sorters.emplace_back(encoder, query, scratch, memory);
                    std::vector<Row> rows;
                    for (std::size_t i = 0; i < 9'000; ++i) {
                        std::string number = std::to_string(static_cast<int>(random() % 200) - 100);
                        if (random() % 3 == 0) number += random() % 2 == 0 ? ".50" : ".0";
                        if (random() % 9 == 0) number.clear();
                        std::string text(random() % 3, 'x');
                        if (random() % 2 == 0) text += std::string(random() % 3, '\0') + "b";
                        rows.push_back({std::to_string(i), number, text});
                    }
                    std::shuffle(rows.begin(), rows.end(), random);
                    for (const Row& row : rows) sorters[random() % threads].add(row, row[0]);
                    FileWriter writer("result", scratch);
                    const std::uint64_t count = RowSorter::write(sorters, writer);
                    writer.finish();
                    std::sort(rows.begin(), rows.end(),
                              [&](const Row& a, const Row& b) { return before(query, a, b); });
                    if (limit > 0 && limit < rows.size()) rows.resize(limit);
                    std::string expected;
                    for (const Row& row : rows) encoder.append(expected, row);
                    REQUIRE(count == rows.size());
                    REQUIRE((contents("result") == expected));
                    std::filesystem::remove("result");
                    sorters.clear();
                    REQUIRE(folder.files() == 0);
                }
}

TEST_CASE("numbers of the output sort by value, whatever their digits") {
    const Query query = ordered_query({{1, false}});
    const std::vector<std::string> ascending = {"",
                                                "-123456789012345678901234567890",
                                                "-10",
                                                "-9.99",
                                                "-0.5",
                                                "0",
                                                "0.0000000000000000000000000001",
                                                "0.5",
                                                "9",
                                                "9.90",
                                                "10.000",
                                                "999999999999999999",
                                                "9999999999999999999.5"};
    std::string last;
    for (const std::string& number : ascending) {
        std::string key;
        append_sort_key(key, query, {"", number, ""}, "");
        CHECK((last < key));
        last = key;
    }
    std::string same[2];
    append_sort_key(same[0], query, {"", "1.50", ""}, "");
    append_sort_key(same[1], query, {"", "1.5", ""}, "");
    CHECK(same[0] == same[1]);
}

}  // namespace csvmill
